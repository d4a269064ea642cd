"""Several sources of the same shape, one after the other."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Annotated, ClassVar, Self

from pydantic import Field

from aimass_compiler.catalog.source import Rows, Source, UnreadableError, require_alike, together
from aimass_compiler.catalog.source_choice import Part


class Union(Source):
    """Rows of several sources one after the other, such as those of two systems that write other files.

    All have the same columns, of those that are read. Where the same row may be in several of them,
    `drop_duplicates` keeps the first.
    """

    short_form: ClassVar[str | None] = "sources"

    sources: Annotated[tuple[Part, ...], Field(min_length=1)]
    """The sources, each a path or `{KIND: {…}}`; also written as a list alone."""

    @property
    def shown(self) -> str:
        return ", ".join(part.shown for part in self.sources)

    def dependencies(self) -> tuple[str, ...]:
        found = [part.dependencies() for part in self.sources]
        return tuple(dict.fromkeys(path for paths in found for path in paths)) if all(found) else ()

    def egress(self) -> bool:
        return any(part.egress() for part in self.sources)

    def parts(self) -> Iterator[tuple[tuple[str | int, ...], Source]]:
        for place, part in enumerate(self.sources):
            yield (self.kind, "sources", place, part.kind), part

    def marks_of(self, column: str) -> frozenset[str]:
        return frozenset[str]().union(*(part.marks_of(column) for part in self.sources))

    def reading_numbers(self, names: Collection[str]) -> Self:
        return self.model_copy(
            update={"sources": tuple(part.reading_numbers(names) for part in self.sources)}
        )

    def read(self, root: Path, wanted: Mapping[str, str] | None = None) -> Rows:
        found: list[Rows] = []
        for part in self.sources:
            try:
                found.append(part.read(root, wanted))
            except UnreadableError as error:
                raise error if part.shown in error.message else error.of(part.shown) from None
        names = [part.shown for part in self.sources]
        require_alike(found, names)
        return together(found, names)
