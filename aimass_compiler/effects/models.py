"""The models that a plan changes: what each was and is, its pipeline read and its files at hand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from msgspec import Struct

from aimass_compiler import conventions
from aimass_compiler.effects.normal import Normal, Unreadable, normal
from aimass_compiler.plan.comparison import Action, Change, Files, Plan
from aimass_compiler.plan.names import model_folder


class Model(Struct, frozen=True):
    """One model before and after: its pipeline where there is one, and its files by path in its folder."""

    name: str
    changes: tuple[Change, ...]
    before: Files
    after: Files
    old: Normal | None = None
    new: Normal | None = None
    note: str = ""
    """Why the pipelines cannot be compared, where there are two."""
    renamed_from: str = ""


def differing(plan: Plan) -> tuple[dict[str, list[Change]], int]:
    """The changes by model, and how many models have none."""
    found: defaultdict[str, list[Change]] = defaultdict(list)
    folders: set[str] = set()
    for change in plan.changes:
        folder = model_folder(change.path)
        folders.add(folder)
        if folder and change.action is not Action.UNCHANGED:
            found[folder].append(change)
    return dict(found), len(folders) - len(found)


def models(plan: Plan, changed: Mapping[str, Sequence[Change]]) -> list[Model]:
    """The models with changes, by name."""
    before, after = _by_model(plan.previous, changed), _by_model(plan.files, changed)
    return [
        _model(name, tuple(changes), before.get(name, {}), after.get(name, {}))
        for name, changes in sorted(changed.items())
    ]


def _by_model(files: Files, wanted: Mapping[str, object]) -> dict[str, dict[str, bytes]]:
    found: defaultdict[str, dict[str, bytes]] = defaultdict(dict)
    for path, content in files.items():
        folder, slash, inner = path.partition("/")
        if slash and folder in wanted:
            found[folder][inner] = content
    return found


def _model(name: str, changes: tuple[Change, ...], before: Files, after: Files) -> Model:
    """The model with its pipelines read."""
    path = conventions.PIPELINE_FILE
    old = new = None
    note = ""
    try:
        new = normal(after[path]) if path in after else None
        # What is the same was not written in vain, and is not read in vain either.
        old = new if before.get(path) == after.get(path) else normal(before[path]) if path in before else None
    except Unreadable as unreadable:
        note = f"the values of {path} before cannot be compared: {unreadable}"
    return Model(name, changes, before, after, old, new, note)
