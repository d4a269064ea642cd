"""When files were last changed, and what they hold: size, inode and times tell at once, hashes for sure.

Nothing heavy is imported here: where nothing has changed, this is most of the compiler that runs.
"""

from __future__ import annotations

import hashlib
import os
import stat
import time
from functools import lru_cache

from aimass_compiler import conventions

#: A file can change again within one tick of the file system's clock, and show the same time.
TICK_SECONDS = 0.02
#: That of file systems that keep whole seconds, or only even ones: exFAT, FAT, HFS+.
_COARSE_TICK_SECONDS = 2

#: Size, inode, and the times of the last change of content and of the inode, in nanoseconds; of several files
#: one after the other.
Stamp = list[int]
#: What the compiler wrote in a model's folder, files and the folders they are in. Most models have the same.
Paths = tuple[str, ...]


def walked(folder: str) -> list[tuple[str, Stamp]]:
    """The files in a folder with their stamps, in the order of the system; nothing when it cannot be read.

    Links are files here: they are not followed. Bytecode does not count.
    """
    found: list[tuple[str, Stamp]] = []
    try:
        _collect(folder, "", found)
    except OSError:
        return []
    return found


def _collect(folder: str, below: str, found: list[tuple[str, Stamp]]) -> None:
    with os.scandir(folder) as entries:
        for entry in entries:
            if not entry.is_dir(follow_symlinks=False):
                found.append((below + entry.name, _stamp_of(entry.stat(follow_symlinks=False))))
            elif entry.name != "__pycache__":
                _collect(entry.path, f"{below}{entry.name}/", found)


def stamps_of(folder: str, paths: Paths) -> list[Stamp]:
    """The stamps of a folder, of paths in it and of its dvc.lock; nothing where one of the paths is missing.

    Whatever comes or goes changes the stamp of the folder that it is in, so none has to be listed for that.
    """
    start = folder + os.sep
    try:
        stamps = [_stamp_of(os.lstat(path)) for path in (folder, *[start + path for path in paths])]
    except (OSError, ValueError):
        return []
    lock = stamp_of(start + conventions.DVC_LOCK)
    return [*stamps, lock] if lock else stamps


@lru_cache(maxsize=256)
def paths_of(listed: tuple[str, ...]) -> Paths:
    """The files of an inventory, itself, and all folders that they are in; held once for all models alike."""
    files = {*listed, conventions.INVENTORY_FILE}
    folders = {path[:place] for path in files for place, sign in enumerate(path) if sign == "/"}
    return tuple(sorted(files | folders))


def digest_of(seen: object) -> str:
    return hash_of_bytes(repr(seen).encode())


def stamp_of(path: str) -> Stamp | None:
    try:
        return _stamp_of(os.lstat(path))
    except OSError:
        return None


def _stamp_of(seen: os.stat_result) -> Stamp:
    return [seen.st_size, seen.st_ino, seen.st_mtime_ns, seen.st_ctime_ns]


def is_past(stamp: Stamp) -> bool:
    """Whether the last change is so long ago that the next one will show another time."""
    last = max(stamp[2:])
    tick = TICK_SECONDS if last % 1_000_000_000 else _COARSE_TICK_SECONDS
    return time.time_ns() - last > tick * 1e9


def content_of(path: str) -> bytes | None:
    """What a file holds; None where there is none, or a link or something stranger."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
        with open(descriptor, "rb") as stream:
            return stream.read() if stat.S_ISREG(os.fstat(descriptor).st_mode) else None
    except OSError:
        return None


def hash_of(path: str) -> str:
    content = content_of(path)
    return "" if content is None else hash_of_bytes(content)


def hash_of_bytes(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
