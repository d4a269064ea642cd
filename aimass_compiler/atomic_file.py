"""Files that are written whole or not at all: beside their place, into which they are moved at the end."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from glob import escape
from pathlib import Path


def replace_file(target: Path, content: bytes) -> None:
    """Write a whole file to the disk or leave the old one; its folder is made where it is missing.

    `x` opens no link that somebody put there. Raises OSError, which names the file.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(partial_name(target.name))
    partial.unlink(missing_ok=True)
    try:
        with partial.open("xb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(target)
    except BaseException as error:
        if isinstance(error, OSError) and error.filename in {None, str(partial), partial}:
            error.filename = str(target)  # of a full disk it has no name
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        raise


def partial_name(name: str) -> str:
    """What a file is called while it is being written; the same each time, so that a next run finds it."""
    return f".{name}.partial"


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary name beside `path` that becomes `path` when the block ends well.

    A block that raises, or a process that is killed, leaves the earlier file as it was. What a killed
    process left of its own is removed; one that writes twice at once fails rather than mixes. An OSError
    names the file, never what it is called meanwhile.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    for leftover in path.parent.glob(f".{escape(path.name)}.*"):
        leftover.unlink(missing_ok=True)
    try:
        yield temporary
        temporary.replace(path)
    except OSError as error:
        if error.filename in {None, str(temporary), temporary}:
            error.filename = str(path)
        raise
    finally:
        temporary.unlink(missing_ok=True)
