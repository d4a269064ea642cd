"""Show what compiling would change, why, and what comes of it.

Compares what the specs compile to with generated/ and writes nothing. For each model it reports in
the words of the spec what changes, which stages run again and why, what its callers notice, what it is
estimated to cost, and which files differ.

With --against it compares with somewhere else: a git revision, such as the branch that a pull request
is for (`origin/main...` is where this branch left it), or another folder. Nothing of it is run. Where
the revision holds no generated files, its specs are compiled instead. It then also says what differs in
releases/: which version goes where, with its metrics and contract beside those of the one before.

A change of a recipe reaches callers with the version that comes of it. So --fail-on counts what breaks
them when this is merged and applied: releases, and addresses and limits where the model is released. What
a recipe would break later is shown beside it. `accepts/MODEL.yaml` accepts single breaks.

With --detailed-exitcode, as Terraform has it: 0 nothing changes, 2 something does, 1 it failed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from aimass_compiler import conventions
from aimass_compiler.cli import terminal
from aimass_compiler.cli.selection import UnknownName, add_format, add_root, project_of, specs_of
from aimass_compiler.cli.settled_specs import SettledSpecs, settled_specs
from aimass_compiler.cli.views import findings
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.model_path import owner_of
from aimass_compiler.project import Project

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from aimass_compiler.impact.effects import Effects
    from aimass_compiler.impact.release_changes import GitReleases
    from aimass_compiler.plan import Files, Plan, Snapshot
    from aimass_compiler.spec.yaml.document import Document

#: Of --detailed-exitcode alone: what a program of ours exits with otherwise is an ExitCode.
CHANGES = 2
#: More models than these are not looked at one by one.
_MOST_LOOKED_AT = 100
_SPECS = (conventions.SPECS_FOLDER, conventions.SETTINGS_FILE, *conventions.ORGANISATION_FOLDERS)
EXIT_CODES = (ExitCode.BREAKING,)
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
    add_format(parser)
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
    from aimass_compiler.checks import model_names
    from aimass_compiler.compile import compile_specs
    from aimass_compiler.compile_cache import open_cache
    from aimass_compiler.diagnostics import has_errors
    from aimass_compiler.generate.fleet_files import rendered
    from aimass_compiler.impact.consistency import conflicts, data_disagreements
    from aimass_compiler.releases import record_check
    from aimass_compiler.spec.yaml.documents import Documents

    project = project_of(arguments)
    _allowed(arguments.allow_breaking)  # reports a rule that there is not before anything is compiled
    cache = open_cache(str(project.root))
    specs = specs_of(project, arguments.specs)
    settled = settled_specs(project, specs, cache, arguments.against)
    compiled = compile_specs(project, settled.others, cache=cache)
    unread = [] if arguments.specs else [*model_names.unread(project.strays())]
    if unread or has_errors(compiled.findings):
        findings.show([*compiled.findings, *unread], compiled.documents, "people")
        return ExitCode.FAILED
    once, beside_models = ({}, []) if arguments.specs else rendered(project, compiled)
    if has_errors(beside_models):
        findings.show([*compiled.findings, *beside_models], compiled.documents, "people")
        return ExitCode.FAILED
    plan = _plan(arguments, project, {**compiled.files, **once}, settled)
    looked_at = [*compiled.pipelines, *sorted(settled.models)[:_MOST_LOOKED_AT]]
    merged = [] if arguments.against else [*conflicts(project.root, looked_at)]
    beside = [] if arguments.against else [*data_disagreements(project.root, looked_at)]
    beside += [] if arguments.specs else record_check.findings(project.root)
    findings.show(
        [*settled.findings, *compiled.findings, *beside_models, *plan.findings, *merged, *beside],
        Documents(compiled.documents, {project.shown(path): path for path in specs}),
        "people",
        most=findings.MOST_OF_A_CODE,
    )
    found = _effects(arguments, project, plan, compiled.documents, settled)
    sys.stdout.write(_shown(found, arguments))
    return ExitCode.FAILED if has_errors([*plan.findings, *merged]) else _code(found, arguments)


def _effects(
    arguments: argparse.Namespace,
    project: Project,
    plan: Plan,
    documents: Mapping[str, Document],
    settled: SettledSpecs,
) -> Effects:
    from aimass_compiler.impact.effects import effects
    from aimass_compiler.impact.models import SettledModels
    from aimass_compiler.impact.reach import Reach
    from aimass_compiler.programs import git
    from aimass_compiler.spec.decode.settings_file import read_settings

    names = {owner_of(path, plan.of_teams) for path in plan.files} | settled.models.keys()
    before, after = _releases(project, arguments, names)
    unchanged = SettledModels(project.generated, settled.models)
    is_known = bool(git.source(project.root))
    found = effects(
        plan,
        root=project.root,
        documents=documents,
        prices=read_settings(project.settings, conventions.SETTINGS_FILE)[0].prices,
        against=arguments.against,
        allowed=_allowed(arguments.allow_breaking),
        reach=Reach(plan.files, before, after, is_known=is_known, settled=unchanged),
    )
    return replace(found, settled_files=settled.files)


def _releases(
    project: Project, arguments: argparse.Namespace, models: Iterable[str]
) -> tuple[GitReleases, GitReleases]:
    """What is released before and now; of named specs those of their models alone."""
    from aimass_compiler.impact.release_changes import releases_in, releases_on_disk
    from aimass_compiler.programs import git

    before = after = releases_on_disk(project.root)
    if arguments.against is not None:
        try:
            before = releases_in(git.files_at(arguments.against, project.root, [conventions.RELEASES_FOLDER]))
        except git.GitError:
            before = releases_on_disk(Path(arguments.against))
    if arguments.specs:
        names = set(models)
        before, after = before.of_models(names), after.of_models(names)
    return before, after


def _shown(found: Effects, arguments: argparse.Namespace) -> str:
    from aimass_compiler.cli.views import plan as plans
    from aimass_compiler.cli.views import plan_document

    if arguments.format == "json":
        return plan_document.as_json(found)
    if arguments.format == "markdown":
        return plans.as_markdown(found, with_diff=arguments.diff)
    return plans.as_text(found, terminal.paint_on(sys.stdout), with_diff=arguments.diff)


def _allowed(written: list[str]) -> frozenset[str]:
    """The rules that may be broken. Raises Unknown for one that there is not."""
    from aimass_compiler.diagnostics import did_you_mean
    from aimass_compiler.impact.contract import RULES

    for name in written:
        rule = name.rpartition(":")[2]
        if rule not in RULES:
            raise UnknownName(f"there is no rule `{rule}`", did_you_mean(rule, RULES))
    return frozenset(written)


def _code(found: Effects, arguments: argparse.Namespace) -> int:
    from aimass_compiler.impact.contract import Compatibility

    if arguments.fail_on:
        gated = {Compatibility.BREAKING, Compatibility(arguments.fail_on)}
        stopped = [
            breach for _, breach in found.breaches if breach.severity in gated and not breach.is_allowed
        ]
        if stopped:
            count = f"{len(stopped)} change{'s break' if len(stopped) > 1 else ' breaks'}"
            rules = sorted({breach.rule for breach in stopped})
            (model, first) = next((model, each) for model, each in found.breaches if each is stopped[0])
            file = f"{conventions.ACCEPTS_FOLDER}/{model}.yaml"
            hint = f"an entry in {file} accepts one, by name and with a reason: `break: {first.name}`"
            terminal.error(f"{count} what callers rely on: {', '.join(rules)}", hint)
            return ExitCode.BREAKING
    is_other = found.plan.is_stale or found.releases
    return CHANGES if arguments.detailed_exitcode and is_other else ExitCode.DONE


def _plan(arguments: argparse.Namespace, project: Project, files: Files, settled: SettledSpecs) -> Plan:
    """The plan from generated/ on disk, or from elsewhere, where an edit by hand is nothing to protect."""
    from aimass_compiler.plan import compare, snapshot

    prune_models = not arguments.specs
    if arguments.against is None:
        seen = snapshot(project.generated, files, settled=settled.models)
        return compare(files, seen, prune_models=prune_models)
    seen = _snapshot_at(project, arguments.against, files, settled)
    return compare(files, seen, prune_models=prune_models, force=True)


def _snapshot_at(
    project: Project, against: str, produced: Collection[str], settled: SettledSpecs
) -> Snapshot:
    """What is compared with: a revision, or where git knows none of this name, a folder.

    The folder is a project or its generated/. Where a revision keeps no generated files, its specs are
    compiled; nothing of it is ever run. Raises UnknownName where there is neither, and where the list of
    what the compiler wrote there cannot be read, without which deletions would go unseen.
    """
    from aimass_compiler.plan import snapshot, snapshot_of
    from aimass_compiler.programs import git

    try:
        looked_at = _looked_at(produced, settled)
        found = git.files_at(against, project.root, looked_at) if looked_at else {}
        files = {path: each for path, each in _below_generated(found).items() if not settled.has(path)}
        if not settled.models and not any(path.endswith(f"/{conventions.INVENTORY_FILE}") for path in files):
            files = _compiled_files(against, git.files_at(against, project.root, _SPECS))
        seen = snapshot_of(files, produced)
    except git.GitError as error:
        folder = Path(against)
        if not against or not folder.is_dir():
            raise UnknownName(f"{error}, and there is no folder `{against}`", error.help) from None
        inner = folder / conventions.GENERATED_FOLDER
        seen = snapshot(inner if inner.is_dir() else folder, produced)
    for name, inventory in seen.inventories.items():
        if isinstance(inventory, str):
            path = f"{conventions.GENERATED_FOLDER}/{name}/{conventions.INVENTORY_FILE}"
            raise UnknownName(f"`{path}` of `{against}` cannot be read: {inventory}")
    return replace(seen, obstacles={})


def _looked_at(produced: Collection[str], settled: SettledSpecs) -> list[str]:
    """What of generated/ at a revision is compared: all of it, or what is not settled."""
    from aimass_compiler.plan.names import folders_produced

    of_teams = folders_produced(produced)
    folders = {owner_of(path, of_teams) for path in produced} | settled.touched
    if not settled.models or len(folders) > _MOST_LOOKED_AT:
        return [conventions.GENERATED_FOLDER]
    return sorted(f"{conventions.GENERATED_FOLDER}/{folder}" for folder in folders if folder)


def _below_generated(files: Mapping[str, bytes]) -> dict[str, bytes]:
    return {path.removeprefix(f"{conventions.GENERATED_FOLDER}/"): content for path, content in files.items()}


def _compiled_files(against: str, files: Mapping[str, bytes]) -> dict[str, bytes]:
    """What the specs of a revision stand for, with what a compile of them would have listed.

    They lie in a folder of their own meanwhile, where no file of the working tree is taken for one of
    theirs. Raises UnknownName where they have errors.
    """
    from aimass_compiler.compile import compile_specs
    from aimass_compiler.diagnostics import has_errors
    from aimass_compiler.generate.fleet_files import rendered
    from aimass_compiler.plan import compare, snapshot_of

    with tempfile.TemporaryDirectory() as folder:
        project = Project(Path(folder).resolve())
        project.specs_folder.mkdir()
        for path, content in files.items():
            (project.root / path).parent.mkdir(parents=True, exist_ok=True)
            (project.root / path).write_bytes(content)
        found = compile_specs(project, project.specs())
        once, _ = rendered(project, found)
    if has_errors(found.findings):
        first = next(finding for finding in found.findings if finding.is_error)
        raise UnknownName(
            f"`{against}` has no generated files, and its specs do not compile: {first.message}",
            "commit generated/ there, or compare with a revision whose specs compile",
        )
    files = {**found.files, **once}
    return dict(compare(files, snapshot_of({}, files)).files)
