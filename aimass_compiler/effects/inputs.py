"""What a served model is asked with: the columns that reach it, as far as the spec tells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from aimass_compiler.catalog import load
from aimass_compiler.catalog.model import Model
from aimass_compiler.catalog.transform import Transform, features_of
from aimass_compiler.effects.normal import Normal, at, mapping, named
from aimass_compiler.expression.types import ColumnType, image
from aimass_compiler.pipeline.columns import NEVER_FEATURES

_IMAGE = "image"
#: What cannot be read is what another version of the compiler wrote.
_FOREIGN = (LookupError, TypeError, ValueError, AttributeError, ValidationError, PydanticCustomError)


def columns(pipeline: Normal) -> Mapping[str, Mapping[str, Any]]:
    """Every column that a request may name: all but the target."""
    target = at(pipeline, "task.target")
    return {name: column for name, column in named(at(pipeline, "data.columns")).items() if name != target}


def inputs(pipeline: Normal) -> dict[str, Mapping[str, Any]]:
    """The columns whose values reach the model; others may be sent, too, and are ignored.

    Training may still leave out some that `select` finds useless. Where the features cannot be read,
    every column that may be a feature counts.
    """
    asked = {name: column for name, column in columns(pipeline).items() if _may_be_feature(column)}
    try:
        reached = _reached(pipeline, {name: _type(column) for name, column in asked.items()})
    except _FOREIGN:
        return asked
    return {name: column for name, column in asked.items() if name in reached}


def _may_be_feature(column: Mapping[str, Any]) -> bool:
    return column.get("type") not in NEVER_FEATURES and column.get("known", "before") == "before"


def _type(column: Mapping[str, Any]) -> ColumnType:
    if column.get("type") == _IMAGE:
        channels, height, width = column["shape"]
        return image((channels, height, width))
    return ColumnType(str(column["type"]))


def _reached(pipeline: Normal, raw: Mapping[str, ColumnType]) -> set[str]:
    types, origins = dict(raw), {name: {name} for name in raw}
    for written in pipeline["features"]:
        ((kind, parameters),) = written.items()
        transform = load("transforms", kind).model_validate(parameters)
        assert isinstance(transform, Transform)  # noqa: S101  # of that family
        read = set().union(*(origins[name] for name in transform.columns_read))
        own = {name: origins[name] for name in transform.columns_read}
        for name, found in transform.produces(types).items():
            if found is None:
                types.pop(name, None)
                continue
            types[name] = found
            origins[name] = own.get(name, read)
    ((kind, parameters),) = mapping(pipeline["model"]).items()
    model = load("models", kind)
    assert issubclass(model, Model)  # noqa: S101  # of that family
    if model.accepts == _IMAGE:
        return {name for name, found in types.items() if found.name == _IMAGE}
    return set().union(*(origins[name] for name in features_of(types)))
