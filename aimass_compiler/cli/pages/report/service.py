"""How the packaged model answered as a server: rightness, speed and steadiness, and after a longer load."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from aimass_compiler.cli.pages.blocks import Block, Cell, Grid, Pairs, StatusSentence, StatusText, number
from aimass_compiler.cli.pages.report.run_results import RunResults
from aimass_compiler.stages import artifacts


def blocks(results: RunResults) -> Iterator[Block]:
    """The test of the service, and the soak where there was one."""
    if results.document(artifacts.SERVICE_REPORT) and not results.is_packaged:
        yield StatusSentence(
            "This is of an earlier run: the model that was evaluated was not packaged.", "doubtful"
        )
    for name, path in (("test", artifacts.SERVICE_REPORT), ("soak", artifacts.SOAK_REPORT)):
        found = results.document(path)
        if not found:
            continue
        if not found.get("is_served", True):
            yield StatusSentence("It was not asked here: what serves it runs where it is deployed.")
            continue
        yield Pairs([*_pairs(name, found)])
        yield from _latency(name, found)
        for fault in found.get("faults", []):
            yield StatusSentence(str(fault), "bad")
    certificate = results.document(artifacts.PARITY).get("statement")
    if certificate:
        yield StatusSentence(str(certificate), "good")


def _pairs(name: str, found: Mapping[str, Any]) -> Iterator[tuple[str, Cell]]:
    yield name, StatusText("passed", "good") if found.get("passed") else StatusText("failed", "bad")
    correct, fast, steady = (found.get(part, {}) for part in ("correctness", "efficiency", "stability"))
    if "rows" in correct:
        yield "rows asked", f"{correct['rows']:,}"
    if "wrong_rows" in correct:
        wrong = correct["wrong_rows"]
        yield "wrong rows", StatusText(f"{wrong:,}", "bad" if wrong else "good")
    if "largest_difference" in correct:
        yield "largest difference", f"{correct['largest_difference']:.2g}"
    if "requests" in fast:
        yield "requests", f"{fast['requests']:,} at {fast['requests_per_second']:.0f} a second"
    if "failed_requests" in steady:
        failed = steady["failed_requests"]
        yield "failed requests", StatusText(f"{failed:,}", "bad" if failed else "good")


def _latency(name: str, found: Mapping[str, Any]) -> Iterator[Grid]:
    fast = found.get("efficiency", {})
    asked = fast.get("objective_milliseconds") or {}
    rows: list[list[Cell]] = []
    for part in ("latency", "first_token", "token"):
        for percentile, taken in (fast.get(f"{part}_milliseconds") or {}).items():
            limit = asked.get(percentile) if part == "latency" else None
            is_late = limit is not None and taken > limit
            rows.append(
                [
                    f"{part.replace('_', ' ')} {percentile}",
                    StatusText(f"{number(float(taken))} ms", "bad" if is_late else ""),
                    "–" if limit is None else f"{number(float(limit))} ms",
                ]
            )
    if rows:
        yield Grid(f"Times of the {name}", ["percentile", "taken", "objective"], rows, frozenset({1, 2}))
