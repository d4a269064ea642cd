"""Which new model is a removed one under another name."""

from __future__ import annotations

import json
from collections.abc import Mapping

from aimass_compiler.effects.edits import leaves
from aimass_compiler.effects.normal import Normal, mapping

#: What is the same in two models that are one: a rename often comes with a small change.
_ALIKE = 0.8
#: With more pairs than this, only what is the same to the last value is looked for.
_MOST_PAIRS = 400

_Values = frozenset[tuple[str, str]]


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
