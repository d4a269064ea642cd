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
from pathlib import Path

from aimass_compiler.cli.record_store import add_store, records_of
from aimass_compiler.cli.selection import UnknownName, add_root, project_of
from aimass_compiler.cli.write import brought_up_to_date
from aimass_compiler.exit_codes import ExitCode

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
    project = project_of(arguments)
    place = records_of(project, arguments)
    brought = brought_up_to_date(project, arguments.model)
    if brought is None:
        return ExitCode.FAILED
    if brought.monitoring.labels is None:
        hint = "`monitoring: {labels: {source: data/truth.csv}}` says it"
        raise UnknownName(f"the spec of `{arguments.model}` does not say where the truth is", hint)
    *environments, local = place.namespaces if arguments.env is None else (*place.namespaces, "")
    namespaces = [*reversed(environments), *([local] if local else [])]
    options = ["--push", arguments.push] if arguments.push else []
    options += ["--textfile", str(arguments.textfile)] if arguments.textfile else []
    command = [sys.executable, "-m", "aimass_compiler.runtime.production", brought.path, *namespaces]
    command += [f"--store={place.store}", f"--root={project.root}", *options]
    return subprocess.run(command, check=False).returncode  # noqa: S603  # a list of arguments, never a shell
