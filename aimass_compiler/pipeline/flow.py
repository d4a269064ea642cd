"""The columns on their way through the features: what each transform finds, leaves and changes."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from aimass_compiler.catalog.transform import Transform, updated
from aimass_compiler.diagnostics import Path
from aimass_compiler.expression.column_types import UNKNOWN, ColumnType


class Step(Struct, frozen=True, eq=False):
    """One transform, with the columns before and after it."""

    place: int
    transform: Transform
    types: Mapping[str, ColumnType]
    """The columns as it finds them."""
    after: Mapping[str, ColumnType]
    """The columns behind it; of what is wrong, the type is unknown."""
    reads: tuple[str, ...]
    """The columns that it reads, each once."""
    writes: tuple[str, ...]
    """The columns that it adds, replaces or removes."""
    changed_by: Mapping[str, Step]
    """The step before it that last wrote or removed a column."""

    @property
    def path(self) -> Path:
        return ("features", self.place, self.transform.kind)

    @property
    def takes_all(self) -> bool:
        """Whether each column that it reads is there, and of a type that the transform takes."""
        return all(self.transform.takes(self.types.get(name, UNKNOWN)) for name in self.reads)


class Flow(Struct, frozen=True, eq=False):
    """All steps, in the order of the transforms."""

    sources: Mapping[str, ColumnType]
    """The columns that transforms start from."""
    steps: tuple[Step, ...] = ()

    @property
    def outcome(self) -> Mapping[str, ColumnType]:
        """The columns behind all transforms."""
        return self.steps[-1].after if self.steps else self.sources

    @property
    def selectable(self) -> Mapping[str, ColumnType]:
        """The same, with what an earlier mistake left unknown as it was declared: selectors choose by it."""
        return {
            name: self.sources.get(name, kind) if kind == UNKNOWN else kind
            for name, kind in self.outcome.items()
        }

    def through(self, transform: Transform) -> Flow:
        """The same with one more transform, whose selectors are resolved."""
        types = self.outcome
        reads = tuple(dict.fromkeys(transform.columns_read))
        read = {name: _as_read(types.get(name, UNKNOWN), transform) for name in reads}
        changes = transform.produces({**types, **read})
        step = Step(
            place=len(self.steps),
            transform=transform,
            types=types,
            after=updated(types, changes),
            reads=reads,
            writes=tuple(changes),
            changed_by=self._changed,
        )
        return Flow(self.sources, (*self.steps, step))

    @property
    def _changed(self) -> Mapping[str, Step]:
        if not self.steps:
            return {}
        last = self.steps[-1]
        return {**last.changed_by, **dict.fromkeys(last.writes, last)}

    def origins(self) -> dict[str, frozenset[str]]:
        """Of which source columns each column behind all transforms is made.

        Raises LookupError where a transform reads a column that is not there.
        """
        found = {name: frozenset({name}) for name in self.sources}
        for step in self.steps:
            own = {name: found[name] for name in step.reads}
            read = frozenset[str]().union(*own.values())
            made = {name: own.get(name, read) if name in step.after else None for name in step.writes}
            found = updated(found, made)
        return found


def _as_read(found: ColumnType, transform: Transform) -> ColumnType:
    return found if transform.takes(found) else UNKNOWN
