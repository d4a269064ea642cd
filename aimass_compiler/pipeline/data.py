"""Where the data comes from, how it is joined and cleaned, and how it is split."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field

from aimass_compiler.catalog import OneOf
from aimass_compiler.catalog.cleaning_step import CleaningStep
from aimass_compiler.catalog.quantities import Frozen, is_absent
from aimass_compiler.catalog.source_choice import SourceChoice
from aimass_compiler.catalog.split import Split
from aimass_compiler.catalog.splits.hash import Hash
from aimass_compiler.pipeline.columns import Column
from aimass_compiler.pipeline.joins import Join

_InShort = Literal["number", "category", "text", "id", "time", "chat"]
_ColumnsAsWritten = Annotated[dict[str, _InShort | Column], Field(min_length=1)]


def _columns_short(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {name: {"type": column} if isinstance(column, str) else column for name, column in value.items()}


def _columns_or_contracts(schema: dict[str, Any]) -> None:
    """Columns are required where none come from a contract."""
    schema["required"].remove("columns")
    schema["anyOf"] = [{"required": ["columns"]}, {"required": ["contracts"]}]


class Data(Frozen):
    """The data of a model."""

    model_config = ConfigDict(json_schema_extra=_columns_or_contracts)

    sources: dict[str, SourceChoice] = Field(min_length=1)
    """Where rows come from: a path, or `{KIND: {…}}`, each under its own name."""

    join: tuple[Join, ...] = ()
    """How several sources become one table, in this order."""

    contracts: Mapping[str, Literal["all"] | tuple[str, ...]] | None = Field(None, exclude_if=is_absent)
    """Tables whose columns are described in `contracts/`, each with the columns that are read of it, or `all`
    of them: `customers: [tenure, plan]`. They stand in the contract of the data as if they were written in
    `columns`."""

    columns: Annotated[
        Annotated[Mapping[str, Column], Field(min_length=1)],
        BeforeValidator(_columns_short, json_schema_input_type=_ColumnsAsWritten),
    ]
    """The contract: checked on every run, and what serving accepts."""

    clean: tuple[Annotated[CleaningStep, OneOf("cleaning")], ...] = ()
    """What is done to the rows before they are split; it only drops rows, never changes values."""

    split: Annotated[Split, OneOf("splits", tag="by")] = Field(default_factory=Hash.default)
    """Which rows train, validate and test."""

    def wanted(self, source: str) -> Mapping[str, str]:
        """The columns that are read of a source, with their types: those that are declared, and those that
        joins read; of a child table that is aggregated the latter alone."""
        declared = {name: column.type for name, column in self.columns.items()}
        own = [join for join in self.join if join.right == source]
        if own and own[0].aggregate is not None:
            keys = {key: declared.get(key, "id") for key in own[0].on}
            return {**own[0].columns_read(self._written_types(source) | declared), **keys}
        read: dict[str, str] = {}
        for join in self.join:
            read |= dict.fromkeys(join.on, "id")
            read |= {join.time.left: "time"} if join.time else {}
        for join in own:
            read |= join.columns_read()
        return declared | {name: declared.get(name, type_) for name, type_ in read.items()}

    def _written_types(self, source: str) -> dict[str, str]:
        """The types of columns of which the source says how it writes them, be they declared or not."""
        if source not in self.sources:
            return {}
        named = [each for _, part in self.sources[source].parts() for each in part.columns_named()]
        return {name: "time" if key == "dates" else "number" for key, name in named if key != "missing"}

    def held(self, source: str) -> dict[str, str]:
        """The columns that a source may hold, with their types: what joins aggregate is held by none."""
        aggregated = {name for join in self.join for name in join.aggregate or ()}
        return {name: type_ for name, type_ in self.wanted(source).items() if name not in aggregated}
