"""JSON that says of a value only what is not as in another: of environments, what is not as everywhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: What environments have of their own, beside what a spec says for all.
_ENVIRONMENTS = "environments"


def shortened_environments(document: Mapping[str, Any]) -> dict[str, Any]:
    """A pipeline whose environments say only what they do otherwise than the pipeline itself."""
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


#: The parts of a pipeline that environments have, too.
_SECTIONS = ("serving", "monitoring", "training")


def _of_place(document: Mapping[str, Any], place: Mapping[str, Any]) -> dict[str, Any]:
    told = {key: difference(document[key], place[key]) for key in _SECTIONS if key in place}
    others = {key: value for key, value in place.items() if key not in told}
    return {**others, **{key: value for key, value in told.items() if value != {}}}


def difference(first: Any, other: Any) -> Any:
    """What has other keys than the first stands as a whole, in a list that tells so."""
    if not isinstance(first, dict):
        return other
    if not isinstance(other, dict) or first.keys() != other.keys():
        return [other]
    return {key: difference(first[key], value) for key, value in other.items() if value != first[key]}


def filled_in(first: Any, other: Any) -> Any:
    """The value of which `other` says what is not as in the first."""
    if not isinstance(first, dict):
        return other
    if isinstance(other, list):
        return other[0]
    if not isinstance(other, dict):
        return other
    return {key: filled_in(value, other[key]) if key in other else value for key, value in first.items()}
