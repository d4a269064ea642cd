"""Measure a model in production, by the truth as it arrives.

Joins the truth (`monitoring.labels`) with the records of predictions and measures the metrics, slices and
gates of the spec on them, by version. Of rows whose truth is not known yet, metrics are estimated from
probabilities. Writes artifacts/MODEL/production.json; --push and --textfile tell Prometheus, whose alerts
ModelQualityLow and ModelQualityStale follow. Exits with 12 when a gate is missed.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from aimass_compiler.cli.record_store import add_store, records_of
from aimass_compiler.cli.selection import UnknownName, add_root, project_of
from aimass_compiler.cli.write import brought_up_to_date
from aimass_compiler.exit_codes import ExitCode

if TYPE_CHECKING:
    from aimass_compiler.pipeline import Pipeline
    from aimass_compiler.pipeline.monitoring import Labels

EXIT_CODES = (ExitCode.DATA, ExitCode.GATE, ExitCode.DISK)
EXAMPLES = """
  aimass truth churn --env prod                     measure, and say what was found
  aimass truth churn --env prod --push http://pushgateway.monitoring.svc:9091
"""


def declare(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.add_argument("model", metavar="MODEL", help="the model's name")
    parser.add_argument(
        "--env", metavar="ENV", help="where its records are from (default: the last one that has any)"
    )
    parser.add_argument("--push", metavar="URL", help="the address of a Pushgateway")
    parser.add_argument(
        "--textfile", type=Path, metavar="FILE", help="a file for the node exporter's textfile collector"
    )
    add_store(parser)
    add_root(parser)


def run(arguments: argparse.Namespace) -> int:
    """Measure; answers the exit code of what measures."""
    from aimass_compiler.render.emit import emit_json
    from aimass_compiler.render.pipeline_json import PipelineJson
    from aimass_compiler.render.quality.cron_job import MEASURED_FILE, measured

    project = project_of(arguments)
    place = records_of(project, arguments)
    brought = brought_up_to_date(project, arguments.model)
    if brought is None:
        return ExitCode.FAILED
    labels = _labels(brought, arguments.env)
    if labels is None:
        hint = "`monitoring: {labels: {source: data/truth.csv}}` says it"
        raise UnknownName(f"the spec of `{arguments.model}` does not say where the truth is", hint)
    *environments, local = place.namespaces if arguments.env is None else (*place.namespaces, "")
    namespaces = [*reversed(environments), *([local] if local else [])]
    options = ["--push", arguments.push] if arguments.push else []
    options += ["--textfile", str(arguments.textfile)] if arguments.textfile else []
    command = [sys.executable, "-m", "aimass_compiler.runtime.production", brought.path, *namespaces]
    command += [f"--store={place.store}", f"--root={project.root}", *options]
    with tempfile.TemporaryDirectory(prefix="aimass-truth-") as folder:
        written = Path(folder) / MEASURED_FILE
        written.write_bytes(emit_json(measured(PipelineJson(brought).document, labels)))
        return subprocess.run([*command, f"--pipeline={written}"], check=False).returncode  # noqa: S603  # our own


def _labels(pipeline: Pipeline, environment: str | None) -> Labels | None:
    """Where the truth is by what an environment says, else by the spec, else by the last one that says it."""
    if environment is not None and environment in pipeline.environments:
        return pipeline.environments[environment].monitoring.labels
    said = (each.monitoring.labels for each in reversed([*pipeline.environments.values()]))
    return pipeline.monitoring.labels or next(filter(None, said), None)
