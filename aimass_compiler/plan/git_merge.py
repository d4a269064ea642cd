"""How git merges generated/: its .gitattributes, and what a merge left in conflict in dvc.lock."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable
from pathlib import Path

from aimass_compiler import conventions
from aimass_compiler.atomic_file import replace_file
from aimass_compiler.conflict_markers import is_conflicted, without_stages_in_conflict
from aimass_compiler.diagnostics import Finding

_FILE = ".gitattributes"
#: `-merge` leaves our side whole and the path in conflict: no half of a file is taken for a whole one.
#: Source: https://git-scm.com/docs/gitattributes#_performing_a_three_way_merge
ATTRIBUTES = b"""\
# No checkout changes line ends here. A merge takes one side of a file, and `aimass compile` rewrites it;
# of inventory.json it needs both. Written once by aimass: it stays as you change it.
* text eol=lf linguist-generated -merge
inventory.json merge
"""


def write_attributes(generated: Path) -> None:
    """Write the file once, in a git repository; one that is there already stays as it is."""
    path = generated / _FILE
    if path.exists() or path.is_symlink() or not _is_in_repository(generated):
        return
    with contextlib.suppress(OSError):  # that the folder is read-only was reported for the files of models
        generated.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as stream:
            stream.write(ATTRIBUTES)


def _is_in_repository(folder: Path) -> bool:
    """Without asking git, which takes longer than a compile without changes."""
    above = Path(os.path.realpath(folder))
    return any((each / ".git").exists() for each in (above, *above.parents))


def resolve_locks(root: Path, models: Iterable[str], report: Callable[[str], None]) -> list[Finding]:
    """Resolve the dvc.lock of each of these models that has conflict markers, and report what was done."""
    for model in sorted(models):
        shown = f"{conventions.GENERATED_FOLDER}/{model}/{conventions.DVC_LOCK}"
        path = root / shown
        try:
            content = path.read_bytes() if path.exists() else b""
            if is_conflicted(content):
                report(_resolved(path, content, model))
        except OSError as error:
            return [Finding("AM035", (), f"`{shown}` could not be written: {error.strerror}", file=shown)]
    return []


def _resolved(path: Path, content: bytes, model: str) -> str:
    rest, stages = without_stages_in_conflict(content)
    if rest:
        replace_file(path, rest)
    else:
        path.unlink()
    shown = f"{conventions.GENERATED_FOLDER}/{model}/{conventions.DVC_LOCK}"
    what = f"took {', '.join(stages)} out of it" if rest else "deleted it"
    return (
        f"a merge left conflict markers in {shown}: {what}; "
        f"`aimass run {model}` takes from DVC's cache, or runs, what is missing"
    )
