"""How models that share a server take turns on its threads, so that none waits for another's rush.

Each model's work waits in a line of its own, and lines take turns. So a model that is asked much, or that is
slow, makes its own callers wait first.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable


class FairThreads:
    """A few threads for many lines of work; no line has all of them."""

    def __init__(self, threads: int) -> None:
        self._most = max(1, threads - 1)
        self._lock = threading.Lock()
        self._lines: dict[object, deque[tuple[Future[Any], Callable[[], Any]]]] = {}
        self._running: Counter[object] = Counter()
        self._threads = ThreadPoolExecutor(threads, "prediction")

    def submit(self, line: object, work: Callable[[], Any]) -> Future[Any]:
        """Put work into a line; the future has its result."""
        future: Future[Any] = Future()
        with self._lock:
            self._lines.setdefault(line, deque()).append((future, work))
        self._threads.submit(self._go_on)
        return future

    def cancel(self, line: object) -> None:
        """Give up what waits in a line."""
        with self._lock:
            given_up = self._lines.pop(line, ())
        for future, _ in given_up:
            future.cancel()

    def close(self) -> None:
        """Let no thread keep the process from ending."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _go_on(self) -> None:
        """Work until no line that may go on has anything left."""
        while (taken := self._take()) is not None:
            line, future, work = taken
            try:
                if future.set_running_or_notify_cancel():
                    future.set_result(work())
            except BaseException as error:  # noqa: BLE001  # it belongs to whoever waits for it
                future.set_exception(error)
            finally:
                with self._lock:
                    self._running[line] -= 1
                    if not self._running[line]:
                        del self._running[line]

    def _take(self) -> tuple[object, Future[Any], Callable[[], Any]] | None:
        """The next piece of work; its line goes behind all others."""
        with self._lock:
            free = (each for each in self._lines if self._running[each] < self._most)
            line = next(free, None)
            if line is None:
                return None
            waiting = self._lines.pop(line)
            future, work = waiting.popleft()
            if waiting:
                self._lines[line] = waiting
            self._running[line] += 1
        return line, future, work


class Sharing(NamedTuple):
    """What a model has together with others."""

    threads: FairThreads
    turn_seconds: float
    """How long one model may keep the event loop before others have their turn."""
