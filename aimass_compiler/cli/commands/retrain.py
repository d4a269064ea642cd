"""Train a model again where there is a reason, and say whether the candidate is better.

Looks for the reasons that `monitoring.retrain` names: the time of the schedule, new rows, drift and lost
quality, of which Prometheus knows. Where there is one, and neither cooldown nor budget is against it, the
model is trained on the newest rows, held against its gates, and compared with what is released on the same
rows, metric by metric and slice by slice. What is better is published and proposed for the first environment,
in one pull request a model, with what moved and why. What failed is written down with the evidence; after
`attempts` of them in a row, an issue asks people, and nothing more is tried until one of them acts.
"""

from __future__ import annotations

import argparse
import os
import time
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from aimass_compiler.cli import terminal
from aimass_compiler.cli.selection import UnknownName, add_root, add_spec, project_of
from aimass_compiler.cli.write import brought_up_to_date
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.stages import COMPARE, artifacts

if TYPE_CHECKING:
    from aimass_compiler.pipeline import Pipeline
    from aimass_compiler.project import Project
    from aimass_compiler.releases.candidate_ledger import Outcome
    from aimass_compiler.retraining.causes import CausesFound

EXIT_CODES = (ExitCode.STALE, ExitCode.DATA, ExitCode.TRAINING, ExitCode.GATE, ExitCode.SERVICE)
EXAMPLES = """
  aimass retrain churn --check          is there a reason, and is anything against it?
  aimass retrain churn                  train, compare, and say what is to be done
  aimass retrain churn --pull-request   and propose it, if it is better
  aimass retrain churn --now --cause "the price list changed"
  aimass retrain churn --resume         after candidates that failed: go on
"""


