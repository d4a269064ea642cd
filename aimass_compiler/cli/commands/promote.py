"""Release a version of a model in an environment.

Takes the version of the environment before, in the order of aimass.yaml; for the first environment the
newest that was not rejected. Shows where it comes from, how its metrics, its contract and its images differ
from what is released, and what that does to the servers. Then it writes
releases/ENV/MODEL/kustomization.yaml, which takes effect once it is committed and applied.

It refuses, with every reason at once: a gate or the test as a server was missed; the version was rejected;
the environment is held; it has not been in the environment before for as long as `soak` says; callers would
notice a change that accepts/MODEL.yaml does not accept; the registry lacks an image, or the signature that
`signature` asks for is missing; a document beside its images (bill of materials, signature of the package,
statement of provenance) is not the one on record, or `requires` asks for one that it lacks.
"""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from msgspec import Struct

from aimass_compiler import conventions
from aimass_compiler.cli import release_changes as changes
from aimass_compiler.cli import terminal
from aimass_compiler.cli.selection import add_format, add_root, project_of
from aimass_compiler.cli.views.cells import safe
from aimass_compiler.exit_codes import ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aimass_compiler.cli.views.promotion import ChangeMade, ShownPromotion
    from aimass_compiler.delivery.promotion import ContractBreak, Objection, PromotionCase
    from aimass_compiler.delivery.proposal import RepositoryChange
    from aimass_compiler.impact.contract import Breach
    from aimass_compiler.pipeline.settings import Settings
    from aimass_compiler.project import Project
    from aimass_compiler.render.facts import Contract

EXIT_CODES = (ExitCode.DISK, ExitCode.NOT_PROMOTABLE, ExitCode.REGISTRY)
EXAMPLES = """
  aimass promote churn --to dev             the newest version
  aimass promote churn --to prod            what is in the environment before prod
  aimass promote churn --to prod --dry-run  what that would mean, and whether anything is against it
  aimass promote churn --to prod --version v17 --pull-request
                                            a version by its number, as a pull request
  aimass promote churn --to prod --finish-canary
                                            the canary takes over from the version that serves beside it
"""


