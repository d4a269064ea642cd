"""What the language has at a place, read from its JSON Schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aimass_compiler.catalog.quantities import Frozen

Schema = Mapping[str, Any]


def keys_at(kind: type[Frozen], data: Any, location: Sequence[str | int]) -> dict[str, str]:
    """The keys that a mapping at this place may have, with what they mean.

    The data decides between branches: behind `{by: hash}` there are the keys of `hash` only.
    """
    return {
        key: " ".join(str(schema.get("description", "")).split())
        for branch in _at(kind, data, location)
        for key, schema in branch.get("properties", {}).items()
    }


def words_at(kind: type[Frozen], data: Any, location: Sequence[str | int]) -> list[str]:
    """The words that may stand at this place alone."""
    return [word for branch in _at(kind, data, location) for word in branch.get("enum", ())]


def percent_at(kind: type[Frozen], data: Any, location: Sequence[str | int]) -> bool:
    """Whether a number at this place is a percentage, and not a share."""
    return any(branch.get("maximum") == 100 for branch in _at(kind, data, location))  # noqa: PLR2004  # percent


def _at(kind: type[Frozen], data: Any, location: Sequence[str | int]) -> list[Schema]:
    """The schemas of a place, of which one has what is written there."""
    root = _schema(kind)
    here, written = list(_branches(root, root)), data
    for step in location:
        deeper = [found for branch in _chosen(here, written) for found in _below(root, branch, step)]
        here = deeper or here
        written = _inside(written, step)
    return _chosen(here, written)


@cache
def _schema(kind: type[Frozen]) -> Schema:
    return kind.model_json_schema(by_alias=True)


def _inside(written: Any, step: str | int) -> Any:
    """The value behind a step; the decoder takes steps that nobody wrote, and these lead nowhere."""
    if isinstance(written, Mapping):
        return written.get(step, written)
    is_item = isinstance(written, Sequence) and isinstance(step, int) and step < len(written)
    return written[step] if is_item and not isinstance(written, str) else written


def _chosen(branches: list[Schema], written: Any) -> list[Schema]:
    """The branches whose constants are what was written; all when that is none of them."""
    return [branch for branch in branches if _suits(branch, written)] or branches


def _suits(branch: Schema, written: Any) -> bool:
    properties = branch.get("properties", {})
    if not isinstance(written, Mapping):
        return True
    constants = {key: schema["const"] for key, schema in properties.items() if "const" in schema}
    return all(written.get(key, constant) == constant for key, constant in constants.items())


def _branches(root: Schema, schema: Any) -> Iterator[Schema]:
    if not isinstance(schema, Mapping):
        return
    if "$ref" in schema:
        yield from _branches(root, root["$defs"][schema["$ref"].rpartition("/")[2]])
    for word in ("anyOf", "oneOf", "allOf"):
        for branch in schema.get(word, ()):
            yield from _branches(root, branch)
    yield schema


def _below(root: Schema, branch: Schema, step: str | int) -> Iterator[Schema]:
    if isinstance(step, int):
        yield from _branches(root, branch.get("items"))
    else:
        yield from _branches(root, branch.get("properties", {}).get(step, branch.get("additionalProperties")))
