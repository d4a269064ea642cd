"""Takes what a merge left in conflict out of dvc.lock, so that DVC can go on from the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from aimass_compiler import conventions
from aimass_compiler.conflict_markers import is_conflicted, without_stages_in_conflict
from aimass_compiler.diagnostics import Finding
from aimass_compiler.plan import replace_file


def resolve(root: Path, models: Iterable[str], tell: Callable[[str], None]) -> list[Finding]:
    """Resolve the dvc.lock of each of these models that has conflict markers, and tell what was done."""
    for model in sorted(models):
        shown = f"{conventions.GENERATED_FOLDER}/{model}/{conventions.DVC_LOCK}"
        path = root / shown
        try:
            content = path.read_bytes() if path.exists() else b""
            if is_conflicted(content):
                tell(_resolved(path, content, model))
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
