"""Parts of the work that processes do side by side."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

P = TypeVar("P")

#: A process has to find this many specs, or starting it costs more than it brings.
_FEWEST_SPECS = 24


def count_for(specs: int) -> int:
    """How many processes pay for so many specs: at most one for each core."""
    if not sys.platform.startswith("linux"):
        return 1  # macOS's own frameworks do not survive a fork, and Windows knows none
    return max(1, min(len(os.sched_getaffinity(0)), specs // _FEWEST_SPECS))


class Parallel(Generic[P]):
    """Parts that take each step at the same time: the first in this process, each other one in its own.

    What is imported and compiled before is theirs, too, because they are forked.
    """

    def __init__(self, parts: Sequence[P]) -> None:
        self._here, *others = parts
        self._others = [_Process(part) for part in others]

    def each(self, step: Callable[[P], Any]) -> list[Any]:
        """What the step answers for each part, in their order; it must be one that can be pickled."""
        for other in self._others:
            other.begin(step)
        return [step(self._here), *(other.answer() for other in self._others)]

    def __enter__(self) -> Parallel[P]:
        return self

    def __exit__(self, *raised: object) -> None:
        # The last one first: it holds what leads to those that were started before it.
        for other in reversed(self._others):
            other.end()


class _Process(Generic[P]):
    """One part in a process of its own."""

    def __init__(self, part: P) -> None:
        from multiprocessing import get_context  # most compiles are of few specs, which need none of it

        context = get_context("fork")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_work, args=(part, theirs, self._connection), daemon=True)
        self._process.start()
        theirs.close()

    def begin(self, step: Callable[[P], Any]) -> None:
        self._connection.send(step)

    def answer(self) -> Any:
        """What the step answered. Raises RuntimeError when it raised, or the process was killed."""
        try:
            is_done, answer = self._connection.recv()
        except EOFError:
            raise RuntimeError("a process that compiled a part of the specs was killed") from None
        if not is_done:
            raise RuntimeError(f"a process that compiled a part of the specs failed:\n{answer}")
        return answer

    def end(self) -> None:
        self._connection.close()
        self._process.join()


def _work(part: P, connection: Connection, parents: Connection) -> None:
    """Take steps until nobody is there any more who asks for them."""
    parents.close()
    while True:
        try:
            step = connection.recv()
        except (EOFError, KeyboardInterrupt):
            return
        try:
            connection.send((True, step(part)))
        except KeyboardInterrupt:
            return
        except BaseException:  # noqa: BLE001  # it is raised again where it can be seen
            import traceback

            connection.send((False, traceback.format_exc()))
