"""What a search found: its best trials and, where it chose among models, each model beside a baseline."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from aimass_compiler.cli.views.cells import table
from aimass_compiler.conventions import TRIAL_MODEL

_BEST = 5
#: From here on decimals say nothing, and an exponent would be harder to read.
_LARGE = 10_000


def search_results(found: Mapping[str, Any], best: Mapping[str, Any]) -> Iterator[str]:
    """Of trials.json and best.json; nothing where a single model was trained."""
    if not found or not best or found["totals"]["trials"] < 2:  # noqa: PLR2004  # one trial is no search
        return
    totals = found["totals"]
    yield ""
    yield (
        f"search: {totals['trials']} trials in {totals['search_seconds']:.0f} s "
        f"({totals['stopped']} stopped early, {totals['failed']} failed)"
        + (f", at a cost of {totals['cost']:.4g}" if "cost" in totals else "")
    )
    done = [trial for trial in found["trials"] if trial["status"] == "done"]
    sign = -1 if best["greater_is_better"] else 1
    ranked = sorted(done, key=lambda trial: (sign * trial["value"], trial["id"]))[:_BEST]
    yield from table(_by_model(ranked, best) if "candidates" in best else _by_parameter(ranked, best))
    if "candidates" in best:
        yield ""
        yield f"models, by their best trials on the validation split: `{best['model']}` is kept"
        yield from table(_candidates(best))


def _by_parameter(ranked: Sequence[Mapping[str, Any]], best: Mapping[str, Any]) -> list[list[str]]:
    names = list(ranked[0]["parameters"]) if ranked else []
    rows = [
        [str(trial["id"]), shown(trial["value"]), *(shown(trial["parameters"][name]) for name in names)]
        for trial in ranked
    ]
    return [["trial", best["metric"], *names], *rows]


def _by_model(ranked: Sequence[Mapping[str, Any]], best: Mapping[str, Any]) -> list[list[str]]:
    """Models have different parameters, so these stand in one cell."""
    rows = [
        [
            str(trial["id"]),
            shown(trial["value"]),
            trial["parameters"][TRIAL_MODEL],
            _listed(trial["parameters"]),
        ]
        for trial in ranked
    ]
    return [["trial", best["metric"], "model", "parameters"], *rows]


def _candidates(best: Mapping[str, Any]) -> list[list[str]]:
    sign = -1 if best["greater_is_better"] else 1
    ordered = sorted(
        best["candidates"], key=lambda each: (each["value"] is None, sign * (each["value"] or 0.0))
    )
    rows = [
        [each["model"], str(each["trials"]), shown(each["value"]), _listed(each["parameters"])]
        for each in ordered
    ]
    baseline = best["baseline"]
    rows.append([f"baseline: {baseline['name']}", "-", shown(baseline["value"]), ""])
    return [["model", "trials", best["metric"], "parameters"], *rows]


def _listed(parameters: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={shown(value)}" for name, value in parameters.items() if name != TRIAL_MODEL)


def shown(value: Any) -> str:
    """A number with as many digits as say something."""
    if value is None:
        return "-"
    if not isinstance(value, float):
        return str(value)
    return f"{value:,.0f}" if abs(value) >= _LARGE else f"{value:.4g}"
