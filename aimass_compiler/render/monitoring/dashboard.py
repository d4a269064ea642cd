"""The Grafana dashboards of a model: one for all environments, and one more where objectives differ.

Source: https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from msgspec import Struct

from aimass_compiler import conventions, drift_methods
from aimass_compiler.catalog.quantities import Duration, Percentage
from aimass_compiler.catalog.task import Task
from aimass_compiler.pipeline import Pipeline
from aimass_compiler.pipeline.monitoring import Monitoring
from aimass_compiler.pipeline.serving import Serving
from aimass_compiler.render.monitoring.objectives import selector
from aimass_compiler.render.monitoring.panel import RATE, Panel, percentiles
from aimass_compiler.render.monitoring.text_panels import text_panels
from aimass_compiler.render.names import component_label, digest
from aimass_compiler.render.serving.series import Requests, TextSeries, text_of

BOARD_FILE = "dashboard.json"
#: The variable that the viewer chooses the environment by.
NAMESPACE_VARIABLE = "namespace"


class Lines(Struct, frozen=True):
    """What a dashboard draws: the objectives, when drift calls somebody, and what is predicted."""

    availability: Percentage | None
    """None where the board is of any model."""
    slowest: Duration | None
    window: Duration | None
    drift: float | None
    methods: tuple[str, ...]
    """How drift is measured; several where the board is of any model."""
    has_labels: bool
    """Whether the model predicts labels; otherwise it predicts numbers."""
    text: TextSeries | None = None
    """What is exported of a language model; None for any other."""
    has_callers: bool = False
    """Whether servers know who asks."""


class Board(Struct, frozen=True):
    """One dashboard of a model, of all environments or of the one that it names."""

    model: str
    lines: Lines
    environment: str | None = None
    namespace: str = f"${NAMESPACE_VARIABLE}"
    page: str = ""
    """The address of the model's page in the catalogue; empty where none is published."""


def board(pipeline: Pipeline) -> Board:
    """The dashboard in which the viewer chooses the environment."""
    lines = _lines(pipeline.serving, pipeline.monitoring, pipeline.task)
    return Board(pipeline.name, lines, page=_page(pipeline))


def own_board(pipeline: Pipeline, environment: str) -> Board | None:
    """The dashboard of one environment where the lines of the common one would be wrong."""
    running = pipeline.environments[environment]
    lines = _lines(running.serving, running.monitoring, pipeline.task)
    if lines == board(pipeline).lines:
        return None
    return Board(pipeline.name, lines, environment, running.namespace, _page(pipeline))


def _page(pipeline: Pipeline) -> str:
    github = pipeline.settings.ci.github
    catalogue = github.pages if github is not None else None
    return (
        ""
        if catalogue is None
        else f"{catalogue.rstrip('/')}/{conventions.CATALOGUE_PAGE.format(model=pipeline.path)}"
    )


def config_map(board: Board) -> dict[str, Any]:
    """The ConfigMap, for a kustomization; Grafana knows a dashboard by its file's name, which the key is."""
    name = board.model if board.environment is None else f"{board.model}-{board.environment}"
    return {
        "name": f"{board.model}-dashboard",
        **({} if board.environment is None else {"behavior": "replace"}),
        "files": [f"{name}.json={BOARD_FILE}"],
        "options": {
            "disableNameSuffixHash": True,
            "labels": {"grafana_dashboard": "1", **component_label(conventions.COMPONENT_MONITORING)},
        },
    }


def _lines(serving: Serving, monitoring: Monitoring, task: Task) -> Lines:
    objectives, drift = serving.objectives, monitoring.drift
    slowest = objectives.latency.p99
    labels, text = task.is_classification, text_of(serving)
    has_callers = serving.access is not None
    return Lines(
        objectives.availability,
        slowest,
        drift.window,
        drift.page,
        (drift.method,),
        labels,
        text,
        has_callers,
    )


_SCHEMA_VERSION = 41
_COLUMNS = 24
_WIDTH, _HEIGHT = 8, 8
_SOURCE = {"type": "prometheus", "uid": "${datasource}"}
#: How Grafana's file format numbers when a variable is asked for again, and how its values are sorted.
_WHEN_TIME_CHANGES, _BY_NAME = 2, 1


def identifier(board: Board) -> str:
    """What Grafana knows the dashboard by, in at most 40 characters."""
    names = [board.model] if board.environment is None else [board.model, board.environment]
    return f"aimass-{digest('/'.join(names).encode())}"


def dashboard(board: Board, identifier: str) -> dict[str, Any]:
    """Requests, answer times and load above; drift, predictions and the contract below."""
    names = [board.model] if board.environment is None else [board.model, board.environment]
    title = f"Model {board.model}" + (f" ({board.environment})" if board.environment else "")
    variables = [_namespace(board)] if board.environment is None else []
    made = dashboard_of(title, identifier, names, variables, panels(board))
    return {**made, "links": [_link(board.page)]} if board.page else made


