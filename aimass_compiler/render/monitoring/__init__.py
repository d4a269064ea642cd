"""What watches the model: a ServiceMonitor, alert rules for each environment, and a dashboard for all."""

from __future__ import annotations

from aimass_compiler.render.emit import emit, emit_json
from aimass_compiler.render.monitoring.alerts import Watched
from aimass_compiler.render.monitoring.boards import BOARD_FILE, board, own_board
from aimass_compiler.render.monitoring.dashboard import dashboard
from aimass_compiler.render.monitoring.findings import EXPLANATIONS, findings
from aimass_compiler.render.monitoring.rules import prometheus_rule
from aimass_compiler.render.shared import Shared

__all__ = ["ALERTS_FILE", "EXPLANATIONS", "findings", "render"]

ALERTS_FILE = "alerts.yaml"


def render(shared: Shared) -> dict[str, bytes]:
    """Rules name the namespace, so each overlay has its own; a dashboard only where its lines differ."""
    pipeline = shared.pipeline
    files = {f"base/{BOARD_FILE}": emit_json(dashboard(board(pipeline)))}
    for name, environment in pipeline.environments.items():
        watched = Watched(pipeline.name, name, environment)
        rule = prometheus_rule(watched, pipeline)
        files[f"overlays/{name}/{ALERTS_FILE}"] = emit(rule, pipeline.name)
        if (own := own_board(pipeline, name)) is not None:
            files[f"overlays/{name}/{BOARD_FILE}"] = emit_json(dashboard(own))
    return files
