"""`aimass compile` where nothing has changed since the last time: answered without the compiler."""

from __future__ import annotations

import os
from collections.abc import Sequence

from aimass_compiler.conventions import ExitCode
from aimass_compiler.memory import settled_files
from aimass_compiler.root import root_around

_HARMLESS = frozenset({"--check", "--dry-run", "--diff"})


def answer(written: Sequence[str]) -> int | None:
    """What `compile` exits with when there is nothing to do, having said so; None when there may be."""
    options, root = _split(written)
    if not _HARMLESS.issuperset(options) or {"--check", "--dry-run"}.issubset(options):
        return None
    files = settled_files(root if root is not None else root_around(os.curdir))
    if files is None:
        return None
    print(nothing_changes(files))
    return ExitCode.DONE


def nothing_changes(files: int) -> str:
    """The sentence about so many files, none of which changes."""
    return f"nothing changes: {files} files are as they should be"


def _split(written: Sequence[str]) -> tuple[list[str], str | None]:
    """The options, and the folder behind `--root` if there is one."""
    if "--root" not in written[:-1]:
        return list(written), None
    place = list(written).index("--root")
    root = os.path.realpath(written[place + 1])
    return [*written[:place], *written[place + 2 :]], root
