"""The columns on their way through the features: what each transform finds, and who changed what before."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from aimass_compiler.checks._places import place_of_column
from aimass_compiler.expression.formula import UNKNOWN
from aimass_compiler.expression.types import ColumnType
from aimass_compiler.pipeline.columns import feature_types

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aimass_compiler.catalog.transform import Transform
    from aimass_compiler.diagnostics import Path
    from aimass_compiler.pipeline import Pipeline


@dataclass(frozen=True, eq=False)
class Step:
    """One transform, and the columns as it finds them."""

    place: int
    transform: Transform
    types: Mapping[str, ColumnType]
    #: The step that last wrote or removed a column.
    changed_by: Mapping[str, Step]
    #: The columns that it reads, each once, and those that it adds, replaces or removes.
    reads: tuple[str, ...]
    writes: tuple[str, ...]

    @property
    def path(self) -> Path:
        return ("features", self.place, self.transform.kind)

    def path_of(self, column: str) -> Path:
        """Where the transform names this column."""
        return (*self.path, *place_of_column(self.transform, column))

    @cached_property
    def after(self) -> Mapping[str, ColumnType]:
        """The columns behind the transform."""
        read = {name: self._as_read(name) for name in self.reads}
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


#: The pipeline whose steps were worked out last, and these: every check asks for the same ones.
_latest: tuple[Pipeline, tuple[Step, ...]] | None = None


def steps(pipeline: Pipeline) -> tuple[Step, ...]:
    """The transforms in their order."""
    global _latest  # noqa: PLW0603  # one slot, and a pure function of the pipeline
    if _latest is None or _latest[0] is not pipeline:
        _latest = pipeline, tuple(_steps(pipeline))
    return _latest[1]


def sources(pipeline: Pipeline) -> dict[str, ColumnType]:
    """The columns that transforms start from."""
    return feature_types(pipeline.data.columns, pipeline.task.target)


def outcome(pipeline: Pipeline) -> Mapping[str, ColumnType]:
    """The columns behind all transforms."""
    found = steps(pipeline)
    return found[-1].after if found else sources(pipeline)


def _steps(pipeline: Pipeline) -> Iterator[Step]:
    types: Mapping[str, ColumnType] = sources(pipeline)
    changed: dict[str, Step] = {}
    for place, transform in enumerate(pipeline.features):
        reads = tuple(dict.fromkeys(transform.columns_read))
        step = Step(place, transform, types, dict(changed), reads, transform.columns_written)
        yield step
        types = step.after
        changed |= dict.fromkeys(step.writes, step)
