"""What every transform has: the columns it reads, what it learns from them and how a row is computed."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self, TypeVar

from msgspec import Struct
from pydantic import BeforeValidator, Field

from aimass_compiler.catalog import Kind
from aimass_compiler.catalog.quantities import Frozen
from aimass_compiler.expression.algebra import Expression
from aimass_compiler.expression.column_types import (
    CATEGORY,
    NUMBER,
    TEXT,
    TIME,
    Accepted,
    ColumnType,
    Image,
    Index,
    NumberSeries,
    PastValues,
    Vector,
)
from aimass_compiler.expression.statistics import Statistic

if TYPE_CHECKING:
    from pathlib import Path

    from aimass_compiler.catalog.task import Task

T = TypeVar("T")

#: The columns that examples are written over, and their types.
EXAMPLE_COLUMNS: Mapping[str, ColumnType] = {
    "tenure": NUMBER,
    "charges": NUMBER,
    "age": NUMBER,
    "plan": CATEGORY,
    "region": CATEGORY,
    "note": TEXT,
    "since": TIME,
    "last_order": TIME,
    "photo": Image((3, 4, 4)),
    "load": NumberSeries((4, 2)),
    "sales": PastValues((8,)),
    "step": NUMBER,
    "age_group": Index(4),
    "words": Vector(8),
}

#: Column name → how it is computed from the raw columns.
Table = Mapping[str, Expression]
#: Column name → its type.
Types = Mapping[str, ColumnType]


class ColumnsOfType(Frozen):
    """All columns of a type, except the target: `{type: number}`."""

    type: Literal["number", "category", "text", "time", "image", "series"]
    """The declared type of the columns."""
    but: tuple[str, ...] = ()
    """Columns of this type that are left out."""


class DeclaredValues(Struct, frozen=True):
    """What the contract says of the values of a column: every row that is learned from or served keeps it."""

    least: float | None = None
    most: float | None = None
    values: tuple[str, ...] | None = None
    may_be_missing: bool = False


class ParameterIssue(Enum):
    """What is odd about parameters, given what is declared of the columns."""

    IDLE = "it changes nothing"
    NEVER = "it is about a value that never comes"
    LOST = "it makes values missing"


#: What is odd, the keys below the transform that say so, and a sentence about it.
Doubts = Iterator[tuple[ParameterIssue, tuple[str | int, ...], str]]


def _as_names(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


#: One column, several, or all of a type.
Columns = Annotated[
    tuple[str, ...] | ColumnsOfType,
    BeforeValidator(_as_names, json_schema_input_type=str | tuple[str, ...] | ColumnsOfType),
]


class Transform(Kind):
    """Computes columns from columns, the same way in training and in serving."""

    #: The types of column that it reads.
    accepts: ClassVar[Accepted]
    #: Parameters as a spec writes them below the kind's name, over EXAMPLE_COLUMNS: between them they
    #: show all that the kind can do. The contract tests run each one.
    examples: ClassVar[tuple[Any, ...]]
    #: Whether no value of the columns that it writes is missing, whatever it read.
    fills_missing: ClassVar[bool] = False
    #: Whether it only shifts and stretches a column to a scale, so that an earlier scaling is undone.
    only_scales: ClassVar[bool] = False
    #: Whether training rows are computed with what other training rows taught: see `expression.folds`.
    is_cross_fitted: ClassVar[bool] = False
    #: Whether it takes away the columns that it reads and makes nothing of them.
    only_removes: ClassVar[bool] = False

    @classmethod
    def takes(cls, kind: ColumnType) -> bool:
        """Whether it reads columns of this type."""
        return isinstance(kind, cls.accepts)

    @property
    def columns_read(self) -> tuple[str, ...]:
        """The columns that it reads, once selectors are resolved."""
        columns = getattr(self, "columns", None)
        return (self.column,) if columns is None else tuple(columns)  # type: ignore[attr-defined]  # one of the two is there

    @property
    def dependencies(self) -> tuple[str, ...]:
        """The files of the project that learning it reads, for DVC to watch."""
        return ()

    def bound(self, root: Path) -> Self:
        """The same transform, ready to learn: with what of the project's code only the runtime imports."""
        del root
        return self

    @property
    def columns_written(self) -> tuple[str, ...]:
        """The columns that it adds, replaces or removes."""
        return tuple(self.produces(dict.fromkeys(self.columns_read, NUMBER)))

    def resolved(self, types: Types) -> Self:
        """The same transform with `{type: …}` replaced by the columns of that type."""
        selector = getattr(self, "columns", None)
        if not isinstance(selector, ColumnsOfType):
            return self
        found = tuple(
            name for name, kind in types.items() if kind.name == selector.type and name not in selector.but
        )
        return self.model_copy(update={"columns": found})

    @abstractmethod
    def produces(self, types: Types) -> Mapping[str, ColumnType | None]:
        """The types of the columns that it adds or replaces; None for one that it removes."""

    def problem(self, types: Types) -> str | None:
        """What is wrong with columns of these types, beyond what `accepts` says."""
        del types
        return None

    def unfit(self, task: Task) -> str | None:
        """Why it cannot be learned for a task."""
        del task
        return None

    def doubts(self, declared: Mapping[str, DeclaredValues], types: Types) -> Doubts:
        """What is odd about its parameters; `declared` has the columns that nothing changed before."""
        del declared, types
        yield from ()

    def learn(self, table: Table) -> Mapping[str, Statistic]:
        """The statistics that it needs of the training rows, by names of its own."""
        del table
        return {}

    @abstractmethod
    def apply(self, table: Table, learned: Mapping[str, Any]) -> Mapping[str, Expression | None]:
        """The columns that it adds or replaces; None for one that it removes."""


