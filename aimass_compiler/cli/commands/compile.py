"""Compile specs into generated/.

Reads the specs, checks them and writes what they stand for: pipeline.json and dvc.yaml for
training, Dockerfiles, and Kustomize manifests for serving and monitoring; and, where aimass.yaml
has `ci`, the workflows .github/workflows/aimass-*.yml. Everything is compiled in memory first. A spec
with errors writes nothing; files edited by hand are never overwritten without --force.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from aimass_compiler import conventions
from aimass_compiler.cli import terminal
from aimass_compiler.cli.selection import add_root, project_of, specs_of
from aimass_compiler.cli.views import findings, outline
from aimass_compiler.compile_cache import has_run, open_cache
from aimass_compiler.exit_codes import ExitCode

if TYPE_CHECKING:
    from pathlib import Path

    from aimass_compiler.diagnostics import Finding
    from aimass_compiler.generate import Generated
    from aimass_compiler.plan import Plan
    from aimass_compiler.project import Project

EXIT_CODES = (ExitCode.STALE,)
_STALE = "generated/ is not what the specs compile to"
EXAMPLES = """
  aimass compile                     compile every spec of the project
  aimass compile churn               compile specs/churn.yaml only, or that of the team that has a churn
  aimass compile growth/             compile all specs of a team: specs/growth/*.yaml
  aimass compile --dry-run --diff    show what would change, write nothing
  aimass compile --check             fail when generated/ is not up to date (for CI)
"""


def declare(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.add_argument(
        "specs", nargs="*", metavar="SPEC", help="a model, a spec's path, or a team: growth/ (default: all)"
    )
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--dry-run", action="store_true", help="show what would change and write nothing")
    mode.add_argument("--check", action="store_true", help="write nothing; exit 3 when generated/ is stale")
    parser.add_argument("--diff", action="store_true", help="show the changes line by line")
    parser.add_argument(
        "--force", action="store_true", help="overwrite generated files that were edited by hand"
    )
    parser.add_argument(
        "--no-cache", action="store_true", help="compile every spec, whatever is remembered of the last time"
    )
    parser.add_argument("--format", choices=findings.FORMATS, default="people", help="how findings are shown")
    parser.set_defaults(cache=None)  # unless it was looked at already
    add_root(parser)


def run(arguments: argparse.Namespace) -> int:
    """Compile; answers an ExitCode."""
    from aimass_compiler.diagnostics import has_errors
    from aimass_compiler.generate import GenerateOptions, generate

    if arguments.diff and arguments.format != "people":
        terminal.error("--diff is for people", "`aimass plan --format json` is for programs")
        return ExitCode.USAGE
    project = project_of(arguments)
    specs = specs_of(project, arguments.specs)
    options = GenerateOptions(
        is_written=not (arguments.dry_run or arguments.check),
        prunes_models=not arguments.specs,
        forces=arguments.force,
        most_contents=None if arguments.diff else outline.AT_MOST_MODELS,
    )
    cache = arguments.cache or open_cache(str(project.root), is_kept=not arguments.no_cache)
    result = generate(project, specs, options, cache, terminal.report)
    committed = [] if options.is_written or result.plan is None else _committed(project, specs)
    found = [*result.findings, *committed]
    findings.show(found, result.documents, arguments.format, most=findings.MOST_OF_A_CODE)
    if arguments.format == "people":
        _draw(result, is_diff=arguments.diff)
    if arguments.check and result.is_stale:
        if arguments.format == "github":
            settings = project.shown(project.settings)
            _annotate(result.plan, {project.model_of(path): project.shown(path) for path in specs})
            _annotate(result.workflows, {conventions.WORKFLOWS_FOLDER: settings})
        return _refuse_stale(result)
    if has_errors(committed):
        return ExitCode.STALE if arguments.check else ExitCode.FAILED
    return ExitCode.FAILED if result.has_failed else ExitCode.DONE


def _draw(result: Generated, *, is_diff: bool) -> None:
    """What changes, or changed, in an outline; nothing where specs are wrong and none was to change."""
    plan = result.plan
    if plan is None or (result.has_failed and not plan.changes):
        return
    drawn = outline.drawn(
        plan,
        result.workflows,
        is_written=result.is_written,
        with_diff=is_diff,
        settled=result.unchanged_files,
    )
    sys.stdout.write(drawn)


def _refuse_stale(result: Generated) -> int:
    is_beside = result.plan is not None and not result.plan.is_stale
    shown = "what GitHub reads is not what the settings compile to" if is_beside else _STALE
    terminal.error(shown, "run `aimass compile` and commit the result")
    return ExitCode.STALE


def _committed(project: Project, specs: Sequence[Path]) -> list[Finding]:
    """What is wrong with what DVC ran, and with the data that it ran with; nothing where it never did."""
    if not has_run(str(project.root)):
        return []
    from aimass_compiler.impact.consistency import conflicts, disagreements

    models = sorted(map(project.model_of, specs))
    return [*conflicts(project.root, models), *disagreements(project.root, models)]


def _annotate(plan: Plan | None, specs: Mapping[str, str]) -> None:
    """What is stale, where a pull request shows it; what stands against writing was shown before."""
    from aimass_compiler.cli.views import github
    from aimass_compiler.diagnostics import has_errors

    if plan is not None and not has_errors(plan.findings):
        sys.stdout.write(github.stale(plan, specs))
