"""What servers ask for, what they used, and what they should ask for."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from aimass_compiler.cli.views.cells import safe, table
from aimass_compiler.delivery.measured_use import ENOUGH, cores_text, memory_text

if TYPE_CHECKING:
    from aimass_compiler.delivery.measured_use import SizeProposal

FORMAT = "aimass.size/v1"
_HEAD = ["model", "environment", "", "asks for", "95 of 100", "most", "proposed"]


def drawn(proposals: Sequence[SizeProposal]) -> str:
    """A table, and what is to be known of it."""
    rows = [row for each in proposals for row in _rows(each)]
    return "".join(f"{line}\n" for line in [*table([_HEAD, *rows], indent=""), *_notes(proposals)])


def _rows(each: SizeProposal) -> Iterator[list[str]]:
    cpu, memory = each.used.cpu, each.used.memory
    cores = [str(each.asked.cpu), cores_text(cpu.p95), cores_text(cpu.max), each.cpu or "fits"]
    yield [each.model, each.environment, "cpu", *cores]
    held = [str(each.asked.memory), memory_text(memory.p95), memory_text(memory.max), each.memory or "fits"]
    yield ["", "", "memory", *held]


def _notes(proposals: Sequence[SizeProposal]) -> Iterator[str]:
    for each in proposals:
        if each.used.share < ENOUGH:
            seen = f"{each.used.share:.0%} of the period was measured"
            yield safe(f"{each.model} in {each.environment}: only {seen}, so more may be needed")
        if each.used.memory.max > each.asked.memory.size * 0.95:
            yield safe(f"{each.model} in {each.environment}: it is nearly out of memory, which ends a server")


def as_json(proposals: Sequence[SizeProposal]) -> str:
    """The same for programs: cores and bytes as numbers, proposals as a spec has them."""
    found = [
        {
            "model": each.model,
            "environment": each.environment,
            "asked": {"cpu": float(each.asked.cpu.amount), "memory": each.asked.memory.size},
            "used": {
                name: {"p95": used.p95, "max": used.max}
                for name, used in (("cpu", each.used.cpu), ("memory", each.used.memory))
            },
            "share": each.used.share,
            "proposed": {"cpu": each.cpu, "memory": each.memory},
        }
        for each in proposals
    ]
    return json.dumps({"format": FORMAT, "servers": found}, indent=2) + "\n"
