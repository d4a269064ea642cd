"""What a model is estimated to use: hours of its search, and its servers in each environment by the month."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from aimass_compiler import conventions
from aimass_compiler.cli.pages.blocks import Block, Cell, Grid, Pairs, number
from aimass_compiler.cli.pages.report.run_results import RunResults

if TYPE_CHECKING:
    from aimass_compiler.impact.cost import Estimate, SearchCost, Use
    from aimass_compiler.pipeline.settings import Prices

_MINUTE, _HOUR = 60, 3600


def blocks(results: RunResults) -> Iterator[Block]:
    """The search, then the servers; with money where the settings have prices."""
    found = _estimate(results)
    if found is None:
        return
    prices = results.pipeline.settings.prices
    pairs = [*_search(found.search)]
    if found.job is not None:
        pairs.append(("training job on a cluster", _used(found.job, prices)))
    yield Pairs(pairs)
    rows = [
        [name, _used(cost.least, prices), _used(cost.most, prices)] for name, cost in found.serving.items()
    ]
    if rows:
        head = ["environment", "with the fewest replicas", "with the most"]
        yield Grid("Servers, by the month", head, rows)


def _estimate(results: RunResults) -> Estimate | None:
    import msgspec

    from aimass_compiler.impact.cost import estimate
    from aimass_compiler.render import facts

    generated = results.root / conventions.GENERATED_FOLDER / results.pipeline.path
    try:
        known = facts.decoded((generated / conventions.RESOLVED_FILE).read_bytes())
    except (OSError, ValueError, KeyError, msgspec.MsgspecError):
        return None
    return estimate(known, results.pipeline.path, results.root)


def _search(cost: SearchCost) -> Iterator[tuple[str, Cell]]:
    yield "trials of a search", f"{cost.trials:,}, {cost.concurrency} at once"
    if cost.hours is not None:
        how = "as the last one took" if cost.basis == "measured" else "at most"
        yield "search", f"{_duration(cost.hours * _HOUR)}, {how}"


def _duration(seconds: float) -> str:
    if seconds < _MINUTE:
        return f"{number(seconds)} s"
    return f"{seconds / _MINUTE:.0f} min" if seconds < _HOUR else f"{seconds / _HOUR:.1f} h"


def _used(use: Use, prices: Prices | None) -> str:
    parts = [(use.cpu, "core hours"), (use.gib, "GiB hours"), (use.gpu, "GPU hours")]
    used = ", ".join(f"{number(amount)} {unit}" for amount, unit in parts if amount)
    money = f": {use.money(prices):,.2f} {prices.currency}" if prices is not None else ""
    return f"{used or 'nothing'}{money}"
