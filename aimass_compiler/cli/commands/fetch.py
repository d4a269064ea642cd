"""Fetch the rows of databases into their snapshots.

A source `sql` is a question to a database and a snapshot: the Parquet file of the project that runs read.
This asks the database and writes the snapshot, sorted, so that the same rows are the same file and train
nothing again. The database's address is in the environment variable that the source names.
"""

from __future__ import annotations

import argparse

from aimass_compiler.cli import snapshots, terminal
from aimass_compiler.cli.selection import add_root, project_of, specs_of
from aimass_compiler.cli.views import findings
from aimass_compiler.exit_codes import ExitCode

EXIT_CODES = (ExitCode.DATA, ExitCode.DISK)
EXAMPLES = """
  aimass fetch churn                 the rows of one model
  aimass fetch                       the rows of every model
"""


def declare(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.add_argument("specs", nargs="*", metavar="MODEL", help="the models (default: all)")
    add_root(parser)


def run(arguments: argparse.Namespace) -> int:
    """Fetch; answers an ExitCode."""
    from aimass_compiler.compile import Upto, compile_specs
    from aimass_compiler.diagnostics import has_errors

    project = project_of(arguments)
    checked = compile_specs(project, specs_of(project, arguments.specs), upto=Upto.CHECK)
    if has_errors(checked.findings):
        findings.show(checked.findings, checked.documents, "people")
        return ExitCode.FAILED
    try:
        fetched = sum(snapshots.fetch_all(project, pipeline) for pipeline in checked.pipelines.values())
    except snapshots.NotAnswered as failed:
        terminal.error(str(failed), failed.help)
        return failed.exit_code
    if not fetched:
        print("no source has a snapshot: their files are read as they are")
    return ExitCode.DONE