def _link(address: str) -> dict[str, Any]:
    """Above the panels, what leads to the model's page in the catalogue."""
    return {"title": "Catalogue", "type": "link", "icon": "doc", "url": address, "targetBlank": True}


def dashboard_of(
    title: str,
    identifier: str,
    tags: Sequence[str],
    variables: Sequence[dict[str, Any]],
    panels: Sequence[Panel],
) -> dict[str, Any]:
    """A dashboard as Grafana reads it; the viewer chooses the Prometheus, then what else is variable."""
    return {
        "uid": identifier,
        "title": title,
        "tags": ["aimass", *tags],
        "schemaVersion": _SCHEMA_VERSION,
        "editable": False,
        "graphTooltip": 1,
        "refresh": "1m",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": [_datasource(), *variables]},
        "annotations": {"list": []},
        "panels": [_drawn(panel, place) for place, panel in enumerate(panels)],
    }


def _datasource() -> dict[str, Any]:
    return {
        "name": "datasource",
        "label": "Prometheus",
        "type": "datasource",
        "query": "prometheus",
        "hide": 0,
    }


def _namespace(board: Board) -> dict[str, Any]:
    """The environments in which the model serves, as this Prometheus knows them."""
    text, known = board.lines.text, conventions.METRIC_MODEL_INFO
    known = known if text is None else text.metric(conventions.METRIC_RUNNING)
    query = f'label_values({known}{{model="{board.model}"}}, namespace)'
    return variable(NAMESPACE_VARIABLE, "Namespace", query)


def variable(name: str, label: str, query: str) -> dict[str, Any]:
    """What the viewer chooses of the values that a query finds."""
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": _SOURCE,
        "query": query,
        "definition": query,
        "refresh": _WHEN_TIME_CHANGES,
        "sort": _BY_NAME,
        "hide": 0,
    }


def panels(board: Board) -> tuple[Panel, ...]:
    """All pictures of a model, in their order."""
    chosen = selector(board.model, board.namespace)
    callers = caller_panels(chosen) if board.lines.has_callers else ()
    if board.lines.text is not None:
        text = text_panels(chosen, board.lines.text)
        return (*_request_panels(board, board.lines.text.requests), *text, *callers)
    servers = (*_server_panels(chosen), *callers)
    return (*_objective_panels(board, chosen), *servers, *_model_panels(chosen, board.lines))


def _request_panels(board: Board, counted: Requests) -> tuple[Panel, Panel]:
    asked = selector(board.model, board.namespace, *counted.of_callers)
    failed = selector(board.model, board.namespace, *counted.of_callers, counted.failed)
    allowed = board.lines.availability
    requests, errors = (f"{counted.counter}{each}{RATE}" for each in (asked, failed))
    return (
        Panel(
            "Requests",
            "reqps",
            ((f"sum by ({counted.status}) (rate({requests}))", f"{{{{{counted.status}}}}}"),),
        ),
        Panel(
            "Failed requests",
            "percentunit",
            ((f"sum(rate({errors})) / sum(rate({requests}))", "failed"),),
            f"The objective is {allowed} of requests without a failure." if allowed else "",
            threshold=None if allowed is None else round(1 - allowed.fraction, 9),
        ),
    )


def _objective_panels(board: Board, chosen: str) -> tuple[Panel, ...]:
    buckets = f"sum by (le) (rate({conventions.METRIC_DURATION}_bucket{chosen}{RATE}))"
    slowest = board.lines.slowest
    return (
        *_request_panels(board, Requests()),
        Panel(
            "Answer time", "s", percentiles(buckets), threshold=None if slowest is None else slowest.seconds
        ),
    )


def _server_panels(chosen: str) -> tuple[Panel, ...]:
    in_flight = f"sum(avg_over_time({conventions.METRIC_IN_FLIGHT}{chosen}{RATE}))"
    limit = f"sum({conventions.METRIC_CONCURRENCY_LIMIT}{chosen})"
    refused = _by("reason", conventions.METRIC_REJECTED, chosen)
    versions = f"count by (version) ({conventions.METRIC_MODEL_INFO}{chosen})"
    return (
        Panel("Requests in flight", "short", ((in_flight, "in flight"), (limit, "limit"))),
        Panel("Refused requests", "reqps", ((refused, "{{reason}}"),)),
        Panel("Servers", "short", ((versions, "{{version}}"),)),
        *_connection_panels(chosen),
    )


