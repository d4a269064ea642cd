"""Hold load on a packaged model for longer.

Starts the real server on the package and holds the load of the spec's `serving.tests` for
`serving.tests.soak` (by default ten minutes), with bad requests mixed in. Answers must stay right and
the server's memory must not grow. The report lies beside that of the test stage.
"""

from __future__ import annotations

import argparse

from aimass_compiler.cli.selection import add_root, package_of, project_of
from aimass_compiler.cli.write import brought_up_to_date
from aimass_compiler.exit_codes import ExitCode

EXIT_CODES = (ExitCode.SERVICE, ExitCode.DISK)
EXAMPLES = """
  aimass soak churn                  as long as the spec says
"""


def declare(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.add_argument("model", metavar="MODEL", help="the model's name")
    add_root(parser)


def run(arguments: argparse.Namespace) -> int:
    """Soak; answers the exit code of the stage."""
    from aimass_compiler.programs.program import run_stage

    project = project_of(arguments)
    package_of(project, arguments.model)
    brought = brought_up_to_date(project, arguments.model)
    if brought is None:
        return ExitCode.FAILED
    load, soak = brought.serving.tests.load, brought.serving.tests.soak or "10m"
    print(f"holding {load.rps} requests a second for {soak}", flush=True)
    return run_stage("soak", brought.name, project.root)
