"""The report of a search as one HTML page, which needs no network: what its trials tried and reached."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from aimass_compiler.conventions import TRIAL_MODEL

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

HOW_TO_INSTALL = "pip install 'aimass-compiler[report]'"
#: From this ratio of its ends on, an axis is drawn by powers of ten.
_WIDE = 50
_FEWEST = 2
_PAGE = """\
<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<style>body {{font-family: system-ui, sans-serif; margin: 2em}}</style></head>
<body><h1>{title}</h1><p>{summary}</p>
{figures}
</body></html>
"""


def can_draw() -> bool:
    """Whether what draws it is installed."""
    return find_spec("plotly") is not None


def is_search(found: Mapping[str, Any]) -> bool:
    """Whether trials.json is of a search, and not of one training."""
    return int(found["totals"]["done"]) >= _FEWEST


def search_report(name: str, found: Mapping[str, Any], best: Mapping[str, Any]) -> str:
    """The page, of trials.json and best.json."""
    done = [trial for trial in found["trials"] if trial["status"] == "done"]
    figures = [_history(done, best)]
    for model in dict.fromkeys(trial["parameters"].get(TRIAL_MODEL, best["model"]) for trial in done):
        own = [trial for trial in done if trial["parameters"].get(TRIAL_MODEL, model) == model]
        names = [parameter for parameter in own[0]["parameters"] if parameter != TRIAL_MODEL]
        if names and len(own) >= _FEWEST:
            figures.append(_parallel(model, names, own, best))
    parts = [
        figure.to_html(full_html=False, include_plotlyjs=place == 0, config={"displaylogo": False})
        for place, figure in enumerate(figures)
    ]
    totals = found["totals"]
    summary = (
        f"{totals['trials']} trials in {totals['search_seconds']:.0f} s, {totals['stopped']} stopped early "
        f"and {totals['failed']} failed. The best is trial {best['trial']}: {best['metric']} "
        f"{best['value']:.6g} on the validation split, by {best['model']}."
    )
    title = f"The search of {name}"
    return _PAGE.format(title=html.escape(title), summary=html.escape(summary), figures="\n".join(parts))


def _history(done: Sequence[Mapping[str, Any]], best: Mapping[str, Any]) -> Figure:
    """The value of each trial in their order, and the best so far."""
    from plotly import graph_objects

    values = [trial["value"] for trial in done]
    so_far = list(accumulate(values, max if best["greater_is_better"] else min))
    numbers = [trial["id"] for trial in done]
    figure = graph_objects.Figure(
        [
            graph_objects.Scatter(
                x=numbers, y=values, mode="markers", name="trial", text=[_listed(each) for each in done]
            ),
            graph_objects.Scatter(x=numbers, y=so_far, mode="lines", name="best so far"),
        ]
    )
    figure.update_layout(title="Trials", xaxis_title="trial", yaxis_title=best["metric"])
    return figure


def _listed(trial: Mapping[str, Any]) -> str:
    return "<br>".join(f"{name}: {html.escape(str(value))}" for name, value in trial["parameters"].items())


def _parallel(
    model: str, names: Sequence[str], trials: Sequence[Mapping[str, Any]], best: Mapping[str, Any]
) -> Figure:
    """A line for each trial through its parameters to its value, in parallel coordinates."""
    from plotly import graph_objects

    values = [trial["value"] for trial in trials]
    columns = {name: [trial["parameters"][name] for trial in trials] for name in names}
    axes = [_axis(name, column) for name, column in columns.items()]
    figure = graph_objects.Figure(
        graph_objects.Parcoords(
            line={
                "color": values,
                "colorscale": "Viridis",
                "showscale": True,
                "reversescale": not best["greater_is_better"],
            },
            dimensions=[*axes, {"label": best["metric"], "values": values}],
        )
    )
    figure.update_layout(title=f"What the trials of {model} tried", margin={"t": 100})
    return figure


def _axis(name: str, column: Sequence[Any]) -> dict[str, Any]:
    """An axis of numbers, of powers of ten, or of words."""
    if not all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in column):
        words = sorted({str(value) for value in column})
        places = list(range(len(words)))
        shown = [html.escape(word) for word in words]
        at = [words.index(str(value)) for value in column]
        return {"label": name, "values": at, "tickvals": places, "ticktext": shown}
    low, high = min(column), max(column)
    if low > 0 and high / low >= _WIDE:
        powers = list(range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1))
        return {
            "label": name,
            "values": [math.log10(value) for value in column],
            "tickvals": powers,
            "ticktext": [f"{10.0**power:g}" for power in powers],
        }
    return {"label": name, "values": list(column)}
