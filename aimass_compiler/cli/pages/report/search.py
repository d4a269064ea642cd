"""What a search tried and reached: progress, parallel coordinates, and its best trials."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any

from aimass_compiler.cli.pages import charts
from aimass_compiler.cli.pages.blocks import Block, Chart, Grid, StatusSentence, number
from aimass_compiler.cli.pages.report.run_results import RunResults
from aimass_compiler.conventions import TRIAL_MODEL
from aimass_compiler.stages import artifacts

#: From this ratio of its ends on, an axis is drawn by powers of ten.
_WIDE = 50
_FEWEST, _MOST_AXES, _LISTED = 2, 10, 25

Trial = Mapping[str, Any]


def blocks(results: RunResults) -> Iterator[Block]:
    """The search, where there was one."""
    found, best = results.document(artifacts.TRIALS), results.document(artifacts.BEST)
    if not found or not best or int(found["totals"]["done"]) < _FEWEST:
        return
    totals = found["totals"]
    done = [trial for trial in found["trials"] if trial["status"] == "done"]
    yield StatusSentence(
        f"{totals['trials']} trials in {totals['search_seconds']:.0f} s, {totals['stopped']} stopped early "
        f"and {totals['failed']} failed. The best is trial {best['trial']}: {best['metric']} "
        f"{number(best['value'])} on the validation split, by {best['model']}."
    )
    yield _progress(done, best)
    for model in dict.fromkeys(_model(trial, best) for trial in done):
        yield from _parallel(model, [trial for trial in done if _model(trial, best) == model], best)
    if "candidates" in best:
        yield _candidates(best)
    yield _trials(found["trials"], best)


def _model(trial: Trial, best: Trial) -> str:
    return str(trial["parameters"].get(TRIAL_MODEL, best["model"]))


def _progress(done: Sequence[Trial], best: Trial) -> Chart:
    so_far = accumulate((trial["value"] for trial in done), max if best["greater_is_better"] else min)
    rows = [
        {"x": trial["id"], "y": trial["value"], "best": value, "label": _listed(trial)}
        for trial, value in zip(done, so_far, strict=True)
    ]
    text = f"{best['metric']} on the validation split of each trial, and the best so far."
    return Chart("Progress", text, charts.steps_to_best(rows, "trial", best["metric"]))


def _parallel(model: str, trials: Sequence[Trial], best: Trial) -> Iterator[Chart]:
    """A line for each trial through its parameters to its value."""
    names = [name for name in trials[0]["parameters"] if name != TRIAL_MODEL]
    varied = [name for name in names if len({str(trial["parameters"].get(name)) for trial in trials}) > 1]
    if len(trials) < _FEWEST or not varied:
        return
    columns = [(name, [trial["parameters"].get(name) for trial in trials]) for name in varied[:_MOST_AXES]]
    columns.append((best["metric"], [trial["value"] for trial in trials]))
    placed = [_places(column) for _, column in columns]
    axes = [(f"a{place}", name) for place, (name, _) in enumerate(columns)]
    rows = [{key: placed[place][row] for place, (key, _) in enumerate(axes)} for row in range(len(trials))]
    text = f"A line for each trial, from its parameters to its {best['metric']}, which colours it."
    yield Chart(f"What the trials of {model} tried", text, charts.parallel(rows, axes))


def _places(column: Sequence[Any]) -> list[float | None]:
    """Where each value is between the least, 0, and the largest, 1; by powers of ten where they span many."""
    if not all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in column):
        words = sorted({str(value) for value in column})
        return [words.index(str(value)) / max(1, len(words) - 1) for value in column]
    numbers = [float(value) for value in column]
    low, high = min(numbers), max(numbers)
    if low > 0 and high / low >= _WIDE:
        numbers = [math.log10(value) for value in numbers]
        low, high = min(numbers), max(numbers)
    return [(value - low) / (high - low) if high > low else 0.5 for value in numbers]


def _candidates(best: Trial) -> Grid:
    rows = [
        [each["model"], str(each["trials"]), number(each["value"])]
        for each in sorted(best["candidates"], key=lambda each: each["value"] is None)
    ]
    baseline = best["baseline"]
    rows.append([f"baseline: {baseline['name']}", "–", number(baseline["value"])])
    head = ["model", "trials", f"best {best['metric']}"]
    return Grid("Models that were tried", head, rows, frozenset({1, 2}))


def _trials(trials: Sequence[Trial], best: Trial) -> Grid:
    sign = -1 if best["greater_is_better"] else 1
    ranked = sorted(
        trials, key=lambda each: (each["value"] is None, sign * (each["value"] or 0.0), each["id"])
    )
    rows = [
        [str(each["id"]), number(each["value"]), each["status"], _seconds(each), _listed(each)]
        for each in ranked[:_LISTED]
    ]
    caption = f"The best {len(rows)} of {len(trials)} trials" if len(trials) > _LISTED else "All trials"
    head = ["trial", best["metric"], "status", "seconds", "parameters"]
    return Grid(caption, head, rows, frozenset({1, 3}), is_folded=True)


def _seconds(trial: Trial) -> str:
    return "–" if trial.get("seconds") is None else f"{trial['seconds']:.2f}"


def _listed(trial: Trial) -> str:
    return ", ".join(f"{name}={number(value)}" for name, value in trial["parameters"].items())
