"""The conditions that a model was held to, each with its reason."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from aimass_compiler.cli.pages.blocks import Block, Cell, Grid, StatusText, number
from aimass_compiler.cli.pages.report.run_results import RunResults
from aimass_compiler.stages import artifacts


def blocks(results: RunResults) -> Iterator[Block]:
    """A row for each gate; those that were missed come first."""
    gates = results.document(artifacts.VERDICT).get("gates", [])
    if gates:
        ordered = sorted(gates, key=lambda gate: bool(gate["passed"]))
        head = ["gate", "result", "reached", "why"]
        yield Grid(
            "Gates, those that were missed first", head, [_row(gate) for gate in ordered], frozenset({2})
        )


def _row(gate: dict[str, Any]) -> list[Cell]:
    held = StatusText("✓ held", "good") if gate["passed"] else StatusText("✗ missed", "bad")
    name = f"{gate.get('name') or gate['metric']} {gate['condition']}"
    where = f", {gate['slice']}" if gate.get("slice") else ""
    return [f"{name}{where}", held, number(gate.get("value")), str(gate["reason"])]
