"""Which cluster a command is about, how long it waits there, and what a dry run of applying answers."""

from __future__ import annotations

import argparse
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from aimass_compiler import conventions
from aimass_compiler.cli import terminal
from aimass_compiler.cli.selection import UnknownName, models_called, project_of
from aimass_compiler.diagnostics import did_you_mean
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.model_path import called, team_of

if TYPE_CHECKING:
    from aimass_compiler.kubernetes.failures import ClusterError
    from aimass_compiler.kubernetes.inventory import ClusterInventory
    from aimass_compiler.kubernetes.objects import Builds, EnvironmentTarget
    from aimass_compiler.kubernetes.run import Applied, ApplyRun, GitOrigin
    from aimass_compiler.pipeline.settings import Settings
    from aimass_compiler.project import Project


def add_cluster(parser: argparse.ArgumentParser) -> None:
    """The options that say which cluster is meant, as kubectl has them."""
    parser.add_argument(
        "--kubeconfig",
        type=Path,
        metavar="FILE",
        help="the file that says where clusters are (default: KUBECONFIG, or ~/.kube/config)",
    )
    parser.add_argument(
        "--context", metavar="NAME", help="the context of that file (default: its current one)"
    )


def add_waiting(parser: argparse.ArgumentParser) -> None:
    """The options that say what is waited for, and for how long."""
    add_timeout(parser, "10m", "how long to wait for it, such as 90s, 10m or 1h")
    parser.add_argument("--no-wait", action="store_true", help="do not wait for it")
    add_lock_timeout(parser)


def add_timeout(parser: argparse.ArgumentParser, default: str, meaning: str) -> None:
    """The option that says how long to wait for what the cluster does."""
    add_duration(parser, "--timeout", default, meaning)


def add_lock_timeout(parser: argparse.ArgumentParser) -> None:
    """The option that says how long to wait for whoever works on the same model."""
    add_duration(
        parser, "--lock-timeout", "10m", "how long to wait for another run that works on the same model"
    )


def add_duration(parser: argparse.ArgumentParser, option: str, default: str, meaning: str) -> None:
    """An option whose value is a time, in seconds afterwards."""
    parser.add_argument(
        option,
        type=seconds,
        default=default,
        metavar="DURATION",
        help=f"{meaning} (default: %(default)s)",
    )


def add_adopting(parser: argparse.ArgumentParser) -> None:
    """The option that says that a model of another repository is meant, too."""
    parser.add_argument(
        "--adopt", action="store_true", help="take over what another repository applied under the same name"
    )


def add_environments(parser: argparse.ArgumentParser) -> None:
    """The option that names environments."""
    parser.add_argument(
        "--env",
        action="append",
        required=True,
        metavar="ENV",
        help="the environment, such as dev; may be repeated, and goes in that order",
    )


def seconds(written: str) -> float:
    """A duration as people write it, in seconds."""
    from aimass_compiler.catalog.quantities import Duration

    try:
        return Duration.read(written.strip()).seconds
    except ValueError:
        message = f"`{written}` is no duration; write 90s, 10m or 1h"
        raise argparse.ArgumentTypeError(message) from None


def report_error(failed: ClusterError) -> int:
    """Print why the cluster did not do what it was asked; answers the exit code."""
    terminal.error(str(failed), failed.help)
    return failed.exit_code


def report_orphans(found: Iterable[ClusterInventory]) -> None:
    """What an environment left behind in other namespaces, and what removes it."""
    for each in found:
        command = f"aimass delete {each.model} --env {each.environment} --namespace {each.namespace}"
        where = f"`{each.model}` of {each.environment} still runs in the namespace `{each.namespace}`"
        terminal.report(f"note: {where}, where nothing is applied any more: `{command}` removes it")


