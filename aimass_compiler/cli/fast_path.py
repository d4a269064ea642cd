"""`aimass compile` where nothing has changed since the last time: answered without the compiler."""

from __future__ import annotations

import os
from collections.abc import Sequence

from aimass_compiler.compile_cache import CompileCache, has_run, open_cache, unchanged_files
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.project import root_around

_HARMLESS = frozenset({"--check", "--dry-run", "--diff"})


def answer(written: Sequence[str]) -> tuple[int | None, CompileCache | None]:
    """What `compile` exits with when there is nothing to do, having said so; None when there may be.

    And the cache, where it was looked at.
    """
    options, given = _split(written)
    if not _HARMLESS.issuperset(options) or {"--check", "--dry-run"}.issubset(options):
        return None, None
    root = given if given is not None else root_around(os.curdir)
    cache = open_cache(root)
    files = unchanged_files(cache, root)
    if files is None or ("--check" in options and has_run(root)):
        return None, cache
    print(nothing_changes(files))
    return ExitCode.DONE, cache


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
