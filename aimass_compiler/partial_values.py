"""JSON with only what differs from another value: of an environment, what differs from its pipeline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_ENVIRONMENTS = "environments"
#: The parts of a pipeline that environments have, too.
_SECTIONS = ("serving", "monitoring", "training")


def shortened_environments(document: Mapping[str, Any]) -> dict[str, Any]:
    """A pipeline whose environments have only what differs from the pipeline itself."""
    places = {name: _of_place(document, place) for name, place in document[_ENVIRONMENTS].items()}
    return {**document, _ENVIRONMENTS: places}


def whole_environments(document: Mapping[str, Any]) -> dict[str, Any]:
    """The same with all that holds in an environment, also of a pipeline that was not shortened."""
    places = document.get(_ENVIRONMENTS)
    if not isinstance(places, Mapping) or not all(isinstance(each, Mapping) for each in places.values()):
        return {**document}
    usual = {key: document[key] for key in _SECTIONS if key in document}
    filled = {
        name: {**place, **{key: filled_in(value, place.get(key, {})) for key, value in usual.items()}}
        for name, place in places.items()
    }
    return {**document, _ENVIRONMENTS: filled}


def _of_place(document: Mapping[str, Any], place: Mapping[str, Any]) -> dict[str, Any]:
    changed = {key: difference(document[key], place[key]) for key in _SECTIONS if key in place}
    others = {key: value for key, value in place.items() if key not in changed}
    return {**others, **{key: value for key, value in changed.items() if value != {}}}


def difference(first: Any, other: Any) -> Any:
    """What differs from the first value; an object with other keys is whole, in a list of one."""
    if not isinstance(first, dict):
        return other
    if not isinstance(other, dict) or first.keys() != other.keys():
        return [other]
    return {key: difference(first[key], value) for key, value in other.items() if value != first[key]}


def filled_in(first: Any, other: Any) -> Any:
    """The whole value of which `other` is the difference from the first."""
    if not isinstance(first, dict):
        return other
    if isinstance(other, list):
        return other[0]
    if not isinstance(other, dict):
        return other
    return {key: filled_in(value, other[key]) if key in other else value for key, value in first.items()}
