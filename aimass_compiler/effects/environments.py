"""Edits of what environments inherit are told once, with the environments that take them."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from aimass_compiler.diagnostics import Path
from aimass_compiler.effects.edits import Edit

_ENVIRONMENTS = "environments"
#: What each environment has of its own once its overrides are applied.
INHERITED = ("serving", "monitoring", "training")
#: An environment's name stands at this step of a path.
_INSIDE = 2


def told_once(found: Iterable[Edit]) -> Iterator[Edit]:
    """The edits, each with its environments, and without those that are another one inherited."""
    listed = list(found)
    takers: defaultdict[str, list[str]] = defaultdict(list)
    for edit in listed:
        if is_of_environment(edit.path):
            takers[_content(edit)].append(str(edit.path[1]))
    usual = {_content(edit) for edit in listed if edit.path[:1] and edit.path[0] in INHERITED}
    told: set[str] = set()
    for edit in listed:
        content = _content(edit)
        if not is_of_environment(edit.path):
            yield replace(edit, environments=tuple(takers.get(content, ())))
        elif content not in usual and edit.path[_INSIDE] in INHERITED:
            yield replace(edit, environments=(str(edit.path[1]),))
        elif content not in usual and content not in told:  # of the settings, mostly for all alike
            told.add(content)
            yield replace(edit, environments=tuple(takers[content]))


def is_of_environment(path: Path) -> bool:
    """Whether a path leads to a value inside an environment."""
    return len(path) > _INSIDE and path[0] == _ENVIRONMENTS


def without_environment(path: Path) -> Path:
    """The path of the same value where it is written for all environments."""
    return path[_INSIDE:] if is_of_environment(path) else path


def _content(edit: Edit) -> str:
    return json.dumps([edit.act, without_environment(edit.path), edit.before, edit.after], sort_keys=True)
