"""A project becomes a DVC repository before its first run, and its user sees what there is to commit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler.programs import dvc, git

if TYPE_CHECKING:
    from pathlib import Path

_DONE = {".dvc": "made this project a DVC repository", ".dvc/config": "connected DVC to the git repository"}


def ready_for_dvc(root: Path) -> None:
    """Raises dvc.DvcFailed."""
    made = dvc.prepare(root)
    if not made:
        return
    done = next((_DONE[path] for path in made if path in _DONE), "had git leave out results")
    when = "after `git init`, " if git.ignores(".", root) is None else ""
    print(f"{done}: {when}commit {' and '.join(made)}")
