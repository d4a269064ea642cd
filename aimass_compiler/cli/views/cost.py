"""What a model is estimated to use, before and after, in words."""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from typing import TYPE_CHECKING

from aimass_compiler.impact.changes import Change, Sign
from aimass_compiler.impact.language_cost import OPERATIONS, UTILIZATION

if TYPE_CHECKING:
    from aimass_compiler.impact.cost import Cost, Estimate, SearchCost, ServingCost, Use
    from aimass_compiler.impact.effects import Effect, Effects
    from aimass_compiler.impact.language_cost import TuningCost
    from aimass_compiler.pipeline.settings import Prices

_MANY = 100
_SEVERAL = 2


def cost_changes(effect: Effect) -> tuple[Change, ...]:
    """The search and its job where the model is trained again, and the servers where they differ."""
    cost = effect.cost
    if cost is None:
        return ()
    is_trained = effect.is_trained or any(stage.name == "train" and stage.may_run for stage in effect.stages)
    lines = [*_search(cost)] if cost.after and (is_trained or _differs(cost, "search")) else []
    if cost.after and (lines or any(_differs(cost, part) for part in ("pods", "bounds"))):
        lines += _against_bounds(cost.after)
    return tuple(Change(Sign.SAME, line) for line in [*lines, *_serving(cost)])


def training_in_all(effects: Effects) -> str:
    """What training takes, over all models that are trained; empty where that is one at most."""
    trained = [effect for effect in effects.models if effect.is_trained and effect.cost]
    if len(trained) < _SEVERAL:
        return ""
    estimates = [effect.cost.after for effect in trained if effect.cost and effect.cost.after]
    jobs = [each.job for each in estimates if each.job is not None]
    prices = next((effect.cost.prices for effect in trained if effect.cost), None)
    total = reduce(lambda one, other: one.plus(other), jobs) if jobs else None
    most = "about" if all(each.search.basis == "measured" for each in estimates) else "at most"
    text = f"{most} {', '.join(_parts(None, total))}{_money(None, total, prices)}" if total else ""
    unknown = len(trained) - len(jobs)
    rest = f"{unknown} of them for how long is not known" if unknown else ""
    return f"training {len(trained)} models: {'; '.join(filter(None, (text, rest)))}"


def _differs(cost: Cost, part: str) -> bool:
    return getattr(cost.before, part, None) != getattr(cost.after, part, None)


def _search(cost: Cost) -> Iterator[str]:
    assert cost.after is not None  # noqa: S101  # asked before
    search, before = cost.after.search, cost.before.search if cost.before else None
    trials = f"{search.trials} trial{'' if search.trials == 1 else 's'}"
    at_once = f", {search.concurrency} at once" if search.concurrency > 1 else ""
    yield f"search: {trials}{at_once}: {_trial_hours(search)}{_was(search, before)}{_repeated(search)}"
    if cost.after.job is not None:
        old = cost.before.job if cost.before else None
        parts = _parts(old, cost.after.job)
        most = " about" if search.basis == "measured" else " at most"
        yield f"training job:{most} {', '.join(parts)}{_money(old, cost.after.job, cost.prices)}"
    if cost.after.tuning is not None:
        yield _tuning(cost.after.tuning, search.trials, cost.prices)


def _against_bounds(after: Estimate) -> Iterator[str]:
    """What a training job asks for, of what its queue and its namespace have."""
    for bound in after.bounds if after.pods is not None else ():
        pairs = [
            f"{_number(getattr(after.pods, part))} of {_number(limit)} {unit}"
            for part, unit in (("cpu", "cores"), ("gib", "GiB"), ("gpu", "GPUs"))
            if (limit := getattr(bound, part)) is not None
        ]
        if pairs:
            yield f"training job: it asks {bound.name} for {', '.join(pairs)}"


def _tuning(tuning: TuningCost, trials: int, prices: Prices | None) -> str:
    """What training takes of accelerators, and what that is estimated from."""
    rented = tuning.rented
    money = f", {_number(rented.money(rented.most))} {prices.currency}" if prices and rented.hourly else ""
    each = "" if trials == 1 else " for each trial"
    tokens = f"{'' if tuning.is_counted else 'about '}{_rounded(tuning.tokens)} tokens"
    return (
        f"fine-tuning{each}: about {_number(rented.most)} hours of {rented.name}{money}, estimated: {tokens} "
        f"× {tuning.epochs} epochs × {_rounded(tuning.parameters)} weights × {OPERATIONS} operations, at "
        f"{UTILIZATION:.0%} of {tuning.teraflops:g} TFLOP/s"
    )