def _connection_panels(chosen: str) -> tuple[Panel, ...]:
    """What there is of callers below their requests, and of what the servers tell."""
    there, limit = (
        f"sum({metric}{chosen})"
        for metric in (conventions.METRIC_CONNECTIONS, conventions.METRIC_CONNECTIONS_LIMIT)
    )
    ended = _by("reason", conventions.METRIC_CONNECTIONS_ENDED, chosen)
    dropped = f"sum(rate({conventions.METRIC_LOG_DROPPED}{chosen}{RATE}))"
    return (
        Panel("Connections", "short", ((there, "connections"), (limit, "limit"))),
        Panel("Connections ended by the servers", "short", ((ended, "{{reason}}"),)),
        Panel("Log lines dropped", "short", ((dropped, "lines a second"),)),
    )


def _model_panels(chosen: str, lines: Lines) -> tuple[Panel, ...]:
    trained = f"time() - max({conventions.METRIC_TRAINED}{chosen})"
    return (
        _drift(chosen, lines),
        Panel(
            "Predicted rows",
            "short",
            ((f"sum(rate({conventions.METRIC_ROWS}{chosen}{RATE}))", "rows a second"),),
        ),
        predictions(chosen, lines.has_labels),
        Panel(
            "Requests that break the contract",
            "short",
            ((_by("field", conventions.METRIC_VIOLATIONS, chosen), "{{field}}"),),
        ),
        Panel(
            "Rows in the drift window", "short", ((f"sum({conventions.METRIC_DRIFT_ROWS}{chosen})", "rows"),)
        ),
        Panel("Age of the model", "s", ((trained, "age"),), kind="stat"),
    )


def _drift(chosen: str, lines: Lines) -> Panel:
    methods = [drift_methods.method(name) for name in lines.methods]
    shown = " or ".join([methods[0].begun, *(method.shown for method in methods[1:])])
    series = drift_series(lines.methods, chosen)
    return Panel(
        "Drift",
        "short",
        ((f"avg by (feature) ({series})", "{{feature}}"),),
        f"{shown} over {lines.window or 'a window'}, against the training data.",
        threshold=lines.drift,
    )


def drift_series(methods: Sequence[str], chosen: str) -> str:
    """The PromQL of what servers export which measure by any of these methods."""
    names = [drift_methods.method(name).series for name in methods]
    return f"{names[0]}{chosen}" if len(names) == 1 else f'{{__name__=~"{"|".join(names)}",{chosen[1:]}'


def predictions(chosen: str, has_labels: bool) -> Panel:
    """What a model exports of its predictions: how many of each label, or a histogram of values."""
    values = f"sum by (le) (rate({conventions.METRIC_PREDICTION}_bucket{chosen}{RATE}))"
    labels = ((_by("label", conventions.METRIC_LABELS, chosen), "{{label}}"),)
    return Panel("Predictions", "short", labels if has_labels else percentiles(values, (0.1, 0.5, 0.9)))


def _by(label: str, metric: str, chosen: str) -> str:
    return f"sum by ({label}) (rate({metric}{chosen}{RATE}))"


def _drawn(panel: Panel, place: int) -> dict[str, Any]:
    row, column = divmod(place, _COLUMNS // _WIDTH)
    steps = [{"color": "green", "value": None}]
    if panel.threshold is not None:
        steps.append({"color": "red", "value": panel.threshold})  # type: ignore[dict-item]  # the first step has no end
    custom = {"custom": {"thresholdsStyle": {"mode": "line" if len(steps) > 1 else "off"}}}
    defaults = {"unit": panel.unit, "min": 0, "thresholds": {"mode": "absolute", "steps": steps}}
    return {
        "id": place + 1,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.description,
        "datasource": _SOURCE,
        "gridPos": {"x": column * _WIDTH, "y": row * _HEIGHT, "w": _WIDTH, "h": _HEIGHT},
        "fieldConfig": {
            "defaults": defaults | (custom if panel.kind == "timeseries" else {}),
            "overrides": [],
        },
        "targets": [
            {
                "refId": chr(ord("A") + index),
                "expr": expression,
                "legendFormat": legend,
                "datasource": _SOURCE,
                # From this, the shortest step, Grafana makes $__rate_interval: four times as long.
                "interval": conventions.SCRAPE_INTERVAL,
            }
            for index, (expression, legend) in enumerate(panel.lines)
        ],
    }


def caller_panels(chosen: str) -> Iterator[Panel]:
    """Who asks, who is refused, and who pays for how much; `chosen` selects the series of the model."""
    asked = f"sum by (caller, outcome) (rate({conventions.METRIC_CALLER_REQUESTS}{chosen}{RATE}))"
    yield Panel("Requests by caller", "reqps", ((asked, "{{caller}}, {{outcome}}"),))
    spent = f"sum by (caller, unit) (rate({conventions.METRIC_CALLER_SPENT}{chosen}{RATE}))"
    yield Panel("Rows and tokens by caller", "short", ((spent, "{{caller}}, {{unit}}"),), "In a second.")
    unknown = f"sum by (code) (rate({conventions.METRIC_UNKNOWN_CALLERS}{chosen}{RATE}))"
    yield Panel("Refused unknown callers", "reqps", ((unknown, "{{code}}"),))
