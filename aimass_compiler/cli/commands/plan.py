"""Show what compiling would change, why, and what comes of it.

Compares what the specs compile to with generated/ and writes nothing. For each model it tells in the
words of the spec what changes, which stages run again and why, what its callers notice, what it is
estimated to cost, and which files differ.

With --against it compares with somewhere else: a git revision, such as the branch that a pull request
is for (`origin/main...` is where this branch left it), or another folder. Nothing of it is run. Where
the revision holds no generated files, its specs are compiled instead.

With --detailed-exitcode, as Terraform has it: 0 nothing changes, 2 something does, 1 it failed.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from aimass_compiler import conventions
from aimass_compiler.cli import terminal
from aimass_compiler.cli.choosing import Unknown, add_root, project_of, specs_of
from aimass_compiler.cli.starting_point import starting_point
from aimass_compiler.cli.views import changes, findings
from aimass_compiler.conventions import ExitCode

if TYPE_CHECKING:
    from aimass_compiler.effects.told import Effects
    from aimass_compiler.plan import Files, Plan
    from aimass_compiler.project import Project

PLACE = 6
#: Of --detailed-exitcode alone: what a program of ours exits with otherwise is an ExitCode.
CHANGES = 2
EXAMPLES = """
  aimass plan                        what would change for every spec
  aimass plan churn --diff           line by line
  aimass plan --against origin/main...
                                     what this branch changes
  aimass plan --against origin/main... --fail-on breaking
                                     fail when callers of a model would notice
  aimass plan --against HEAD^1 --format markdown
                                     for a comment below a pull request
  aimass plan --against ../before    what differs from another checkout
"""


def declare(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.add_argument(
        "specs", nargs="*", metavar="SPEC", help="a spec's name or path (default: all of specs/)"
    )
    parser.add_argument(
        "--against",
        metavar="REVISION",
        help="compare with generated/ at a git revision, or in another folder (default: as it is on disk)",
    )
    parser.add_argument("--diff", action="store_true", help="show the changes line by line")
    parser.add_argument(
        "--format", choices=("people", "json", "markdown"), default="people", help="how it is shown"
    )
    parser.add_argument(
        "--detailed-exitcode",
        action="store_true",
        help="exit 0 when nothing changes, 2 when something does, 1 when it failed",
    )
    parser.add_argument(
        "--fail-on",
        choices=("breaking", "possibly-breaking"),
        metavar="SEVERITY",
        help="exit 4 when a change of what callers rely on is `breaking`, or at least `possibly-breaking`",
    )
    parser.add_argument(
        "--allow-breaking",
        action="append",
        default=[],
        metavar="RULE",
        help="let --fail-on pass over this rule, or over it for one model (MODEL:RULE); may be repeated",
    )
    add_root(parser)


def run(arguments: argparse.Namespace) -> int:
    """Plan; answers an ExitCode, or as --detailed-exitcode says."""
    from aimass_compiler.cluster import git
    from aimass_compiler.compile import compile_specs
    from aimass_compiler.diagnostics import has_errors
    from aimass_compiler.effects.complete import effects
    from aimass_compiler.effects.consistency import conflicts, data_disagreements
    from aimass_compiler.spec import naming
    from aimass_compiler.spec.settings_file import read_settings

    project = project_of(arguments)
    allowed = _allowed(arguments.allow_breaking)
    compiled = compile_specs(project, specs_of(project, arguments.specs))
    unread = [] if arguments.specs else [*naming.unread(project.strays())]
    if unread or has_errors(compiled.findings):
        findings.show([*compiled.findings, *unread], compiled.documents, "people")
        return ExitCode.FAILED
    plan = _plan(arguments, project, compiled.files)
    merged = [] if arguments.against else [*conflicts(project.root, compiled.pipelines)]
    beside = [] if arguments.against else [*data_disagreements(project.root, compiled.pipelines)]
    findings.show([*compiled.findings, *plan.findings, *merged, *beside], compiled.documents, "people")
    found = effects(
        plan,
        root=project.root,
        documents=compiled.documents,
        prices=read_settings(project.settings, conventions.SETTINGS_FILE)[0].prices,
        against=arguments.against,
        allowed=allowed,
        has_address=bool(git.source(project.root)),
    )
    sys.stdout.write(_shown(found, arguments))
    return ExitCode.FAILED if has_errors([*plan.findings, *merged]) else _code(found, arguments)


def _shown(found: Effects, arguments: argparse.Namespace) -> str:
    if arguments.format == "json":
        from aimass_compiler.cli.views.plan_json import as_json

        return as_json(found)
    if arguments.format == "markdown":
        from aimass_compiler.cli.views.plan_markdown import as_markdown

        return as_markdown(found, with_diff=arguments.diff)
    is_coloured = terminal.is_coloured(sys.stdout)
    return changes.explained(found, with_diff=arguments.diff, is_coloured=is_coloured)


def _allowed(written: list[str]) -> frozenset[str]:
    """The rules that may be broken. Raises Unknown for one that there is not."""
    from aimass_compiler.diagnostics import did_you_mean
    from aimass_compiler.effects.rules import RULES

    for name in written:
        rule = name.rpartition(":")[2]
        if rule not in RULES:
            raise Unknown(f"there is no rule `{rule}`", did_you_mean(rule, RULES))
    return frozenset(written)


def _code(found: Effects, arguments: argparse.Namespace) -> int:
    from aimass_compiler.effects.told import Severity

    if arguments.fail_on:
        gated = {Severity.BREAKING, Severity(arguments.fail_on)}
        stopped = [
            breach for _, breach in found.breaches if breach.severity in gated and not breach.is_allowed
        ]
        if stopped:
            count = f"{len(stopped)} change{'s break' if len(stopped) > 1 else ' breaks'}"
            rules = sorted({breach.rule for breach in stopped})
            terminal.complain(
                f"{count} what callers rely on: {', '.join(rules)}", "`--allow-breaking RULE` accepts a rule"
            )
            return ExitCode.BREAKING
    return CHANGES if arguments.detailed_exitcode and found.plan.is_stale else ExitCode.DONE


def _plan(arguments: argparse.Namespace, project: Project, files: Files) -> Plan:
    """The plan from generated/ on disk, or from elsewhere, where an edit by hand is nothing to protect."""
    from aimass_compiler.plan import compare, snapshot

    prune_models = not arguments.specs
    if arguments.against is None:
        return compare(files, snapshot(project.generated, files), prune_models=prune_models)
    seen = starting_point(project, arguments.against, files)
    return compare(files, seen, prune_models=prune_models, force=True)