def _rounded(value: int) -> str:
    """A large number as people say it."""
    for size, letter in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if value >= size:
            return f"{value / size:.3g} {letter}"
    return str(value)


def _trial_hours(search: SearchCost) -> str:
    if search.trial_hours is None:
        return "for how long is not known: there is no time budget, and no earlier run to go by"
    if search.basis == "measured":
        seconds = _number(search.trial_seconds or 0)
        return f"about {_number(search.trial_hours)} trial-hours, at {seconds} s a trial as in the last run"
    return f"at most {_number(search.trial_hours)} trial-hours, when its time budget starts no more"


def _was(search: SearchCost, before: SearchCost | None) -> str:
    if before is None or before.trial_hours is None or search.trial_hours is None:
        return ""
    difference = search.trial_hours - before.trial_hours
    return f" (was {_number(before.trial_hours)}, {difference:+.3g})" if difference else ""


def _repeated(search: SearchCost) -> str:
    return f"; up to {search.searches} searches where gates are missed" if search.searches > 1 else ""


def _serving(cost: Cost) -> Iterator[str]:
    before, after = ({} if part is None else dict(part.serving) for part in (cost.before, cost.after))
    for name in dict.fromkeys((*before, *after)):
        old, new = before.get(name), after.get(name)
        if old != new:
            yield f"serving in {name}, a month: {_month(old, new)}{_range_money(old, new, cost.prices)}"


def _month(old: ServingCost | None, new: ServingCost | None) -> str:
    parts = []
    for part, unit in (("cpu", "CPU-hours"), ("gib", "GiB-hours"), ("gpu", "GPU-hours")):
        ends = [_ends(each, part) for each in (old, new) if each is not None]
        if all(end == (0, 0) for end in ends) or (len(ends) > 1 and ends[0] == ends[1]):
            continue
        hours = " → ".join(_range(*end) for end in ends)
        grown = [now - was for was, now in zip(*ends, strict=True)] if len(ends) > 1 else []
        more = f" ({_signed(grown)})" if grown else ""
        parts.append(f"{hours} {unit}{more}")
    devices = [
        f"{_range(each.accelerators.least, each.accelerators.most)} hours of {each.accelerators.name}"
        for each in (old, new)
        if each is not None and each.accelerators is not None
    ]
    parts += [" → ".join(dict.fromkeys(devices))] if devices else []
    if new is None:
        return f"no longer {', '.join(parts)}" if parts else "nothing any more"
    return ", ".join(parts) or "nothing beside its shared server"


def _ends(serving: ServingCost, part: str) -> tuple[float, float]:
    return getattr(serving.least, part), getattr(serving.most, part)


def _range(low: float, high: float) -> str:
    return _number(low) if low == high else f"{_number(low)} to {_number(high)}"


def _signed(ends: list[float]) -> str:
    signed = [f"{'+' if end >= 0 else '-'}{_number(abs(end))}" for end in ends]
    if signed[0] == signed[1]:
        return signed[0]
    sides = zip(signed, ("at least", "at most"), ends, strict=True)
    return ", ".join(f"{number} {side}" for number, side, end in sides if end)


def _range_money(old: ServingCost | None, new: ServingCost | None, prices: Prices | None) -> str:
    if prices is None:
        return ""
    amounts = [_range(*each.money(prices)) for each in (old, new) if each is not None]
    return f", {' → '.join(amounts)} {prices.currency}"


def _parts(old: Use | None, new: Use) -> list[str]:
    """Hours of each resource that is used; what they were where that differs."""
    hours = []
    for part, unit in (("cpu", "CPU-hours"), ("gib", "GiB-hours"), ("gpu", "GPU-hours")):
        now, was = getattr(new, part), getattr(old, part, None)
        if now or was:
            before = f" (was {_number(was)})" if was is not None and was != now else ""
            hours.append(f"{_number(now)} {unit}{before}")
    return hours


def _money(old: Use | None, new: Use, prices: Prices | None) -> str:
    if prices is None:
        return ""
    was = f" (was {_number(old.money(prices))})" if old is not None and old != new else ""
    return f", {_number(new.money(prices))} {prices.currency}{was}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= _MANY else f"{value:.3g}"


def money_of(estimate: Estimate | None, prices: Prices | None) -> dict[str, list[float]] | None:
    """What serving costs in a month by environment: with the fewest and with the most replicas."""
    if estimate is None or prices is None:
        return None
    return {
        name: [round(amount, 2) for amount in serving.money(prices)]
        for name, serving in estimate.serving.items()
    }
