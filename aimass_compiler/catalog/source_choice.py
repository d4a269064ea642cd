"""Sources as specs write them: by kind, or by a path or a list of paths alone."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Annotated, Any

from pydantic import BeforeValidator

from aimass_compiler.catalog import OneOf
from aimass_compiler.catalog.source import Source

#: What stands behind the suffix of a file that is packed.
PACKED = (".gz", ".zst", ".bz2", ".xz", ".zip")

#: Suffixes that are not the name of their kind and stand for no other.
_SUFFIXES = {"feather": "arrow"}
#: What several sources under one name are.
_UNION = "union"


def _source_of_path(value: Any) -> Any:
    """A path names its own kind by its suffix, before one that says how it is packed; a list is a union."""
    if isinstance(value, list):
        return {_UNION: value}
    if not isinstance(value, str):
        return value
    path = PurePosixPath(value)
    if path.suffix.lower() in PACKED:
        path = path.with_suffix("")
    suffix = path.suffix.lstrip(".").lower()
    suffix = _SUFFIXES.get(suffix, suffix)
    return {suffix or value: value}


_PartOneOf = OneOf("sources", without=_UNION)
#: One source of a union.
Part = Annotated[
    Source,
    _PartOneOf,
    BeforeValidator(_source_of_path, json_schema_input_type=str | Annotated[Source, _PartOneOf]),
]
SourceChoice = Annotated[
    Source,
    OneOf("sources"),
    BeforeValidator(
        _source_of_path,
        json_schema_input_type=str | list[str | dict[str, Any]] | Annotated[Source, OneOf("sources")],
    ),
]
