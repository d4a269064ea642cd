"""Which new model is a removed one under another name."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from aimass_compiler.effects.edits import leaves
from aimass_compiler.effects.models import Model
from aimass_compiler.effects.normal import Normal, mapping

#: What is the same in two models that are one: a rename often comes with a small change.
_ALIKE = 0.8
#: With more pairs than this, only what is the same to the last value is looked for.
_MOST_PAIRS = 400

_Values = frozenset[tuple[str, str]]


def with_renames(models: Sequence[Model]) -> list[Model]:
    """The models, of which one that is another one renamed takes its place."""
    gone = {model.name: model for model in models if model.new is None and model.old is not None}
    come = {model.name: model for model in models if model.old is None and model.new is not None}
    names = renamed(
        {name: model.old for name, model in gone.items() if model.old is not None},
        {name: model.new for name, model in come.items() if model.new is not None},
    )
    taken = set(names.values())
    return [
        _renamed(model, gone[names[model.name]]) if model.name in names else model
        for model in models
        if model.name not in taken
    ]


def _renamed(model: Model, was: Model) -> Model:
    changes = tuple(sorted((*was.changes, *model.changes), key=lambda change: change.path))
    return replace(model, changes=changes, before=was.before, old=was.old, renamed_from=was.name)


def renamed(gone: Mapping[str, Normal], come: Mapping[str, Normal]) -> dict[str, str]:
    """The new models that were called otherwise, by their new names; each old one is one new one."""
    old = {name: _values(pipeline) for name, pipeline in sorted(gone.items())}
    new = {name: _values(pipeline) for name, pipeline in sorted(come.items())}
    by_content = {content: name for name, content in old.items()}
    found = {name: by_content.pop(content) for name, content in new.items() if content in by_content}
    left = [name for name in old if name not in found.values()]
    waiting = [name for name in new if name not in found]
    if len(left) * len(waiting) > _MOST_PAIRS:
        return found
    ranked = sorted((-_likeness(old[was], new[now]), was, now) for was in left for now in waiting)
    for unlike, was, now in ranked:
        if -unlike >= _ALIKE and now not in found and was not in found.values():
            found[now] = was
    return found


def _values(pipeline: Normal) -> _Values:
    """Everything but the name, in a form that can be counted."""
    metadata = {**mapping(pipeline.get("metadata")), "name": None}
    return frozenset(
        (json.dumps(path), json.dumps(value)) for path, value in leaves({**pipeline, "metadata": metadata})
    )


def _likeness(before: _Values, after: _Values) -> float:
    return len(before & after) / max(len(before | after), 1)
