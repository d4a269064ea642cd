"""The dashboards of all models: an overview, and one for each kind of server, in which the viewer chooses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from msgspec.structs import replace

from aimass_compiler import conventions, drift_methods
from aimass_compiler import training_names as names
from aimass_compiler.fleet.monitoring.records import (
    DRIFT_LIMIT,
    KNOWN,
    MODEL,
    OBJECTIVE,
    OBJECTIVE_BUDGET,
    counted,
)
from aimass_compiler.render.monitoring.dashboard import (
    NAMESPACE_VARIABLE,
    Board,
    Lines,
    dashboard_of,
    drift_series,
    panels,
    predictions,
    variable,
)
from aimass_compiler.render.monitoring.objectives import AVAILABILITY
from aimass_compiler.render.monitoring.panel import Panel
from aimass_compiler.render.serving.series import REQUESTS, TextSeries
from aimass_compiler.render.training_monitoring.board import training_panels

_MODEL_VARIABLE = "model"
#: How many models a picture shows: those that are worst.
_MOST = 20
_ONE_MODEL = f'{{namespace="${NAMESPACE_VARIABLE}",model="${_MODEL_VARIABLE}"}}'
_ALL_METHODS = tuple(method.name for method in drift_methods.methods())
#: The viewer may choose all namespaces.
_CHOSEN = f'{{namespace=~"${NAMESPACE_VARIABLE}"}}'


def boards() -> dict[str, dict[str, Any]]:
    """The dashboards by what they are of."""
    found = {"overview": _drawn("overview", "All models", [_namespaces(KNOWN, has_all=True)], _overview())}
    found["model"] = _of_one("model", "A model", conventions.METRIC_MODEL_INFO, None)
    for engine, prefix in conventions.ENGINE_PREFIXES.items():
        text = TextSeries(prefix, REQUESTS[engine], (), 0)
        name, title = f"language-model-{engine}", f"A language model ({engine})"
        found[name] = _of_one(name, title, text.metric(conventions.METRIC_RUNNING), text)
    known = names.BEGAN
    query = f'label_values({known}{{namespace="${NAMESPACE_VARIABLE}"}}, model)'
    variables = [_namespaces(known), variable(_MODEL_VARIABLE, "Model", query)]
    found["training"] = _drawn("training", "The training of a model", variables, training_panels(_ONE_MODEL))
    return found


def _drawn(
    name: str, title: str, variables: Sequence[dict[str, Any]], shown: Iterable[Panel]
) -> dict[str, Any]:
    return dashboard_of(title, f"aimass-fleet-{name}", ["fleet"], variables, tuple(shown))


def _of_one(name: str, title: str, known: str, text: TextSeries | None) -> dict[str, Any]:
    """The dashboard of the model that the viewer chooses of those that export a metric."""
    lines = Lines(None, None, None, None, _ALL_METHODS, has_labels=True, text=text)
    query = f'label_values({known}{{namespace="${NAMESPACE_VARIABLE}"}}, model)'
    variables = [_namespaces(known), variable(_MODEL_VARIABLE, "Model", query)]
    return _drawn(name, title, variables, _with_limits(Board(f"${_MODEL_VARIABLE}", lines)))


def _namespaces(known: str, *, has_all: bool = False) -> dict[str, Any]:
    found = variable(NAMESPACE_VARIABLE, "Namespace", f"label_values({known}, namespace)")
    return found | ({"includeAll": True, "allValue": ".*"} if has_all else {})


def _with_limits(board: Board) -> Iterator[Panel]:
    """The pictures of a model; what it promises is a line of its own, as no number holds for all."""
    limits = {
        "Failed requests": (
            f'max({OBJECTIVE_BUDGET}{_ONE_MODEL[:-1]},objective="{AVAILABILITY}"}})',
            "may fail",
        ),
        "Drift": (f"max by (severity) ({DRIFT_LIMIT}{_ONE_MODEL})", "{{severity}}"),
    }
    for panel in panels(board):
        more = limits.get(panel.title)
        yield panel if more is None else replace(panel, lines=(*panel.lines, more))
        if panel.title == "Predictions":
            yield replace(predictions(_ONE_MODEL, has_labels=False), title="Predicted numbers")
    pace = _pace("objective", _ONE_MODEL)
    yield Panel("Pace of the budgets", "short", ((pace, "{{objective}}"),), _PACE, threshold=1)


_PACE = "How many times faster than allowed the budget of 30 days goes, over an hour."


def _pace(labels: str, chosen: str) -> str:
    return (
        f"max by ({labels}) ({counted('bad', '1h')}{chosen} / {counted('all', '1h')}{chosen}"
        f" / {OBJECTIVE_BUDGET}{chosen})"
    )


def _overview() -> Iterator[Panel]:
    firing = f'count by (severity, alertname) (ALERTS{_CHOSEN[:-1]},model!="",alertstate="firing"}})'
    yield Panel("Alerts", "short", ((firing, "{{severity}} {{alertname}}"),))
    known = f"count by (environment, team) ({KNOWN}{_CHOSEN})"
    yield Panel("Models", "short", ((known, "{{environment}} {{team}}"),))
    missing = f"count({KNOWN}{_CHOSEN} unless on ({MODEL}) {conventions.METRIC_MODEL_INFO}) or vector(0)"
    yield Panel("Models without a server of ours", "short", ((missing, "models"),))
    yield _worst("Fastest budgets", _pace(OBJECTIVE, _CHOSEN), "{{namespace}} {{model}} {{objective}}", 1)
    asked = f'{counted("all", "5m")}{_CHOSEN[:-1]},objective="{AVAILABILITY}"}} / 300'
    yield _worst("Most requests a second", f"sum by ({MODEL}) ({asked})")
    moved = f"max by ({MODEL}) ({drift_series(_ALL_METHODS, _CHOSEN)})"
    yield _worst("Most drift", moved)
    full = (
        f"sum by ({MODEL}) ({conventions.METRIC_IN_FLIGHT}{_CHOSEN})"
        f" / sum by ({MODEL}) ({conventions.METRIC_CONCURRENCY_LIMIT}{_CHOSEN})"
    )
    yield _worst("Fullest servers", full)
    age = f"time() - max by ({MODEL}) ({conventions.METRIC_TRAINED}{_CHOSEN})"
    yield replace(_worst("Oldest models", age), unit="s")


def _worst(
    title: str, expression: str, legend: str = "{{namespace}} {{model}}", threshold: float | None = None
) -> Panel:
    return Panel(title, "short", ((f"topk({_MOST}, {expression})", legend),), threshold=threshold)
