"""The columns on their way through the features: what each transform finds, and who changed what before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from aimass_compiler.catalog.transform import Transform
from aimass_compiler.diagnostics import Path, Related
from aimass_compiler.expression.types import ColumnType
from aimass_compiler.pipeline import Pipeline

#: Stands for the type of a column that is wrong already, so that one mistake is told once.
UNKNOWN = ColumnType("unknown")


@dataclass(frozen=True)
class Step:
    """One transform, and the columns as it finds them."""

    place: int
    transform: Transform
    types: Mapping[str, ColumnType]
    #: The step that last wrote or removed a column.
    changed_by: Mapping[str, Step]

    @property
    def path(self) -> Path:
        return ("features", self.place, self.transform.kind)

    def path_of(self, column: str) -> Path:
        """Where the transform names this column."""
        columns = getattr(self.transform, "columns", None)
        if isinstance(columns, tuple) and column in columns:
            return (*self.path, "columns", columns.index(column))
        fields = type(self.transform).model_fields
        named = [name for name in fields if getattr(self.transform, name) == column]
        return (*self.path, fields[named[0]].alias or named[0]) if named else self.path

    @property
    def after(self) -> Mapping[str, ColumnType]:
        """The columns behind the transform."""
        known = {name: self.types.get(name, UNKNOWN) for name in self.transform.columns_read}
        types = dict(self.types)
        for name, kind in self.transform.produces({**self.types, **known}).items():
            if kind is None:
                types.pop(name, None)
            else:
                types[name] = kind
        return types

    def written(self) -> tuple[str, ...]:
        """The columns that it adds, replaces or removes."""
        return self.transform.columns_written


def sources(pipeline: Pipeline) -> dict[str, ColumnType]:
    """The columns that transforms start from: all but the target, ids and times."""
    return {
        name: column.column_type
        for name, column in pipeline.data.columns.items()
        if name != pipeline.task.target and column.type not in ("id", "time")
    }


def steps(pipeline: Pipeline) -> Iterator[Step]:
    """The transforms in their order."""
    types: Mapping[str, ColumnType] = sources(pipeline)
    changed: dict[str, Step] = {}
    for place, transform in enumerate(pipeline.features):
        step = Step(place, transform, types, dict(changed))
        yield step
        types = step.after
        changed |= dict.fromkeys(step.written(), step)


def outcome(pipeline: Pipeline) -> Mapping[str, ColumnType]:
    """The columns behind all transforms."""
    types: Mapping[str, ColumnType] = sources(pipeline)
    for step in steps(pipeline):
        types = step.after
    return types


def declared(name: str) -> Related:
    """The note that shows where a column was declared."""
    return Related(("data", "columns", name), f"`{name}` is declared here", at_key=True)
