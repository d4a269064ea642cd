"""A thread that writes what others hand over, so that no answer waits for a disk or a reader."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Item = TypeVar("Item")


class BackgroundWriter(Generic[Item]):
    """Writes items one after the other, as they came; the thread begins with the first.

    Each has a size. What waits or is being written has no more than `most` together, or is one item that is
    larger by itself; what is handed over beyond that is refused.
    """

    def __init__(self, name: str, most: int, write: Callable[[Item], None]) -> None:
        self._name, self._most, self._write = name, most, write
        self._is_waited_for = threading.Condition()
        self._waiting: list[tuple[Item, int]] = []
        self._size = 0
        self._thread: threading.Thread | None = None
        self._is_closed = False

    def put(self, item: Item, size: int) -> bool:
        """Hand an item over; whether it will be written."""
        with self._is_waited_for:
            if self._size and self._size + size > self._most:
                return False
            self._waiting.append((item, size))
            self._size += size
            if self._thread is None:
                # A daemon: a reader that does not read must not keep the process from ending.
                self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
                self._thread.start()
            self._is_waited_for.notify()
        return True

    def close(self, seconds: float | None = None) -> None:
        """Wait until everything is written, or no longer than this."""
        with self._is_waited_for:
            self._is_closed = True
            self._is_waited_for.notify()
        if self._thread is not None:
            self._thread.join(seconds)

    def _work(self) -> None:
        while True:
            with self._is_waited_for:
                while not self._waiting and not self._is_closed:
                    self._is_waited_for.wait()
                if not self._waiting:
                    return
                taken, self._waiting = self._waiting, []
            for item, size in taken:
                self._write(item)
                with self._is_waited_for:
                    self._size -= size
