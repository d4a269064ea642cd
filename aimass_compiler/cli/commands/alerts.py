"""Check the alert rules of models with Prometheus' `promtool`.

Writes the rules of every environment as rule files, which Prometheus reads without its operator, and
lets `promtool check rules` read them. Without a name, all models.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from aimass_compiler.cli import terminal
from aimass_compiler.cli.selection import add_root, project_of, specs_of
from aimass_compiler.cli.write import brought_up_to_date
from aimass_compiler.conventions import ExitCode

if TYPE_CHECKING:
    from aimass_compiler.pipeline import Pipeline

EXAMPLES = """
  aimass alerts                            the rules of every model
  aimass alerts churn --into build/alerts  the same, and keep the rule files
"""


def declare(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.add_argument(
        "models", metavar="MODEL", nargs="*", help="the name of a model, or the path of its spec"
    )
    parser.add_argument("--into", type=Path, metavar="DIR", help="keep the rule files, by model, in a folder")
    add_root(parser)


def run(arguments: argparse.Namespace) -> int:
    """Check model by model; answers an ExitCode."""
    from aimass_compiler.programs.promtool import PromtoolError

    project = project_of(arguments)
    status = ExitCode.DONE
    try:
        for spec in specs_of(project, arguments.models):
            pipeline = brought_up_to_date(project, str(spec))
            if pipeline is None or not _passes(pipeline, arguments.into):
                status = ExitCode.FAILED
    except PromtoolError as error:
        terminal.error(str(error))
        return ExitCode.FAILED
    return status


def _passes(pipeline: Pipeline, into: Path | None) -> bool:
    """Whether promtool accepts the rules, reported on the terminal."""
    with tempfile.TemporaryDirectory() as temporary:
        errors = _errors(pipeline, (into or Path(temporary)) / pipeline.name)
    if errors:
        terminal.error(f"promtool rejects the alert rules of {pipeline.name}", errors)
        return False
    print(f"{pipeline.name}: promtool accepts the alert rules of {', '.join(pipeline.environments)}")
    return True


def _errors(pipeline: Pipeline, folder: Path) -> str:
    from aimass_compiler.programs.promtool import check_rules
    from aimass_compiler.render.monitoring.rules import rule_files

    files = rule_files(pipeline)
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return check_rules(folder, files)
