"""Check the alert rules of models with Prometheus' `promtool`.

Writes the rules of every environment as rule files, which Prometheus reads without its operator: those of
servers, training, quality and scoring. Then lets `promtool check rules` read them. Without a name, all
models. Where `monitoring.rules` in aimass.yaml is `fleet`, those of all models together are read once.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from aimass_compiler import conventions
from aimass_compiler.cli import terminal
from aimass_compiler.cli.selection import add_root, project_of, specs_of
from aimass_compiler.cli.write import brought_up_to_date
from aimass_compiler.exit_codes import ExitCode

if TYPE_CHECKING:
    from aimass_compiler.pipeline import Pipeline

EXIT_CODES = (ExitCode.DISK,)
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
    status, are_of_fleet = ExitCode.DONE, False
    try:
        for spec in specs_of(project, arguments.models):
            pipeline = brought_up_to_date(project, str(spec))
            if pipeline is None or not _passes(pipeline, arguments.into):
                status = ExitCode.FAILED
            are_of_fleet |= pipeline is not None and pipeline.settings.monitoring.is_of_fleet
        if are_of_fleet and not _fleet_passes(arguments.into):
            status = ExitCode.FAILED
    except PromtoolError as error:
        terminal.error(str(error))
        return ExitCode.FAILED
    except OSError as error:
        terminal.error(f"{error.filename} could not be written: {error.strerror}")
        return ExitCode.DISK
    return status


def _passes(pipeline: Pipeline, into: Path | None) -> bool:
    """Whether promtool accepts the rules of a model, reported on the terminal."""
    from aimass_compiler.programs.promtool import rule_file
    from aimass_compiler.render.monitoring.rule_files import rule_files, rules_beside

    beside = {name: rule_file(manifest) for name, manifest in rules_beside(pipeline).items()}
    files = rule_files(pipeline) | beside
    return not files or _accepted(pipeline.path, files, ", ".join(pipeline.environments), into)


def _fleet_passes(into: Path | None) -> bool:
    """The same of the rules of all models together."""
    from aimass_compiler.fleet.monitoring import rule_file

    return _accepted(conventions.FLEET_FOLDER, rule_file(), "all models", into)


def _accepted(name: str, files: Mapping[str, bytes], whose: str, into: Path | None) -> bool:
    with tempfile.TemporaryDirectory() as temporary:
        errors = _errors(files, (into or Path(temporary)) / name)
    if errors:
        terminal.error(f"promtool rejects the alert rules of {name}", errors)
        return False
    print(f"{name}: promtool accepts the alert rules of {whose}")
    return True


def _errors(files: Mapping[str, bytes], folder: Path) -> str:
    from aimass_compiler.programs.promtool import check_rules

    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return check_rules(folder, files)
