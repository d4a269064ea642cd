"""Which dashboards a model has: one for all environments, and one more where objectives differ."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from aimass_compiler.pipeline import Pipeline
from aimass_compiler.pipeline.monitoring import Monitoring
from aimass_compiler.pipeline.serving import Serving
from aimass_compiler.render.naming import component_label
from aimass_compiler.task import Task
from aimass_compiler.values import Duration, Percentage

BOARD_FILE = "dashboard.json"
#: The variable that the viewer chooses the environment by.
NAMESPACE_VARIABLE = "namespace"


class Lines(Struct, frozen=True):
    """What a dashboard draws: the objectives, when drift calls somebody, and what is predicted."""

    availability: Percentage
    slowest: Duration | None
    window: Duration
    drift: float
    has_labels: bool
    """Whether the model predicts labels; otherwise it predicts numbers."""


class Board(Struct, frozen=True):
    """One dashboard of a model, of all environments or of the one that it names."""

    model: str
    lines: Lines
    environment: str | None = None
    namespace: str = f"${NAMESPACE_VARIABLE}"


def board(pipeline: Pipeline) -> Board:
    """The dashboard in which the viewer chooses the environment."""
    return Board(pipeline.name, _lines(pipeline.serving, pipeline.monitoring, pipeline.task))


def own_board(pipeline: Pipeline, environment: str) -> Board | None:
    """The dashboard of one environment where the lines of the common one would be wrong."""
    running = pipeline.environments[environment]
    lines = _lines(running.serving, running.monitoring, pipeline.task)
    if lines == board(pipeline).lines:
        return None
    return Board(pipeline.name, lines, environment, running.namespace)


def config_map(board: Board) -> dict[str, Any]:
    """The ConfigMap, for a kustomization; Grafana knows a dashboard by its file's name, which the key is."""
    name = board.model if board.environment is None else f"{board.model}-{board.environment}"
    return {
        "name": f"{board.model}-dashboard",
        **({} if board.environment is None else {"behavior": "replace"}),
        "files": [f"{name}.json={BOARD_FILE}"],
        "options": {
            "disableNameSuffixHash": True,
            "labels": {"grafana_dashboard": "1", **component_label("monitoring")},
        },
    }


def _lines(serving: Serving, monitoring: Monitoring, task: Task) -> Lines:
    objectives, drift = serving.objectives, monitoring.drift
    slowest = objectives.latency.p99
    return Lines(objectives.availability, slowest, drift.window, drift.page, task.is_classification)
