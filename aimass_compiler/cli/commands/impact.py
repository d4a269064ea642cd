"""Show what a change would reach, before anything is changed: models, features, gates, alerts, routes.

WHAT is a source or one of its columns, by the name that a spec gives it (data.customers, or
data.customers.tenure) or by where it lies (data/customers.csv), a table of a contract or one of its columns
(contracts.customers.tenure), a policy (policies.three-servers), an image (python:3.11-slim) or an environment
(environments.prod). Models that read the same data under another name are found too; `churn:data.customers`
means the source of this model alone. Everything is read off specs/ and releases/: nothing runs.

With --format openlineage it writes the lineage of all models, or of those that are reached, as OpenLineage
job events, a JSON document a line, for Marquez, DataHub and others.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from aimass_compiler.cli import terminal
from aimass_compiler.cli.selection import UnknownName, add_root, model_called, project_of, specs_of
from aimass_compiler.cli.views import findings
from aimass_compiler.diagnostics import did_you_mean, has_errors
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.model_path import called

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aimass_compiler.impact.downstream import CompiledModel, Subject
    from aimass_compiler.project import Project

EXAMPLES = """
  aimass impact data.customers.tenure          who depends on a column
  aimass impact data/customers.csv             on a file, whatever specs call it
  aimass impact churn:data.usage               on a source of one model
  aimass impact contracts.customers.tenure     on a column of a shared contract
  aimass impact policies.three-servers         which models a policy holds for, and where
  aimass impact environments.prod              what runs in an environment
  aimass impact python:3.11-slim               which images are built on it
  aimass impact --format openlineage           the lineage of all models, for a catalog
"""


def declare(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.add_argument("what", nargs="?", metavar="WHAT", help="what is to be changed")
    parser.add_argument(
        "--format",
        choices=("people", "json", "markdown", "openlineage"),
        default="people",
        help="how it is shown",
    )
    add_root(parser)


def run(arguments: argparse.Namespace) -> int:
    """Show it; answers an ExitCode."""
    from aimass_compiler.compile import compile_specs

    if arguments.what is None and arguments.format != "openlineage":
        terminal.error("impact of what? name a source, a column, an image or an environment")
        return ExitCode.USAGE
    project = project_of(arguments)
    compiled = compile_specs(project, specs_of(project, []))
    findings.show([each for each in compiled.findings if each.is_error], compiled.documents, "people")
    if has_errors(compiled.findings):
        return ExitCode.FAILED
    from aimass_compiler.impact.downstream import known_models

    models = known_models(compiled)
    return _shown(arguments, project, models)


def _shown(arguments: argparse.Namespace, project: Project, models: Sequence[CompiledModel]) -> int:
    from aimass_compiler.cli.views import impact as views
    from aimass_compiler.impact.downstream import downstream
    from aimass_compiler.releases.release_file import DamagedRelease

    try:
        subject = _subject(arguments.what, models) if arguments.what else None
        reached = downstream(subject, models, project.root) if subject else ()
    except DamagedRelease as error:
        terminal.error(str(error))
        return ExitCode.FAILED
    if arguments.format == "openlineage":
        names = {each.model for each in reached} if subject else {known.pipeline.path for known in models}
        return _lineage([known for known in models if known.pipeline.path in names])
    sys.stdout.write(
        views.drawn(arguments.what, reached, len(models), arguments.format, terminal.paint_on(sys.stdout))
    )
    return ExitCode.DONE


def _lineage(models: Sequence[CompiledModel]) -> int:
    from aimass_compiler.impact.openlineage_events import events

    try:
        for event in events(models):
            print(event)
    except ModuleNotFoundError:
        terminal.error("OpenLineage's events need the extra `aimass-compiler[lineage]`")
        return ExitCode.FAILED
    return ExitCode.DONE


def _subject(what: str, models: Sequence[CompiledModel]) -> Subject:
    """What the words mean. Raises UnknownName, with what there is."""
    from aimass_compiler.impact.downstream import Subject, subjects

    own, colon, rest = what.partition(":")
    paths = [each.pipeline.path for each in models]
    model = model_called(own, paths) if colon and called(own, paths) else ""
    known = subjects([each for each in models if model in ("", each.pipeline.path)])
    asked = rest if model else what
    found = known.get(asked)
    if found is None:
        raise UnknownName(
            f"nothing that the specs know is called `{asked}`",
            did_you_mean(asked, known) or "name a source as `data.NAME`, a column as `data.NAME.COLUMN`",
        )
    return Subject(found.kind, found.name, found.column, model)
