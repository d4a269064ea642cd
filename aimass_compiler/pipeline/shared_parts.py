"""What several models share: the columns of tables that they read, and transforms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field


class ContractColumn(Struct, frozen=True):
    """One column of a shared table."""

    written: Mapping[str, Any]
    """The column as a spec would write it; empty where a spec has no such column."""
    problem: str = ""
    """Why no spec has such a column."""


class TableContract(Struct, frozen=True):
    """The contract of tables that several models read."""

    file: str
    version: str
    """Of the contract itself."""
    tables: Mapping[str, Mapping[str, ContractColumn]]
    """The columns of each table by their names."""
    is_sound: bool = True
    """Whether it could be read."""

    def table(self, name: str) -> Mapping[str, ContractColumn] | None:
        """The columns of a table; without a name those of the only one, or of the one called as the file."""
        called = self.file.rpartition("/")[2].partition(".")[0]
        if not name and len(self.tables) == 1:
            return next(iter(self.tables.values()))
        return self.tables.get(name or called)


class FeatureList(Struct, frozen=True):
    """Transforms that several models share."""

    file: str
    transforms: tuple[Any, ...]
    """As a spec would write them."""
    is_sound: bool = True
    """Whether the file could be read; its transforms are not known otherwise."""


class SharedParts(Struct, frozen=True):
    """All of it, by the names of the files."""

    contracts: Mapping[str, TableContract] = field(default_factory=dict)
    feature_lists: Mapping[str, FeatureList] = field(default_factory=dict)

    def table(self, name: str) -> Mapping[str, ContractColumn] | None:
        """The table of this name, such as `customers` or `crm.customers`; None where there is none."""
        called, _, table = name.partition(".")
        contract = self.contracts.get(called)
        return contract.table(table) if contract and contract.is_sound else None