def declare(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    add_spec(parser)
    parser.add_argument("--check", action="store_true", help="say whether it is due, and train nothing")
    parser.add_argument("--now", action="store_true", help="train whatever is against it")
    parser.add_argument("--cause", action="append", metavar="TEXT", help="a reason that no one else knows")
    parser.add_argument(
        "--resume", action="store_true", help="a person looked at the candidates that failed: go on"
    )
    parser.add_argument(
        "--prometheus", metavar="URL", help="where alerts are asked for (default: aimass.yaml)"
    )
    parser.add_argument(
        "--pull-request",
        action="store_true",
        help="publish what is better, and open or update its pull request",
    )
    add_root(parser)


def run(arguments: argparse.Namespace) -> int:
    """Look, and train where it is due; answers an ExitCode."""
    from aimass_compiler.releases.candidate_ledger import LedgerFailed
    from aimass_compiler.releases.version_record import DamagedRecord

    project = project_of(arguments)
    pipeline = brought_up_to_date(project, arguments.model)
    if pipeline is None:
        return ExitCode.FAILED
    try:
        return _retrained(arguments, project, pipeline)
    except (LedgerFailed, DamagedRecord) as error:
        terminal.error(str(error))
        return ExitCode.FAILED


def _retrained(arguments: argparse.Namespace, project: Project, pipeline: Pipeline) -> int:
    from msgspec.structs import replace

    from aimass_compiler.releases import candidate_ledger
    from aimass_compiler.retraining.attempt import attempt
    from aimass_compiler.retraining.causes import FoundCause
    from aimass_compiler.retraining.decision import due

    if arguments.resume:
        candidate_ledger.append(project.root, pipeline.path, attempt(pipeline, "resumed"))
        print(f"{pipeline.path}: what failed before counts no more")
    found, decision = due(project.root, pipeline, arguments.prometheus, arguments.cause or ())
    for problem in found.unknown:
        terminal.report(f"note: {problem}")
    is_due = decision.is_due or arguments.now
    print(f"{pipeline.path}: {'due' if is_due else 'not due'}: {decision.text}")
    if decision.needs_person and not is_due:
        print(f"  `aimass retrain {pipeline.path} --resume` goes on, and so does another recipe")
    if arguments.now and not found.causes:
        found = replace(found, causes=(FoundCause("person", "it was asked for"),))
    if not is_due or arguments.check:
        return ExitCode.STALE if is_due else ExitCode.DONE
    return _candidate(arguments, project, pipeline, found)


def _candidate(
    arguments: argparse.Namespace, project: Project, pipeline: Pipeline, found: CausesFound
) -> int:
    """Train it, judge it, and write down what came of it."""
    from aimass_compiler.releases import candidate_ledger
    from aimass_compiler.retraining import judgement
    from aimass_compiler.retraining.attempt import attempt

    root, model = project.root, pipeline.path
    started = time.monotonic()
    status = _trained(project, pipeline)
    seconds = time.monotonic() - started
    is_published = status == ExitCode.DONE and judgement.is_newest_version(root, model)
    if is_published and not candidate_ledger.is_unpublished(root, model):
        candidate_ledger.append(root, model, attempt(pipeline, "same", found, seconds))
        print(f"{model}: nothing new to learn from: rows and recipe are those of the newest version")
        return ExitCode.DONE
    known = _judged(project, pipeline, found, status)
    evidence = [f"{each['kind']}: {each['evidence']}" for each in known["diagnosis"]]
    for line in evidence:
        print(f"  {line}")
    outcome, reason, status = _concluded(
        arguments, project, pipeline, judgement.failure(known, status), status
    )
    tried = attempt(pipeline, outcome, found, seconds, reason=reason, evidence=evidence)
    candidate_ledger.append(root, model, tried)
    if status:
        _ask_people(project, pipeline, known)
    return status


def _judged(project: Project, pipeline: Pipeline, found: CausesFound, status: int) -> dict[str, Any]:
    """Compare a candidate whose run ended so, on the newest rows and on requests; all that is known of it."""
    from aimass_compiler.programs.program import run_stage
    from aimass_compiler.retraining import judgement
    from aimass_compiler.retraining.shadow import compare_on_requests

    if status in (ExitCode.DONE, ExitCode.GATE):
        run_stage(COMPARE.name, pipeline.path, project.root)
    if status == ExitCode.DONE and compare_on_requests(project, pipeline):
        terminal.report("note: it is not compared on recorded requests")
    return judgement.judged(project.root, pipeline.path, [each.text for each in found.causes], status)


def _concluded(
    arguments: argparse.Namespace, project: Project, pipeline: Pipeline, failure: str, status: int
) -> tuple[Outcome, str, int]:
    """Propose it, unless it failed; what came of it, why it was not proposed, and the exit code."""
    if failure:
        print(f"{pipeline.path}: the candidate failed: {failure}")
        return "failed", failure, status or ExitCode.GATE
    print(f"{pipeline.path}: the candidate is to be proposed: {artifacts.CANDIDATE} says why")
    if arguments.pull_request and (code := _proposed(project, pipeline)):
        return "unpublished", "it could not be published or proposed", code
    return "passed", "", ExitCode.DONE


def _trained(project: Project, pipeline: Pipeline) -> int:
    """Run its stages as `aimass run` does; the exit code."""
    from aimass_compiler.cli.commands.run import RunOptions, run_stages

    return run_stages(project, pipeline, RunOptions(needs_released=True))


def _ask_people(project: Project, pipeline: Pipeline, known: dict[str, Any]) -> None:
    """Keep an issue once as many candidates failed as may; it stands for all of them."""
    from aimass_compiler.cli.views.candidate import as_markdown
    from aimass_compiler.pipeline.monitoring import USUAL_ATTEMPTS
    from aimass_compiler.programs.github_api import GithubApi, GithubRefuses
    from aimass_compiler.programs.github_notes import keep_candidate_issue
    from aimass_compiler.releases import candidate_ledger
    from aimass_compiler.retraining.decision import failures, recipe_digest, retrain_of

    attempts = candidate_ledger.read(project.root, pipeline.path)
    failed = failures(attempts, recipe_digest(pipeline))
    most = retrain_of(pipeline).attempts or USUAL_ATTEMPTS
    if len(failed) < most:
        print(f"  {len(failed)} of {most} candidates failed; then people are asked")
        return
    print(f"  {len(failed)} candidates failed, and no further one is trained until a person acts")
    if not os.environ.get("GITHUB_REPOSITORY"):
        return
    listed = [
        f"- {each.time}: {each.reason}" + (f" ([run]({each.run}))" if each.run else "") for each in failed
    ]
    text = "\n".join([*listed, "", as_markdown(known)])
    try:
        print(keep_candidate_issue(GithubApi.from_environment(), pipeline.path, len(failed), text))
    except GithubRefuses as refused:
        terminal.report(f"::notice title=No issue::{refused}")


def _proposed(project: Project, pipeline: Pipeline) -> int:
    """Publish the candidate and propose it for the first environment; answers an ExitCode."""
    from aimass_compiler.cli.commands.promote import PromoteOptions, promote
    from aimass_compiler.cli.commands.publish import publish_package

    first = next(iter(pipeline.environments))
    options = PromoteOptions(environment=first, pull_request=True, or_record=True, candidate=True)
    try:
        publish_package(project, pipeline, {}, nullcontext())
        return promote(project, pipeline.path, options)
    except UnknownName as failed:  # which would end the command before its outcome is on record
        terminal.error(str(failed), failed.help)
        return failed.exit_code
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