def origin_of(project: Project) -> GitOrigin:
    """Where the project's files come from, as far as git has it."""
    from aimass_compiler.kubernetes import objects
    from aimass_compiler.kubernetes.run import GitOrigin
    from aimass_compiler.programs import git

    def is_after(commit: str) -> bool:
        return bool(git.commits_since(commit, project.root))

    def namespaces_of(model: str, environment: str) -> set[str]:
        try:
            return objects.namespaces_of(project.generated, model, environment)
        except git.GitError:
            return set()

    return GitOrigin(git.head(project.root), git.source(project.root), is_after, namespaces_of)


def targets_of(project: Project, models: list[str], environments: list[str]) -> list[EnvironmentTarget]:
    """The environments that were named, each with the models that were named, or with all that it has.

    Raises Unknown for an environment or a model that generated/ does not have or that has no release there,
    and InConflict.
    """
    from aimass_compiler.kubernetes.objects import EnvironmentTarget, models_of

    hold_to_merged(project)
    targets = []
    for environment in dict.fromkeys(environments):
        namespace_of(project, environment)  # reports an environment that there is not
        there = models_of(project.generated, environment)
        if not there and not models:
            raise UnknownName(
                f"no model has a release in {environment}", f"`aimass promote MODEL --to {environment}`"
            )
        chosen = models_called(models, there) if models else there
        for name in chosen:
            _hold_to_released(project, environment, name, there)
        targets += [
            EnvironmentTarget(environment, namespace, tuple(of_it), is_whole=not models)
            for namespace, of_it in _by_namespace(project, environment, dict.fromkeys(chosen)).items()
        ]
    return targets


def _hold_to_released(project: Project, environment: str, model: str, there: Collection[str]) -> None:
    """Raises Unknown for a model that has no release there, or that there is not."""
    from aimass_compiler.kubernetes.objects import overlay

    if model in there:
        return
    if overlay(project.generated, model, environment).is_dir():
        hint = f"`aimass promote {model} --to {environment}`"
        raise UnknownName(f"{model} has no release in {environment}", hint)
    raise UnknownName(
        f"there is no `{model}` for {environment} in {conventions.GENERATED_FOLDER}",
        did_you_mean(model, there) or "compile first: `aimass compile`",
    )


def _by_namespace(project: Project, environment: str, models: Iterable[str]) -> dict[str, list[str]]:
    """The models by the namespaces that an environment has for them."""
    found: dict[str, list[str]] = {}
    of_teams: dict[str, str] = {}
    for model in models:
        team = team_of(model)
        if team not in of_teams:
            of_teams[team] = namespace_of(project, environment, model)
        found.setdefault(of_teams[team], []).append(model)
    return found


class InConflict(UnknownName):
    """A merge left conflict markers in what a command reads."""

    exit_code = ExitCode.FAILED


def hold_to_merged(project: Project) -> None:
    """Raises InConflict where a merge left conflict markers in what is generated."""
    from aimass_compiler.impact.consistency import conflicts

    for finding in conflicts(project.root, sorted(project.models())):
        raise InConflict(finding.message, finding.help)


def servers_of(project: Project) -> dict[str, str | None]:
    """Every environment in the order of promotion, and where its cluster is, if the settings have it."""
    return {name: environment.server for name, environment in settings_of(project).environments.items()}


def namespaces_of(project: Project, environment: str, models: Sequence[str] = ()) -> set[str]:
    """The namespaces of an environment: those of these models where git has them all, else every one.

    Raises Unknown as `namespace_of` does.
    """
    from aimass_compiler.kubernetes.objects import namespaces_in

    found = namespaces_in(project.generated, environment)
    named = [called(model, project.models()) for model in models]
    teams = {team_of(path) for paths in named for path in paths} if all(named) else set()
    wanted = {namespace for team, namespace in found.items() if not teams or team in teams}
    return wanted or {*found.values()} or {namespace_of(project, environment)}


