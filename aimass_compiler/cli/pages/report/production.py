"""How a model does where it serves: by the truth that came later, and how far inputs have drifted since."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from aimass_compiler.cli.pages import charts
from aimass_compiler.cli.pages.blocks import (
    Block,
    Cell,
    Chart,
    Grid,
    Pairs,
    StatusSentence,
    StatusText,
    Tone,
    number,
)
from aimass_compiler.cli.pages.report.drift import drift_tone
from aimass_compiler.cli.pages.report.run_results import RunResults
from aimass_compiler.stages import artifacts

_MINUTE, _DAY, _FEWEST = 16, 10, 2
Found = Mapping[str, Any]


def blocks(results: RunResults) -> Iterator[Block]:
    """What `aimass truth` measured, and what Prometheus says of drift where it was asked."""
    found = results.document(artifacts.PRODUCTION)
    if found:
        yield from _measured(results, found)
    if results.prometheus:
        yield from _drift(results)


def _measured(results: RunResults, found: Found) -> Iterator[Block]:
    coverage = found.get("coverage")
    yield Pairs(
        [
            ("measured", str(found.get("measured_at", ""))[:_MINUTE].replace("T", " ")),
            ("version", str(found.get("version", "–"))),
            ("records", f"{found.get('records', 0):,}"),
            ("with known truth", f"{found.get('labelled', 0):,}"),
            *([] if coverage is None else [("truth that has arrived", f"{coverage:.1%}")]),
        ]
    )
    yield _metrics(results, found)
    yield from _gates(found.get("gates") or ())
    yield from _weeks(found, results.pipeline.objective.metric)


def _metrics(results: RunResults, found: Found) -> Grid:
    """Production beside the test split, and what is estimated of rows whose truth is not known yet."""
    tested = results.document(artifacts.METRICS).get("test", {})
    estimated = (found.get("estimated") or {}).get("metrics") or {}
    rows = [
        [name, number(tested.get(name)), number(value), _estimate(estimated.get(name))]
        for name, value in (found.get("metrics") or {}).items()
    ]
    head = ["metric", "test split", "production", "estimated where truth is not known"]
    return Grid("Metrics in production", head, rows, frozenset({1, 2, 3}))


def _estimate(found: Mapping[str, float] | None) -> str:
    """The value, between which ends it lies, and how far such an estimate was off where truth is known."""
    if not found:
        return "–"
    off = f"; off by {found['error']:+.2g} where it is known" if "error" in found else ""
    return f"{number(found['value'])} ({number(found['low'])} … {number(found['high'])}{off})"


def _gates(gates: Any) -> Iterator[Grid]:
    rows: list[list[Cell]] = []
    for gate in gates:
        tone: Tone = "good" if gate["passed"] else "bad" if gate.get("surely_missed") else "doubtful"
        words = {"good": "✓ held", "bad": "✗ missed", "doubtful": "✗ missed, maybe by chance"}[tone]
        part = "".join(f", {name}: {value}" for name, value in (gate.get("slice") or {}).items())
        ends = "–" if gate.get("low") is None else f"{number(gate['low'])} … {number(gate['high'])}"
        name = f"{gate['metric']} {gate['condition']}{part}"
        rows.append([name, StatusText(words, tone), number(gate.get("value")), ends])
    if rows:
        head = ["gate", "result", "reached", "95 % interval"]
        yield Grid("Gates, held against production", head, rows, frozenset({2, 3}))


def _weeks(found: Found, metric: str) -> Iterator[Chart]:
    windows = ((found.get("versions") or {}).get(str(found.get("version"))) or {}).get("windows") or []
    known = [
        (each, value) for each in windows if (value := (each.get("metrics") or {}).get(metric)) is not None
    ]
    if len(known) < _FEWEST:
        return
    rows = [{"x": week, "y": value, "series": metric} for week, (_, value) in enumerate(known, 1)]
    grid = [[str(each["since"])[:_DAY], f"{each['labelled']:,}", number(value)] for each, value in known]
    values = Grid(
        "The same as numbers", ["week from", "rows", metric], grid, frozenset({1, 2}), is_folded=True
    )
    text = f"{metric} of rows whose truth is known, week by week."
    yield Chart("Weeks in production", text, charts.lines(rows, "week", metric), values)


def _drift(results: RunResults) -> Iterator[Block]:
    """The drift of each input and of predictions, against the rows of training."""
    from aimass_compiler.programs.prometheus import PrometheusError, ask

    limits, name = results.pipeline.monitoring.drift, results.pipeline.name
    series, shown = limits.measure.series, limits.measure.shown
    asked = f'({series}{{model="{name}"}})'
    try:
        found = ask(results.prometheus, f"max by (namespace, feature) {asked}")
    except PrometheusError as error:
        yield StatusSentence(f"Drift is not known: {error}", "doubtful")
        return
    begun = _begun(results, f"max by (feature) {asked}")
    rows: list[list[Cell]] = [
        [
            each.labels.get("feature", "–"),
            each.labels.get("namespace", "–"),
            StatusText(number(each.value), drift_tone(each.value, limits)),
            begun.get(each.labels.get("feature", ""), "–"),
        ]
        for each in sorted(found, key=lambda each: -each.value)
    ]
    if not rows:
        yield StatusSentence("Nothing is known of drift yet: too few rows were asked for.")
        return
    caption = f"Drift since the release, by the {shown} against the rows of training"
    yield Grid(caption, ["column", "namespace", shown, "drifts since (UTC)"], rows, frozenset({2}))


def _begun(results: RunResults, query: str) -> dict[str, str]:
    """By feature, since when it drifts; nothing where its history is not known."""
    from aimass_compiler.programs.prometheus import PrometheusError
    from aimass_compiler.retraining.onset import onsets

    drift, now = results.pipeline.monitoring.drift, datetime.now(UTC)
    try:
        found = onsets(results.prometheus, query, drift.warn, drift.window.seconds, now)
    except PrometheusError:
        return {}
    return {name: str(each).removeprefix("since ") for name, each in found.items()}