def declare(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    changes.add_model(parser)
    changes.add_environment(parser, "--to")
    parser.add_argument(
        "--version",
        default="",
        metavar="VERSION",
        help="its name or number, such as v17 (default: that of the environment before)",
    )
    parser.add_argument(
        "--finish-canary", action="store_true", help="let the version that is a canary there take over"
    )
    parser.add_argument("--dry-run", action="store_true", help="show it, and change nothing")
    changes.add_pull_request(parser)
    parser.add_argument(
        "--or-record",
        action="store_true",
        help="with --pull-request: propose the version's record alone where it may not be released",
    )
    parser.add_argument(
        "--candidate",
        action="store_true",
        help="with --pull-request: what `aimass retrain` made, in one pull request of the model's candidates",
    )
    changes.add_offline(parser)
    add_format(parser)
    add_root(parser)


class PromoteOptions(Struct, frozen=True, kw_only=True):
    """How a version is promoted: what the arguments of the same names say."""

    environment: str
    version: str = ""
    finish_canary: bool = False
    dry_run: bool = False
    pull_request: bool = False
    or_record: bool = False
    candidate: bool = False
    offline: bool = False
    format: str = "people"


def run(arguments: argparse.Namespace) -> int:
    """Promote; answers an ExitCode."""
    options = {name: getattr(arguments, name) for name in PromoteOptions.__struct_fields__}
    return promote(project_of(arguments), arguments.model, PromoteOptions(**options))


def promote(project: Project, model: str, options: PromoteOptions) -> int:
    """Promote a version of a model; answers an ExitCode. Raises UnknownName."""
    model = changes.known_model(project, model)
    settings = changes.sound_settings(project)
    changes.known_environment(settings, options.environment)
    return changes.guarded(lambda: _promoted(options, project, settings, model))


def _promoted(options: PromoteOptions, project: Project, settings: Settings, model: str) -> int:
    from aimass_compiler.cli.views import promotion as views
    from aimass_compiler.delivery import promotion
    from aimass_compiler.delivery.candidate import case_of, chosen_version, running_version

    root, environment = project.root, options.environment
    if options.finish_canary:
        record = running_version(root, model, environment)
    else:
        record = chosen_version(root, settings, model, environment, options.version)
    case = case_of(root, settings, record, environment, datetime.now(UTC), _breaks)
    if options.finish_canary and case.released is not None:
        after, found = promotion.finished(case.released), [*promotion.objections_to_finish(case)]
    else:
        after = promotion.promoted(case)
        found = [*promotion.objections(case), *_evidence(options, project, settings, case)]
        found += _waivers(project, model, case)
    shown = views.ShownPromotion(case, after, tuple(_breaches(case)), tuple(found))
    if options.format != "json":
        sys.stdout.write(views.drawn(shown, options.format))
    code, done = _concluded(options, project, shown)
    if options.format == "json":
        sys.stdout.write(views.as_json(shown, done))
    return code


def _concluded(
    options: PromoteOptions, project: Project, shown: ShownPromotion
) -> tuple[int, ChangeMade | None]:
    """Refuse, or write what was promoted; answers an ExitCode, and what was changed."""
    case, after = shown.case, shown.after
    if shown.objections:
        _report(case, shown.objections)
        change = _record_change(project, shown)
        if change is None or not (options.or_record and options.pull_request):
            return ExitCode.NOT_PROMOTABLE, None
        return _made(options, project, change)
    if after == case.released:
        what = f"`{case.record.name}` is what is released in {case.environment}"
        terminal.report(f"{what}: there is nothing to change")
        return ExitCode.DONE, None
    if case.record.server_image is None:
        file = conventions.SETTINGS_FILE
        terminal.report(
            f"note: no cluster can run it until {file} sets `images.registry` and it is published there"
        )
    return _written(options, project, shown)


def _written(options: PromoteOptions, project: Project, shown: ShownPromotion) -> tuple[int, ChangeMade]:
    from msgspec.structs import replace

    from aimass_compiler.cli.views import promotion as views
    from aimass_compiler.delivery.release_change import change_of
    from aimass_compiler.programs import git
    from aimass_compiler.releases.version_record import file_of, short_name

    after = shown.after
    act = "finish the canary of" if options.finish_canary else "release"
    title = f"{after.environment}: {act} {after.model} {short_name(after.version)}"
    topic = f"promote-{after.model}-{after.environment}-{after.version}"
    # The record that `aimass publish` has just written belongs to the release, and no commit has it yet.
    record = file_of(project.root, after.model, after.version)
    path = record.relative_to(project.root).as_posix()
    is_beside = record.is_file() and (options.pull_request or not git.are_committed([path], project.root))
    beside = {path: record.read_bytes()} if is_beside else {}
    body = views.as_markdown(shown)
    if options.candidate:
        topic, body = f"candidate-{after.model}", f"{_about_candidate(project, after.model)}\n{body}"
    change = change_of(project.root, [after], topic=topic, title=title, body=body, beside=beside)
    change = replace(change, stays=options.candidate)
    return _made(options, project, change)


def _about_candidate(project: Project, model: str) -> str:
    """What `aimass retrain` left of a candidate: why it was trained, what moved, and how it compares."""
    import json

    from aimass_compiler.cli.views.candidate import as_markdown
    from aimass_compiler.stages import artifacts

    path = project.root / conventions.ARTIFACTS_FOLDER / model / artifacts.CANDIDATE
    try:
        return as_markdown(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, LookupError, TypeError):
        return f"`{path.relative_to(project.root)}` is not there, so it is not known why it was trained.\n"


def _record_change(project: Project, shown: ShownPromotion) -> RepositoryChange | None:
    """The change that keeps a version, released nowhere; None where a commit has its record."""
    from aimass_compiler.cli.views import promotion as views
    from aimass_compiler.delivery.proposal import RepositoryChange
    from aimass_compiler.programs import git
    from aimass_compiler.releases.version_record import file_of, short_name

    record = shown.case.record
    file = file_of(project.root, record.model, record.name)
    path = file.relative_to(project.root).as_posix()
    if git.are_committed([path], project.root):
        return None
    return RepositoryChange(
        topic=f"record-{record.model}-{record.name}",
        title=f"{record.model}: record {short_name(record.name)}",
        body=views.as_markdown(shown),
        files={path: file.read_bytes()},
    )


def _made(options: PromoteOptions, project: Project, change: RepositoryChange) -> tuple[int, ChangeMade]:
    """Make a change, unless it is only shown."""
    from aimass_compiler.cli.views import promotion as views

    if options.dry_run:
        return ExitCode.DONE, views.ChangeMade(change)
    report = print if options.format == "people" else terminal.report
    merges = options.candidate and _may_merge(project, options.environment)
    done = changes.carry_out(project, change, pull_request=options.pull_request, merges=merges, report=report)
    return done.exit_code, views.ChangeMade(change, done.branch, done.url, is_made=True)


def _may_merge(project: Project, environment: str) -> bool:
    """Whether candidates are merged there once their checks have passed."""
    return changes.sound_settings(project).environments[environment].candidates == "merge"


def _evidence(
    options: PromoteOptions, project: Project, settings: Settings, case: PromotionCase
) -> Iterator[Objection]:
    """What the registry and signatures say against it."""
    from aimass_compiler.delivery import image_evidence, version_evidence
    from aimass_compiler.delivery.promotion import Objection

    images, wanted = case.served.images(case.record), case.settings
    if not options.offline:
        yield from image_evidence.missing(images, settings)
        yield from image_evidence.unsigned(images, wanted.signature, project.root)
        yield from version_evidence.objections(project.root, case.record, wanted, settings.images.registry)
    elif wanted.signature is not None:
        text = f"{case.environment} wants a signature, which cannot be verified offline"
        yield Objection("signature", text, "leave out `--offline`")
    elif wanted.requires:
        text = f"{case.environment} requires {', '.join(wanted.requires)}, which cannot be verified offline"
        yield Objection("evidence", text, "leave out `--offline`")


def _waivers(project: Project, model: str, case: PromotionCase) -> Iterator[Objection]:
    """Waivers of policies that let the model be in the environment, and have ended."""
    from aimass_compiler.delivery.promotion import Objection
    from aimass_compiler.spec.decode.organisation_files import read_organisation

    policies = read_organisation(project)[0].policies
    for name, _, waiver in policies.ended(case.now.date()):
        if waiver.holds(model, case.environment):
            text = f"the waiver from policy `{name}` ended on {waiver.until}: {waiver.reason}"
            file = conventions.POLICY_WAIVERS_FILE.format(policy=name)
            yield Objection("waiver", text, f"keep the policy, or let its approvers prolong it in `{file}`")


def _breaks(old: Contract, new: Contract) -> Iterator[ContractBreak]:
    from aimass_compiler.delivery.promotion import ContractBreak
    from aimass_compiler.impact.contract import Compatibility, of_contracts

    for each in of_contracts(old, new):
        if each.severity is Compatibility.BREAKING:
            yield ContractBreak(each.name, each.text)


def _breaches(case: PromotionCase) -> list[Breach]:
    """Every change that callers may notice, also of those that break nothing."""
    from aimass_compiler.impact.contract import of_contracts

    known = case.released_record
    return [*of_contracts(known.contract, case.record.contract)] if known else []


def _report(case: PromotionCase, found: Sequence[Objection]) -> None:
    record = case.record
    many = "reason" if len(found) == 1 else "reasons"
    terminal.error(
        f"`{record.name}` of `{record.model}` may not go to {case.environment}, for {len(found)} {many}:"
    )
    for each in found:
        terminal.report(safe(f"- {each.text}"))
        if each.help:
            terminal.report(safe(f"  help: {each.help}"))