def namespace_of(project: Project, environment: str, model: str = "") -> str:
    """The namespace of an environment: of its overlays, or as the settings have it where there is none.

    A team may have one of its own, so it is that of the `model`'s team, or of models without one.
    Raises Unknown for an environment that there is not.
    """
    from aimass_compiler.kubernetes.objects import namespaces_in

    if found := namespaces_in(project.generated, environment).get(team_of(model)):
        return found
    settings = settings_of(project, model)
    if environment not in settings.environments:
        raise _nothing_there(project, environment)
    return settings.namespace_of(environment)


def settings_of(project: Project, model: str = "") -> Settings:
    """The settings that hold for a model, or for those of no team."""
    from aimass_compiler.spec.decode.organisation_files import read_organisation

    organisation, _, _ = read_organisation(project)
    return organisation.settings_of(model)


def _nothing_there(project: Project, environment: str) -> UnknownName:
    known = {path.name for where in ("*", "*/*") for path in project.generated.glob(f"{where}/overlays/*/")}
    return UnknownName(
        f"{conventions.GENERATED_FOLDER} has nothing for the environment `{environment}`",
        did_you_mean(environment, known)
        or "compile first (`aimass compile`); `aimass delete` removes what is left of a model",
    )


class ComparedModel(Struct, frozen=True):
    """One model in one environment."""

    applied: Applied
    """What applying it would do, taking over every field that it declares."""
    owned: ClusterInventory | None
    """What was applied; None where nothing was, or where it was not asked for."""
    digest: str
    """A short name for what git declares; empty where it declares nothing, or nothing that can be built."""


class DryRunError(Exception):
    """No dry run was possible, which has been reported; the exit code says why."""

    def __init__(self, code: int) -> None:
        super().__init__()
        self.code = code


def dry_run(arguments: argparse.Namespace, *, with_owned: bool = False) -> list[ComparedModel]:
    """Every model that the arguments name. Raises UnknownName, or DryRunError once it is reported."""
    from aimass_compiler.kubernetes.failures import ClusterError
    from aimass_compiler.programs.kustomize import KustomizeError

    try:
        return _compared_models(arguments, with_owned=with_owned)
    except KustomizeError as error:
        terminal.error(str(error))
        raise DryRunError(ExitCode.FAILED) from None
    except ClusterError as error:
        raise DryRunError(report_error(error)) from None


def _compared_models(arguments: argparse.Namespace, *, with_owned: bool) -> list[ComparedModel]:
    from aimass_compiler.kubernetes.connection import connect
    from aimass_compiler.kubernetes.environments import apply_all, open_run, orphans
    from aimass_compiler.kubernetes.objects import building
    from aimass_compiler.kubernetes.run import ApplyOptions

    project = project_of(arguments)
    targets = targets_of(project, arguments.models, arguments.env)
    # Forced, a conflict is an answer like any other: the two values, and who manages the field. So is a hold.
    options = ApplyOptions(force=True, is_dry_run=True, waits=False, ignores_holds=True)
    with building(project.generated, targets) as builds:
        connection = connect(arguments.kubeconfig, arguments.context, terminal.report)
        connection.discover_kinds()
        with open_run(connection, options, origin_of(project), terminal.report) as work:
            found = list(apply_all(work, targets, builds))
            report_orphans(orphans(work, [each for each in targets if each.is_whole]))
            owned = (
                work.pool.map(lambda each: _owned(work, each), found) if with_owned else [None] * len(found)
            )
            return [
                ComparedModel(each, inventory, _digest(each, builds))
                for each, inventory in zip(found, owned, strict=True)
            ]


def _owned(work: ApplyRun, applied: Applied) -> ClusterInventory | None:
    from aimass_compiler.kubernetes import inventory as owned

    if not applied.model or applied.failures:
        return None
    return owned.read(work.connection, applied.namespace, applied.model, applied.environment)


def _digest(applied: Applied, builds: Builds) -> str:
    build = builds.get((applied.model, applied.environment))
    return build.result().digest if build is not None and not applied.failures else ""
