"""The catalogue of all models, from git: a page that lists them, and one of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from aimass_compiler.cli.pages.blocks import (
    Block,
    Cell,
    Grid,
    Link,
    Page,
    Section,
    StatusSentence,
    StatusText,
)
from aimass_compiler.cli.pages.catalogue.entry import CatalogueEntry
from aimass_compiler.cli.pages.catalogue.model_page import model_page

INDEX = "index.html"
_DAY = 10


def pages(entries: Iterable[CatalogueEntry], title: str) -> dict[str, Page]:
    """Every page of the catalogue, by its path below the folder."""
    listed = sorted(entries, key=lambda entry: entry.path)
    return {INDEX: _index(listed, title), **{entry.page: model_page(entry) for entry in listed}}


def _index(entries: list[CatalogueEntry], title: str) -> Page:
    environments = list(dict.fromkeys(name for entry in entries for name in entry.running))
    owners = {entry.owner for entry in entries if entry.owner}
    versions = sum(len(entry.versions) for entry in entries)
    counts = {"model": len(entries), "owner": len(owners), "version": versions}
    lead = ", ".join(f"{count} {name}{'' if count == 1 else 's'}" for name, count in counts.items())
    return Page(title, lead, [Section("models", "Models", [*_blocks(entries, environments)])])


def _blocks(entries: list[CatalogueEntry], environments: list[str]) -> Iterator[Block]:
    if not entries:
        yield StatusSentence("There is no model yet: `aimass init NAME DATA` begins one.")
        return
    has_teams = any(entry.team for entry in entries)
    head = ["model", *(["team"] if has_teams else []), "owner", "predicts", "task", "newest version", "made"]
    facets = {name: place for place, name in enumerate(head) if name in ("team", "owner", "task")}
    rows = [_row(entry, environments, has_teams=has_teams) for entry in entries]
    yield Grid("All models", [*head, *environments], rows, facets=tuple(facets.values()))


def _row(entry: CatalogueEntry, environments: list[str], *, has_teams: bool) -> list[Cell]:
    newest = entry.versions[-1] if entry.versions else None
    version: Cell = "–"
    if newest is not None:
        reached = f" ({newest.shown_metric})" if newest.shown_metric else ""
        version = (
            StatusText(f"{newest.name} rejected", "bad") if newest.rejection else f"{newest.name}{reached}"
        )
    return [
        Link(entry.path, entry.page),
        *([entry.team or "–"] if has_teams else []),
        entry.owner or "–",
        entry.target or "–",
        entry.task,
        version,
        newest.record.trained_at[:_DAY] if newest else "–",
        *(entry.running.get(name, "–") for name in environments),
    ]


__all__ = ["INDEX", "CatalogueEntry", "pages"]
