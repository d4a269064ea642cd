"""Do the parts of a workflow that are more than one command: what the compiled workflows call.

`aimass.yaml` with `ci: {github: …}` lets the compiler write .github/workflows/aimass-*.yml, whose steps
call these. They read what a step of GitHub Actions has in its environment: GH_TOKEN, GITHUB_REPOSITORY,
KUBECONFIG and others. Where an answer is for later steps, it is printed as NAME=VALUE lines.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from aimass_compiler import conventions
from aimass_compiler.cli import terminal
from aimass_compiler.cli.selection import add_root, model_called, project_of, specs_of
from aimass_compiler.exit_codes import ExitCode

if TYPE_CHECKING:
    from aimass_compiler.pipeline import Pipeline
    from aimass_compiler.programs.github_api import GithubApi
    from aimass_compiler.project import Project

EXAMPLES = """
  aimass ci due                              which models are to be trained, as batch-1=[…]
  aimass ci due --since HEAD~1               of those, the ones that this commit changed
  aimass ci due --watch                      those with a reason: drift, lost quality, new data, the clock
  aimass ci environments --since HEAD~1      which environments a commit is about
  aimass ci version churn                    the newest version's image and digest
  aimass ci attested churn bundle.json       record the attestation of that image
  aimass ci manifests build/manifests        build what is released, one file each
  aimass ci comment plan.md                  put a plan below the pull request PULL_REQUEST
  aimass ci issue prod 2 drift.md            keep an issue open as long as prod differs
  aimass ci log-in                           write KUBECONFIG for the job's identity
