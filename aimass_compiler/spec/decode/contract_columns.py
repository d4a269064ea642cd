"""A column of a data contract as a spec would write it.

Source: https://bitol-io.github.io/open-data-contract-standard/v3.2.0/schema/
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any

from aimass_compiler.pipeline.columns import COLUMN_TYPES
from aimass_compiler.pipeline.shared_parts import ContractColumn

if TYPE_CHECKING:
    from open_data_contract_standard.model import DataQuality, SchemaProperty

#: Which of a column's `customProperties` has the column as a spec writes it, or a part of it.
OWN_PROPERTY = "aimass"
_TYPES = {
    "string": "category",
    "boolean": "category",
    "date": "time",
    "timestamp": "time",
    "number": "number",
    "integer": "number",
    "vector": "series",
}
#: What the standard has besides, which no column of a spec holds.
_OTHERS = ("object", "array", "time", "map")
LOGICAL_TYPES = (*_TYPES, *_OTHERS)
_TRUTH = ("false", "true")
_PERCENT = 100


def column_of(described: SchemaProperty) -> ContractColumn:
    """The column, or why there is none: what `customProperties` says of it comes first."""
    own = _own(described)
    logical = described.logicalType or "string"
    kind = own.get("type") or _type(described, logical)
    if kind is None:
        return ContractColumn({}, f"no column of a spec holds `{logical}`")
    found: dict[str, Any] = {"type": kind, **dict(_limits(described, kind, logical))}
    found["missing"] = _missing(described)
    if described.description:
        found["description"] = described.description
    return ContractColumn({**found, **own})


def _type(described: SchemaProperty, logical: str) -> str | None:
    is_key = described.primaryKey or described.unique
    return "id" if is_key and logical in ("string", "integer") else _TYPES.get(logical)


def _own(described: SchemaProperty) -> dict[str, Any]:
    properties = described.customProperties or ()
    value: Any = next((each.value for each in properties if each.property == OWN_PROPERTY), {})
    return dict(value) if isinstance(value, dict) else {"type": value}


def _limits(described: SchemaProperty, kind: str, logical: str) -> Iterator[tuple[str, Any]]:
    """Which values are accepted."""
    options, keys = described.logicalTypeOptions or {}, _keys(kind)
    for limit, name in (("min", "minimum"), ("max", "maximum")):
        if limit in keys and name in options:
            yield limit, options[name]
    if "values" in keys and (values := _values(described, logical)):
        yield "values", values


def _keys(kind: object) -> Collection[str]:
    """What a column of a type may have; nothing where there is no such type, which the decoder says."""
    return COLUMN_TYPES[kind].model_fields if isinstance(kind, str) and kind in COLUMN_TYPES else ()


def _values(described: SchemaProperty, logical: str) -> list[str]:
    if logical == "boolean":
        return [*_TRUTH]
    listed = [each.value for each in described.enum or ()]
    for rule in described.quality or ():
        if _metric(rule) == "invalidValues" and _most(rule) == 0:
            listed += valid_values(rule)
    return [*dict.fromkeys(map(str, listed))]


def valid_values(rule: DataQuality) -> list[Any]:
    """The values that a rule lists; none where it has no list."""
    listed = (rule.arguments or {}).get("validValues")
    return listed if isinstance(listed, list) else []


def _missing(described: SchemaProperty) -> float:
    """The share of rows that may lack a value: none where one is required, else what a rule allows."""
    if described.required or described.primaryKey:
        return 0.0
    allowed = [
        share
        for rule in described.quality or ()
        if _metric(rule) in ("nullValues", "missingValues") and (share := _share(rule)) is not None
    ]
    return min(allowed, default=1.0)


def _share(rule: DataQuality) -> float | None:
    """The largest share of rows that a rule allows; None where it counts rows."""
    most = _most(rule)
    if most == 0:
        return 0.0
    return most / _PERCENT if most is not None and rule.unit == "percent" else None


def _most(rule: DataQuality) -> float | None:
    """The largest number that a rule allows."""
    limits = (rule.mustBe, rule.mustBeLessOrEqualTo, rule.mustBeLessThan)
    return next((float(limit) for limit in limits if isinstance(limit, (int, float))), None)


def _metric(rule: DataQuality) -> str | None:
    return rule.metric or rule.rule
