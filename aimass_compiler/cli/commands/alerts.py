"""Test the alerts of models: each is raised when it must be, and silent otherwise.

Writes the rules of every environment and unit tests of them for Prometheus' `promtool`, lets it check
the rules, and runs the tests: everything that can go wrong, one at a time, and the near misses. Without
a name, all models.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from aimass_compiler.cli import terminal
from aimass_compiler.cli.bringing import brought_up_to_date
from aimass_compiler.cli.choosing import add_root, project_of, specs_of
from aimass_compiler.conventions import ExitCode

if TYPE_CHECKING:
    from aimass_compiler.pipeline import Pipeline

PLACE = 12
EXAMPLES = """
  aimass alerts                            the alerts of every model
  aimass alerts churn --into build/alerts  the same, and keep the rules and tests that promtool reads
"""


def declare(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.add_argument(
        "models", metavar="MODEL", nargs="*", help="the name of a model, or the path of its spec"
    )
    parser.add_argument(
        "--into", type=Path, metavar="DIR", help="keep what promtool reads, by model, in a folder"
    )
    add_root(parser)


def run(arguments: argparse.Namespace) -> int:
    """Test model by model; answers an ExitCode."""
    from aimass_compiler.cluster.promtool import PromtoolError

    project = project_of(arguments)
    status = ExitCode.DONE
    try:
        for spec in specs_of(project, arguments.models):
            pipeline = brought_up_to_date(project, str(spec))
            if pipeline is None or not _passes(pipeline, arguments.into):
                status = ExitCode.FAILED
    except PromtoolError as error:
        terminal.complain(str(error))
        return ExitCode.FAILED
    return status


def _passes(pipeline: Pipeline, into: Path | None) -> bool:
    """Whether promtool finds nothing wrong, told on the terminal."""
    with tempfile.TemporaryDirectory() as temporary:
        against = _tested(pipeline, (into or Path(temporary)) / pipeline.name)
    if against:
        terminal.complain(f"the alerts of {pipeline.name} are not what they should be", against)
        return False
    environments = ", ".join(pipeline.environments)
    print(f"{pipeline.name}: every alert is raised when it must be and silent otherwise, in {environments}")
    return True


def _tested(pipeline: Pipeline, folder: Path) -> str:
    from aimass_compiler.cluster.promtool import test_rules
    from aimass_compiler.render.monitoring.promtool import RULES_ENDING, TEST_ENDING, promtool_files

    files = promtool_files(pipeline)
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    rules, tests = (
        [name for name in files if name.endswith(ending)] for ending in (RULES_ENDING, TEST_ENDING)
    )
    return test_rules(folder, rules, tests)
