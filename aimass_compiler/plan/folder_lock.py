"""A lock on a folder, held by one process at a time: of what is generated, and of a model's runs."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable, Iterator

if sys.platform != "win32":
    import fcntl


@contextlib.contextmanager
def folder_locked(folder: pathlib.Path, on_wait: Callable[[], object]) -> Iterator[None]:
    """Keep others who lock it out of a folder, which is created; calls `on_wait` before it waits for one.

    The lock is on the folder itself: no lock file is left behind, and a killed process frees it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if sys.platform == "win32":
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        _lock(descriptor, on_wait)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, on_wait: Callable[[], object]) -> None:
    """Take the lock; file systems without locks (some of NFS) go without, as does Windows.

    There, writing still notices what another compiler did.
    """
    if sys.platform == "win32":
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        on_wait()
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    except OSError:
        return
