"""Time limits of many requests, watched together.

A timer a request (asyncio.timeout) costs more than everything else that the server does around a
small model, and nearly every one of them is cancelled.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import TracebackType

#: A request may take this share of its limit longer than the limit.
_TOLERANCE = 0.05


class Deadlines:
    """Makes every request that runs past its limit end with TimeoutError."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._until: dict[asyncio.Task[Any], float] = {}
        self._is_watching = False

    def __call__(self) -> _Deadline:
        """A context for the current task, to be entered once."""
        return _Deadline(self, asyncio.get_running_loop())

    def start(self, task: asyncio.Task[Any], loop: asyncio.AbstractEventLoop) -> None:
        """Begin to watch a task."""
        self._until[task] = loop.time() + self._seconds
        if not self._is_watching:
            self._is_watching = True
            loop.call_later(self._seconds * _TOLERANCE, self._watch, loop)

    def end(self, task: asyncio.Task[Any]) -> bool:
        """Stop to watch a task; whether it had been ended for being late."""
        return self._until.pop(task, None) is None

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for task, until in list(self._until.items()):
            if until > now:
                break  # they were started in this order
            del self._until[task]
            task.cancel()
        self._is_watching = bool(self._until)
        if self._is_watching:
            loop.call_later(self._seconds * _TOLERANCE, self._watch, loop)


class _Deadline:
    """One task's limit."""

    __slots__ = ("_deadlines", "_loop", "_task")

    def __init__(self, deadlines: Deadlines, loop: asyncio.AbstractEventLoop) -> None:
        self._deadlines = deadlines
        self._loop = loop

    def __enter__(self) -> None:
        task = asyncio.current_task(self._loop)
        if task is None:
            raise RuntimeError("a deadline needs a task")
        self._task = task
        self._deadlines.start(task, self._loop)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._deadlines.end(self._task) and kind is asyncio.CancelledError:
            self._task.uncancel()
            raise TimeoutError from error
