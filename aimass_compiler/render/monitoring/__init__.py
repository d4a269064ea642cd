"""What watches the model: a ServiceMonitor, alert rules for each environment, and a dashboard for all."""

from __future__ import annotations

from typing import Any

from aimass_compiler.render.emit import block, header, json_text
from aimass_compiler.render.monitoring.alerts import Watched, watched
from aimass_compiler.render.monitoring.boards import BOARD_FILE, Board, board, own_board
from aimass_compiler.render.monitoring.dashboard import dashboard, identifier
from aimass_compiler.render.monitoring.findings import EXPLANATIONS, findings
from aimass_compiler.render.monitoring.rules import prometheus_rule
from aimass_compiler.render.naming import Labels, own_labels, wanted_labels
from aimass_compiler.render.shared import Shared
from aimass_compiler.render.stencil import Stencil

__all__ = ["ALERTS_FILE", "EXPLANATIONS", "findings", "render"]

ALERTS_FILE = "alerts.yaml"


def render(shared: Shared) -> dict[str, bytes]:
    """Rules name the namespace, so each overlay has its own; a dashboard only where its lines differ."""
    pipeline = shared.pipeline
    labels = wanted_labels(pipeline.settings), own_labels(pipeline.settings)
    files = {f"base/{BOARD_FILE}": _board_file(board(pipeline))}
    for name, environment in pipeline.environments.items():
        rules = _rules(watched(pipeline.metadata, name, environment), *labels)
        files[f"overlays/{name}/{ALERTS_FILE}"] = (header(pipeline.name) + rules).encode()
        if (own := own_board(pipeline, name)) is not None:
            files[f"overlays/{name}/{BOARD_FILE}"] = _board_file(own)
    return files


def _rules(here: Watched, wanted: Labels, own: Labels) -> str:
    words = (here.model, here.environment, here.namespace, here.warn, here.page, here.rows)
    owner = (here.owner,) if here.owner else ()
    return _RULES((*words, *owner), here.budget, here.ends, here.runbook, wanted, own)


def _board_file(shown: Board) -> bytes:
    text = _BOARD((shown.model, identifier(shown)), shown.lines, shown.environment, shown.namespace)
    return text.encode()


def _built_rules(*parts: Any) -> str:
    model, environment, namespace, warn, page, rows, *owner, budget, ends, runbook, wanted, own = parts
    here = Watched(model, environment, namespace, warn, page, rows, budget, ends, runbook, *owner)
    return block(prometheus_rule(here, wanted, own))


def _built_board(model: str, identifier: str, *parts: Any) -> str:
    return json_text(dashboard(Board(model, *parts), identifier))


_RULES, _BOARD = Stencil(_built_rules), Stencil(_built_board)
