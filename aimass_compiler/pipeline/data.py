"""Where the data comes from, how it is joined and cleaned, and how it is split."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from aimass_compiler.catalog import OneOf
from aimass_compiler.catalog.cleaning_step import CleaningStep
from aimass_compiler.catalog.quantities import Frozen, Names
from aimass_compiler.catalog.source import Source
from aimass_compiler.catalog.split import Split
from aimass_compiler.catalog.splits.hash import Hash
from aimass_compiler.pipeline.columns import Column

#: What stands behind the suffix of a file that is packed.
PACKED = (".gz", ".zst", ".bz2", ".xz", ".zip")

#: Suffixes that are not the name of their kind and stand for no other.
_SUFFIXES = {"feather": "arrow"}


def _source_of_path(value: Any) -> Any:
    """A bare path names its own kind by its suffix, before one that says how it is packed."""
    if not isinstance(value, str):
        return value
    path = PurePosixPath(value)
    if path.suffix.lower() in PACKED:
        path = path.with_suffix("")
    suffix = path.suffix.lstrip(".").lower()
    suffix = _SUFFIXES.get(suffix, suffix)
    return {suffix or value: value}


SourceChoice = Annotated[
    Source,
    OneOf("sources"),
    BeforeValidator(_source_of_path, json_schema_input_type=str | Annotated[Source, OneOf("sources")]),
]


class Join(Frozen):
    """Rows of one source beside those of another that have the same key."""

    left: str
    """The source (or the result of the joins so far) whose rows are kept."""
    right: str
    """The source whose columns are added."""
    on: Names
    """The key columns, present on both sides."""
    how: Literal["left", "inner", "full"] = "left"
    """What happens to rows without a partner."""


_InShort = Literal["number", "category", "text", "id", "time"]
_ColumnsAsWritten = Annotated[dict[str, _InShort | Column], Field(min_length=1)]


def _columns_short(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {name: {"type": column} if isinstance(column, str) else column for name, column in value.items()}


class Data(Frozen):
    """The data of a model."""

    sources: dict[str, SourceChoice] = Field(min_length=1)
    """Where rows come from: a path, or `{KIND: {…}}`, each under its own name."""

    join: tuple[Join, ...] = ()
    """How several sources become one table, in this order."""

    columns: Annotated[
        Annotated[Mapping[str, Column], Field(min_length=1)],
        BeforeValidator(_columns_short, json_schema_input_type=_ColumnsAsWritten),
    ]
    """The contract: checked on every run, and what serving accepts."""

    clean: tuple[Annotated[CleaningStep, OneOf("cleaning")], ...] = ()
    """What is done to the rows before they are split; it only drops rows, never changes values."""

    split: Annotated[Split, OneOf("splits", tag="by")] = Field(default_factory=Hash.default)
    """Which rows train, validate and test."""
