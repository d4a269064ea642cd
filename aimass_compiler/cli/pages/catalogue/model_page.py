"""The page of one model in the catalogue: what it is, its card, its versions and where they ran."""

from __future__ import annotations

from collections.abc import Iterator

from aimass_compiler.cli.pages.blocks import (
    Block,
    Cell,
    Grid,
    Link,
    Page,
    Pairs,
    Section,
    StatusSentence,
    StatusText,
    number,
)
from aimass_compiler.cli.pages.catalogue.entry import CatalogueEntry, MadeVersion
from aimass_compiler.conventions import SPLITS

_DAY, _COMMIT = 10, 12


def model_page(entry: CatalogueEntry) -> Page:
    """The page; its sections are those that there is something to say in."""
    newest = next(reversed(entry.versions), None)
    sections = [
        ("summary", "Summary", [*_summary(entry)]),
        ("versions", "Versions", [*_versions(entry)]),
        ("card", f"Card of {newest.name}" if newest else "", [*_card(newest)] if newest else []),
        ("columns", "What it is asked with", [*_columns(entry)]),
    ]
    home = "../" * (1 + entry.path.count("/"))
    return Page(entry.path, entry.description, [Section(*each) for each in sections if each[2]], home)


def _summary(entry: CatalogueEntry) -> Iterator[Block]:
    running: list[tuple[str, Cell]] = [(f"in {name}", cell) for name, cell in entry.running.items()]
    known: list[tuple[str, Cell]] = [
        ("owner", entry.owner or "–"),
        *([("team", entry.team)] if entry.team else []),
        ("predicts", entry.target or "–"),
        ("task", entry.task),
        *running,
    ]
    if entry.report is not None:
        known.append(("last run", Link("report", entry.report_page)))
    yield Pairs(known)
    if not entry.pipeline:
        yield StatusSentence("Its spec was not compiled.", "doubtful")


def _versions(entry: CatalogueEntry) -> Iterator[Block]:
    versions = entry.versions
    if not versions:
        yield StatusSentence("No version is on record yet.")
        return
    metric = versions[-1].metric
    head = ["version", "made", "commit", metric, "gates", "ran"]
    yield Grid("The newest first", head, [_version(each) for each in reversed(versions)], frozenset({3}))


def _version(version: MadeVersion) -> list[Cell]:
    record = version.record
    missed = [gate.gate for gate in record.gates if not gate.passed]
    gates: Cell = StatusText(f"missed {', '.join(missed)}", "bad") if missed else f"{len(record.gates)} held"
    ran = "; ".join(
        f"{stay.environment} {stay.since.date()} – {stay.until.date() if stay.until else 'now'}"
        for stay in version.life.stays
    )
    became: Cell = (
        StatusText(f"rejected: {version.rejection.reason}", "bad") if version.rejection else ran or "–"
    )
    commit = record.commit[:_COMMIT] or "–"
    return [record.name, record.trained_at[:_DAY], commit, number(version.reached), gates, became]


def _card(newest: MadeVersion) -> Iterator[Block]:
    record = newest.record
    splits = [split for split in SPLITS if record.metrics.get(split)]
    names = dict.fromkeys(name for split in splits for name in record.metrics[split])
    rows = [[name, *(number(record.metrics[split].get(name)) for split in splits)] for name in names]
    numeric = frozenset(range(1, len(splits) + 1))
    yield Grid("Metrics by split", ["metric", *splits], rows, numeric)
    gates: list[list[Cell]] = [
        [
            gate.gate,
            StatusText("✓ held", "good") if gate.passed else StatusText("✗ missed", "bad"),
            number(gate.value),
        ]
        for gate in record.gates
    ]
    if gates:
        yield Grid("Gates", ["gate", "result", "reached"], gates, frozenset({2}))
    yield Pairs([(name, number(value)) for name, value in record.parameters.items()])
    data = [[path, digest] for path, digest in sorted(record.data.items())]
    if data:
        yield Grid("Data, by the hashes of DVC", ["file", "hash"], data)
    libraries = [[name, version] for name, version in sorted(record.trained_with.items())]
    if libraries:
        yield Grid("Libraries that trained it", ["library", "version"], libraries, is_folded=True)


def _columns(entry: CatalogueEntry) -> Iterator[Block]:
    columns = entry.pipeline.get("data", {}).get("columns", {})
    rows = [
        [
            name,
            str(column.get("type", "")),
            str(column.get("unit") or "–"),
            str(column.get("description") or "–"),
        ]
        for name, column in columns.items()
        if isinstance(column, dict)
    ]
    if rows:
        yield Grid("Columns of the contract", ["column", "type", "unit", "description"], rows)
