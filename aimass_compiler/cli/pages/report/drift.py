"""How rows have moved: those of this run against those of the run before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from aimass_compiler.cli.pages import charts
from aimass_compiler.cli.pages.blocks import (
    Block,
    Cell,
    Chart,
    Grid,
    StatusSentence,
    StatusText,
    Tone,
    number,
)
from aimass_compiler.cli.pages.report.run_results import RunResults
from aimass_compiler.stages import artifacts

if TYPE_CHECKING:
    from aimass_compiler.pipeline.monitoring import Drift

_MOST = 25


def blocks(results: RunResults) -> Iterator[Block]:
    """The columns, those that moved most first; coloured by the spec's own limits."""
    changes = results.document(artifacts.ROW_CHANGES)
    columns: Mapping[str, Any] = changes.get("columns", {})
    if not columns:
        return
    rows = changes["rows"]
    yield StatusSentence(
        f"Against the run before: {rows['now']:,} training rows now, {rows['before']:,} then."
    )
    moved = sorted(columns.items(), key=lambda item: -(item[1]["psi"] or 0.0))
    text = "Population stability index of each column's training rows against those of the run before."
    drawn = [{"label": name, "x": each["psi"]} for name, each in moved[:_MOST] if each["psi"] is not None]
    head = ["column", "stability index", "Kolmogorov–Smirnov", "missing then", "missing now", "new values"]
    limits = results.pipeline.monitoring.drift
    grid = Grid(
        "Columns, those that moved most first",
        head,
        [_row(name, each, limits, is_personal=name in results.personal) for name, each in moved],
        frozenset({1, 2, 3, 4}),
    )
    if any(each["x"] for each in drawn):
        yield Chart("Movement of columns", text, charts.bars(drawn, "stability index"), grid)
    else:
        yield StatusSentence("No column moved.", "good")


def _row(name: str, found: Mapping[str, Any], limits: Drift | None, *, is_personal: bool) -> list[Cell]:
    index = found["psi"]
    tone = "" if limits is None else drift_tone(found.get(limits.method), limits)
    missing = found["missing"]
    shares = [f"{missing[when]:.1%}" for when in ("before", "now")]
    new = ", ".join(map(str, found["new_values"][:5])) or "–"
    shown = "personal" if is_personal and found["new_values"] else new
    return [name, StatusText(number(index), tone), number(found["ks"]), *shares, shown]


def drift_tone(index: float | None, limits: Drift | None) -> Tone:
    """How much a distance matters by the spec's own limits."""
    if index is None or limits is None or index < limits.warn:
        return ""
    return "bad" if index >= limits.page else "doubtful"
