"""The columns on their way through the features: what each transform finds, and who changed what before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aimass_compiler.checks._places import place_of_column
from aimass_compiler.expression.formula import UNKNOWN
from aimass_compiler.expression.types import ColumnType

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aimass_compiler.catalog.transform import Transform
    from aimass_compiler.diagnostics import Path
    from aimass_compiler.pipeline import Pipeline
from aimass_compiler.pipeline.columns import feature_types


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
        return (*self.path, *place_of_column(self.transform, column))

    @property
    def after(self) -> Mapping[str, ColumnType]:
        """The columns behind the transform."""
        read = {name: self._as_read(name) for name in self.transform.columns_read}
        types = dict(self.types)
        for name, kind in self.transform.produces({**self.types, **read}).items():
            if kind is None:
                types.pop(name, None)
            else:
                types[name] = kind
        return types

    def _as_read(self, column: str) -> ColumnType:
        found = self.types.get(column, UNKNOWN)
        return found if found.name in self.transform.accepts else UNKNOWN

    def written(self) -> tuple[str, ...]:
        """The columns that it adds, replaces or removes."""
        return self.transform.columns_written


def sources(pipeline: Pipeline) -> dict[str, ColumnType]:
    """The columns that transforms start from."""
    return feature_types(pipeline.data.columns, pipeline.task.target)


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