class EachColumn(Transform):
    """A transform that treats each of its columns alone and leaves it in its place."""

    short_form: ClassVar[str | None] = "columns"

    columns: Columns = Field()
    """The columns: one name, a list, or all of a type (`{type: number}`)."""

    @classmethod
    def takes_mapping(cls, value: dict[Any, Any]) -> bool:
        return "type" in value and "columns" not in value

    @property
    def columns_changed(self) -> tuple[str, ...]:
        """Those that it computes; what else it reads stays as it is."""
        return self.columns_read

    def type_after(self, before: ColumnType) -> ColumnType:
        """What a column of this type becomes."""
        return before

    def produces(self, types: Types) -> Mapping[str, ColumnType | None]:
        return {name: self.type_after(types[name]) for name in self.columns_changed}

    def learn(self, table: Table) -> Mapping[str, Statistic]:
        return {
            f"{name}.{statistic}": value
            for name in self.columns_changed
            for statistic, value in self.learn_column(table[name]).items()
        }

    def learn_column(self, column: Expression) -> Mapping[str, Statistic]:
        """The statistics that one column needs."""
        del column
        return {}

    def apply(self, table: Table, learned: Mapping[str, Any]) -> Mapping[str, Expression | None]:
        return {
            name: self.apply_column(name, table[name], _of(learned, name)) for name in self.columns_changed
        }

    @abstractmethod
    def apply_column(self, name: str, column: Expression, learned: Mapping[str, Any]) -> Expression:
        """One column, computed."""


def _of(learned: Mapping[str, Any], column: str) -> dict[str, Any]:
    start = f"{column}."
    return {key.removeprefix(start): value for key, value in learned.items() if key.startswith(start)}


def updated(table: Mapping[str, T], changes: Mapping[str, T | None]) -> dict[str, T]:
    """The columns with what is added, replaced or, where it is None, removed."""
    kept = {name: value for name, value in table.items() if changes.get(name, value) is not None}
    return kept | {name: value for name, value in changes.items() if value is not None}


def features_of(types: Types) -> Iterable[str]:
    """The columns that a table model reads: numbers, codes and vectors."""
    return (name for name, kind in types.items() if kind.is_feature)