"""


_NO_REGISTRY = "::notice title=Nothing is trained::images.registry in aimass.yaml names no registry yet"


def declare(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    tasks = parser.add_subparsers(dest="task", required=True, metavar="TASK", help="one of these:")

    def task(name: str, summary: str, run: Callable[[argparse.Namespace], int]) -> argparse.ArgumentParser:
        found = tasks.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
        found.set_defaults(perform=run)
        add_root(found)
        return found

    due = task("due", "print which models are due for training, in batches for matrices", _due)
    due.add_argument("--model", metavar="MODEL", help="this model, whatever changed")
    due.add_argument("--since", metavar="COMMIT", help="only those whose recipe or data changed since")
    due.add_argument(
        "--watch", action="store_true", help="only those that have a reason of `monitoring.retrain`"
    )
    due.add_argument("--prometheus", metavar="URL", help="with --watch: where alerts are asked for")
    due.add_argument("--all", action="store_true", help="every model, whatever changed")
    places = task("environments", "print which environments a change is about", _environments)
    places.add_argument("--env", metavar="ENV", help="this environment, whatever changed")
    places.add_argument("--since", metavar="COMMIT", default="", help="what changed since (default: all)")
    version = task("version", "print name, image and digest of a model's newest version", _version)
    version.add_argument("model", metavar="MODEL")
    attested = task("attested", "record the attestation of a model's newest version", _attested)
    attested.add_argument("model", metavar="MODEL")
    attested.add_argument("bundle", metavar="BUNDLE", type=Path, help="the file that was signed")
    manifests = task("manifests", "build every overlay that is released, for other programs", _manifests)
    manifests.add_argument("folder", metavar="FOLDER", type=Path, help="where a file for each goes")
    manifests.add_argument("--since", metavar="REVISION", help="only those whose release changed since")
    comment = task("comment", "put a plan below the pull request, or update the one there", _comment)
    comment.add_argument("plan", metavar="FILE", type=Path)
    issue = task("issue", "keep an issue open for as long as an environment differs", _issue)
    issue.add_argument("environment", metavar="ENV")
    issue.add_argument("status", metavar="STATUS", type=int, help="what `aimass drift` exited with")
    issue.add_argument("report", metavar="FILE", type=Path, help="what it printed")
    task("log-in", "write KUBECONFIG, by the job's identity or as the secret has it", _log_in)
    task("token", "answer a client of Kubernetes with the job's identity token", _token)


def run(arguments: argparse.Namespace) -> int:
    """Do one task; answers an ExitCode."""
    perform: Callable[[argparse.Namespace], int] = arguments.perform
    return perform(arguments)


def _due(arguments: argparse.Namespace) -> int:
    from aimass_compiler.impact.due import due_for_training
    from aimass_compiler.programs.git import GitError
    from aimass_compiler.releases.version_record import DamagedRecord
    from aimass_compiler.spec.decode.settings_file import read_settings
    from aimass_compiler.workflows import MOST_JOBS, batches

    project = project_of(arguments)
    models = sorted(project.models())
    settings, _, _ = read_settings(project.settings, conventions.SETTINGS_FILE)
    try:
        if not settings.images.has_registry:
            terminal.report(_NO_REGISTRY)
            found = {}
        elif arguments.model:
            asked = map(project.model_of, specs_of(project, [arguments.model]))
            found = dict.fromkeys(asked, "it was asked for")
        elif arguments.watch:
            found = _with_reasons(project, arguments.prometheus)
        elif arguments.all:
            found = dict.fromkeys(models, "all are trained again")
        else:
            found = due_for_training(project.root, models, arguments.since)
    except (DamagedRecord, GitError) as error:
        terminal.error(str(error))
        return ExitCode.FAILED
    for model, reason in found.items():
        terminal.report(f"{model}: {reason}")
    listed = [*found]
    for number in range(batches(len(models))):
        print(f"batch-{number + 1}={json.dumps(listed[number * MOST_JOBS : (number + 1) * MOST_JOBS])}")
    return ExitCode.DONE


def _with_reasons(project: Project, address: str | None) -> dict[str, str]:
    """The models that are to be trained for a reason of `monitoring.retrain`, each with it."""
    from aimass_compiler.compile import compile_specs
    from aimass_compiler.releases.candidate_ledger import LedgerFailed
    from aimass_compiler.retraining.decision import due, retrain_of

    reasons: dict[str, str] = {}
    for model, pipeline in sorted(compile_specs(project, project.specs()).pipelines.items()):
        retrain = retrain_of(pipeline)
        if retrain.on is None and retrain.schedule is None:
            continue
        try:
            _resume_where_closed(project.root, pipeline)
            found, decision = due(project.root, pipeline, address)
        except LedgerFailed as error:
            terminal.report(f"::warning title={model} is not watched::{error}")
            continue
        for problem in found.unknown:
            terminal.report(f"::warning title=Not all is known of {model}::{problem}")
        if decision.is_due:
            reasons[model] = decision.text
        elif found.causes:
            terminal.report(f"{model} is not trained: {decision.text}")
    return reasons


def _resume_where_closed(root: Path, pipeline: Pipeline) -> None:
    """Who closes the issue about candidates that failed lets it go on. Raises LedgerFailed."""
    from aimass_compiler.programs.github_api import GithubApi, GithubRefuses
    from aimass_compiler.programs.github_notes import closed_candidate_issue
    from aimass_compiler.releases import candidate_ledger
    from aimass_compiler.retraining.attempt import attempt
    from aimass_compiler.retraining.decision import failures, recipe_digest

    failed = failures(candidate_ledger.read(root, pipeline.path), recipe_digest(pipeline))
    if not failed or not os.environ.get("GITHUB_REPOSITORY"):
        return
    try:
        closed = closed_candidate_issue(GithubApi.from_environment(), pipeline.path)
    except GithubRefuses as refused:
        terminal.report(f"::warning title=Issues are not read::{refused}")
        return
    if closed and closed.replace("Z", "+00:00") > failed[-1].time:
        candidate_ledger.append(root, pipeline.path, attempt(pipeline, "resumed"))


def _environments(arguments: argparse.Namespace) -> int:
    from aimass_compiler.impact.due import due_for_delivery
    from aimass_compiler.spec.decode.settings_file import read_settings

    project = project_of(arguments)
    known = read_settings(project.settings, conventions.SETTINGS_FILE)[0].delivered
    if arguments.env and arguments.env not in known:
        terminal.error(f"there is no environment `{arguments.env}`", f"there are {', '.join(known)}")
        return ExitCode.USAGE
    found = [arguments.env] if arguments.env else due_for_delivery(project.root, known, arguments.since)
    print(f"environments={json.dumps(found)}")
    return ExitCode.DONE


def _version(arguments: argparse.Namespace) -> int:
    from aimass_compiler.releases import version_record

    root = project_of(arguments).root
    model = model_called(arguments.model, version_record.models_of(root))
    try:
        versions = version_record.versions_of(root, model)
    except version_record.DamagedRecord as error:
        terminal.error(str(error))
        return ExitCode.FAILED
    if not versions:
        terminal.error(f"`{arguments.model}` has no version", f"`aimass publish {arguments.model}` makes one")
        return ExitCode.FAILED
    image = versions[-1].image
    print(f"version={versions[-1].name}")
    print(f"image={image.name if image else ''}")
    print(f"digest={image.digest if image else ''}")
    return ExitCode.DONE


def _attested(arguments: argparse.Namespace) -> int:
    import hashlib

    from msgspec.structs import replace

    from aimass_compiler.atomic_file import replace_file
    from aimass_compiler.releases import version_record

    root = project_of(arguments).root
    model = model_called(arguments.model, version_record.models_of(root))
    try:
        digest = hashlib.sha256(arguments.bundle.read_bytes()).hexdigest()
        newest = version_record.versions_of(root, model)[-1]
    except (OSError, IndexError, version_record.DamagedRecord) as error:
        terminal.error(f"the attestation of `{arguments.model}` cannot be recorded: {error}")
        return ExitCode.FAILED
    attestations = {**newest.attestations, "provenance": f"sha256:{digest}"}
    path = version_record.file_of(root, model, newest.name)
    replace_file(path, version_record.encoded(replace(newest, attestations=attestations)))
    return ExitCode.DONE


def _manifests(arguments: argparse.Namespace) -> int:
    from aimass_compiler.impact.due import released_overlays
    from aimass_compiler.programs import kustomize

    root = project_of(arguments).root
    try:
        program = kustomize.find()
        arguments.folder.mkdir(parents=True, exist_ok=True)
        for environment, model in released_overlays(root, arguments.since):
            overlay = root / conventions.GENERATED_FOLDER / model / "overlays" / environment
            path = arguments.folder / f"{environment}.{model.replace('/', '.')}.yaml"
            path.write_text(program.text(overlay), encoding="utf-8")
            print(f"built {model} for {environment}")
    except (OSError, kustomize.KustomizeError) as error:
        terminal.error(str(error))
        return ExitCode.FAILED
    return ExitCode.DONE


def _comment(arguments: argparse.Namespace) -> int:
    from aimass_compiler.programs.github_notes import put_plan

    plan = arguments.plan.read_text(encoding="utf-8")
    return _noted(lambda api: put_plan(api, os.environ.get("PULL_REQUEST", ""), plan), "the plan")


def _issue(arguments: argparse.Namespace) -> int:
    from aimass_compiler.programs.github_notes import keep_issue

    report = arguments.report.read_text(encoding="utf-8")
    differs = arguments.status != ExitCode.DONE
    return _noted(lambda api: keep_issue(api, arguments.environment, report, differs=differs), "what differs")


def _noted(note: Callable[[GithubApi], str], what: str) -> int:
    """Leave a note; where the token may not, as that of a fork, the job's summary has it anyway."""
    from aimass_compiler.programs.github_api import GithubApi, GithubRefuses

    try:
        print(note(GithubApi.from_environment()))
    except GithubRefuses as refused:
        print(f"::notice title=It is in the summary::{what} could not be written to GitHub: {refused}")
    return ExitCode.DONE


def _log_in(arguments: argparse.Namespace) -> int:
    del arguments
    from aimass_compiler.kubernetes.github_identity import NoIdentity, kubeconfig, write_for_owner

    try:
        write_for_owner(Path(os.environ["KUBECONFIG"]), kubeconfig(os.environ))
    except NoIdentity as missing:
        print(f"::error title=No cluster::{missing}")
        return ExitCode.FAILED
    except KeyError:
        terminal.error("the variable KUBECONFIG says where the file goes, and it is not set")
        return ExitCode.USAGE
    return ExitCode.DONE


def _token(arguments: argparse.Namespace) -> int:
    del arguments
    from aimass_compiler.kubernetes.github_identity import NoIdentity, credential

    try:
        print(credential(os.environ))
    except NoIdentity as missing:
        terminal.error(str(missing))
        return ExitCode.FAILED
    return ExitCode.DONE
