"""The ranges of tunable parameters: whether their ends are sound, and how they are raised."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, get_args

import annotated_types
from pydantic import BaseModel, Tag, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError

from aimass_compiler.catalog.quantities import Choice, LogUniform, Uniform, is_range

_FACTOR = 2
#: Where a parameter starts that was off.
_SMALL = 0.1


def checked(value: Any, kind: type[BaseModel], name: str) -> Any:
    """The value of this field itself; if it is a range, every end of it could be the field's value too.

    Raises PydanticCustomError when an end is out of bounds, or when the ends do not ascend.
    """
    if isinstance(value, Mapping):  # of parameters that only other code knows
        for part in value.values():
            if isinstance(part, (Uniform, LogUniform)):
                _require_ascending(part, part.candidates)
        return value
    if not is_range(value):
        return value
    candidates = tuple(_as_value(end, kind, name) for end in value.candidates)
    if isinstance(value, Choice):
        return value.model_copy(update={"choice": candidates})
    _require_ascending(value, candidates)
    return value.model_copy(update={value.key: candidates})


def _as_value(end: Any, kind: type[BaseModel], name: str) -> Any:
    try:
        return _adapter(kind, name).validate_python(end)
    except ValidationError as error:
        reason = error.errors(include_url=False)[0]["msg"]
        raise PydanticCustomError(
            "range_end",
            "`{end}` in this range cannot be the value: {reason}",
            {"end": str(end), "reason": reason},
        ) from None


@lru_cache(maxsize=256)
def _adapter(kind: type[BaseModel], name: str) -> TypeAdapter[Any]:
    """What reads one value of a field that may be a range; building it takes as long as reading a spec."""
    return TypeAdapter(_value_type(kind.model_fields[name].annotation))


def _require_ascending(value: Uniform[Any] | LogUniform[Any], ends: tuple[Any, ...]) -> None:
    written = f"`{value.key}: [{ends[0]}, {ends[1]}]`"
    if not all(isinstance(end, (int, float)) and not isinstance(end, bool) for end in ends):
        raise PydanticCustomError(
            "range_numbers", "{range} needs numbers; list others as `choice`", {"range": written}
        )
    if ends[0] > ends[1]:
        raise PydanticCustomError("range_order", "{range} must ascend", {"range": written})
    if isinstance(value, LogUniform) and ends[0] <= 0:
        raise PydanticCustomError("range_positive", "the ends of {range} must be above 0", {"range": written})


def _value_type(annotation: Any) -> Any:
    """The type that a tunable parameter has when it is given, with its bounds."""
    for part in get_args(annotation):
        if Tag("value") in getattr(part, "__metadata__", ()):
            return part
    return next((found for found in map(_value_type, get_args(annotation)) if found is not None), None)


def largest(annotation: Any) -> float | None:
    """The upper bound of a parameter, or of its items."""
    for part in getattr(annotation, "__metadata__", ()):
        bounds = part.metadata if isinstance(part, FieldInfo) else [part]
        for bound in bounds:
            if isinstance(bound, annotated_types.Le):
                return float(bound.le)  # type: ignore[arg-type]  # our bounds are numbers
    return next((found for found in map(largest, get_args(annotation)) if found is not None), None)


def raised(written: Any, bound: float | None) -> Any:
    """A parameter as it was dumped, doubled as far as `bound`: a number, a list of them, or a range."""
    if isinstance(written, dict):
        return {
            key: _distinct(raised(ends, bound)) if key == "choice" else raised(ends, bound)
            for key, ends in written.items()
        }
    if isinstance(written, (list, tuple)):
        return [raised(item, bound) for item in written]
    if written is None or isinstance(written, (str, bool)):
        return written
    doubled = written * _FACTOR or (1 if isinstance(written, int) else _SMALL)
    return doubled if bound is None else type(doubled)(min(doubled, bound))


def _distinct(candidates: list[Any]) -> list[Any]:
    return [value for number, value in enumerate(candidates) if value not in candidates[:number]]
