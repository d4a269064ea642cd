"""Which models would do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler.catalog import load, names
from aimass_compiler.catalog.model import Model

if TYPE_CHECKING:
    from aimass_compiler.task import Task


def suitable(task: Task, accepts: str, *, accepts_missing: bool = False) -> list[str]:
    """The models for this task and these features, sorted."""
    return [
        name
        for name in names("models")
        if issubclass(model := load("models", name), Model)
        and task.kind in model.tasks
        and model.accepts == accepts
        and (model.accepts_missing or not accepts_missing)
    ]
