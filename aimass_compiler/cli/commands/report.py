"""Write what a model's last run reached as one HTML page.

Data, search, learning curves, metrics by split and slice, calibration, confusion or residuals, gates, the
test of its service, and where it comes from: in one file that needs no network, artifacts/MODEL/report.html.
`aimass run` writes it, too. With --watch it is served on this machine, and follows a run that goes on.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from aimass_compiler.cli import terminal
from aimass_compiler.cli.selection import add_root, add_spec, project_of, require_results
from aimass_compiler.cli.write import pipeline_of
from aimass_compiler.exit_codes import ExitCode

if TYPE_CHECKING:
    from aimass_compiler.pipeline import Pipeline
    from aimass_compiler.project import Project

EXIT_CODES = (ExitCode.DISK,)
EXAMPLES = """
  aimass report churn                    artifacts/churn/report.html
  aimass report churn --into churn.html  another file
  aimass report churn --prometheus http://prometheus.monitoring.svc:9090
  aimass report churn --watch            on http://127.0.0.1:8090 while it trains
"""
_PORT = 8090


def declare(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    add_spec(parser)
    parser.add_argument(
        "--into", type=Path, metavar="FILE", help="where to (default: report.html of its artifacts)"
    )
    parser.add_argument(
        "--watch", action="store_true", help="serve it on this machine, and show what changes, until stopped"
    )
    parser.add_argument("--port", type=int, default=_PORT, help="of --watch (default: %(default)s)")
    parser.add_argument(
        "--prometheus", default="", metavar="URL", help="which Prometheus knows how the model drifts"
    )
    add_root(parser)


def run(arguments: argparse.Namespace) -> int:
    """Write or serve it; answers an ExitCode."""
    project = project_of(arguments)
    pipeline = pipeline_of(project, arguments.model)
    if pipeline is None:
        return ExitCode.FAILED
    if arguments.watch:
        from aimass_compiler.cli.pages.live_report import serve
        from aimass_compiler.cli.pages.report.run_results import RunResults

        return serve(RunResults(project.root, pipeline, arguments.prometheus), arguments.port)
    require_results(project, pipeline.path)
    return _written(project, pipeline, arguments)


def _written(project: Project, pipeline: Pipeline, arguments: argparse.Namespace) -> int:
    from aimass_compiler.cli.pages.document import HOW_TO_INSTALL, can_draw
    from aimass_compiler.cli.pages.report_file import write_report
    from aimass_compiler.programs import prometheus

    try:
        target = write_report(project.root, pipeline, arguments.into, arguments.prometheus)
    except OSError as error:
        terminal.error(f"{arguments.into or error.filename} could not be written: {error.strerror}")
        return ExitCode.DISK
    print(target if arguments.into else target.relative_to(project.root))
    if arguments.prometheus and (problem := prometheus.unreachable(arguments.prometheus)):
        terminal.report(f"note: it does not say how the model drifts: {problem}")
    if not can_draw():
        terminal.report(f"note: it has no charts, for want of Vega: {HOW_TO_INSTALL}")
    return ExitCode.DONE
