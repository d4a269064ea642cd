"""Write down how recent releases went: a canary that took over, or one to revert.

Looks at each release of an environment. Where its canary took over, git is to say that it is no canary any
more. Where the canary was aborted, or where an error budget burns within the time that
`environments.ENV.revert.within` of aimass.yaml gives a release, git is to go back to what ran before, and
the version is rejected with the reason. Where the analysis could not decide, people do. Nothing is waited
for: run it when a rollout ends, and by the clock.

Exits 3 where git is to change, and 21 where people must decide; with --write or --pull-request, the
first of these is done, and is 0.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from aimass_compiler.cli import clusters, terminal
from aimass_compiler.cli import release_changes as changes
from aimass_compiler.cli.selection import UnknownName, add_root, models_called, project_of
from aimass_compiler.diagnostics import did_you_mean
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.model_path import name_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.delivery.release_outcome import Conclusion, ReleaseEvidence
    from aimass_compiler.kubernetes.connection import Connection
    from aimass_compiler.pipeline.organisation import Organisation
    from aimass_compiler.project import Project
    from aimass_compiler.releases.release_file import Release

EXIT_CODES = (
    ExitCode.STALE,
    ExitCode.DISK,
    ExitCode.NOT_READY,
    ExitCode.UNREACHABLE,
    ExitCode.REFUSED,
    ExitCode.NOT_PROMOTABLE,
)
EXAMPLES = """
  aimass verify --env prod                    say how the releases of prod went
  aimass verify --env prod --pull-request     and propose what follows, or merge it, as the environment says
  aimass verify churn --env prod --write      change the files here
"""


def declare(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.add_argument("models", nargs="*", metavar="MODEL", help="a model's name (default: all released)")
    changes.add_environment(parser)
    parser.add_argument("--write", action="store_true", help="change the files of the working tree")
    changes.add_pull_request(parser)
    parser.add_argument(
        "--prometheus",
        metavar="URL",
        help="where alerts are asked for (default: prometheus.url of aimass.yaml)",
    )
    clusters.add_cluster(parser)
    add_root(parser)


def run(arguments: argparse.Namespace) -> int:
    """Look, and write what follows; answers an ExitCode."""
    from aimass_compiler.spec.decode.organisation_files import read_organisation

    project = project_of(arguments)
    changes.known_environment(changes.sound_settings(project), arguments.environment)
    organisation, _, _ = read_organisation(project)
    return changes.guarded(lambda: _verified(arguments, project, organisation))


def _verified(arguments: argparse.Namespace, project: Project, organisation: Organisation) -> int:
    from aimass_compiler.kubernetes.connection import connect
    from aimass_compiler.kubernetes.failures import ClusterError

    budgets = _Budgets(arguments, project, organisation)
    try:
        connection = connect(arguments.kubeconfig, arguments.context, terminal.report)
        found = list(_conclusions(arguments, project, organisation, connection, budgets))
    except ClusterError as error:
        return clusters.report_error(error)
    code = _concluded(arguments, project, organisation, found)
    return max(code, ExitCode.UNREACHABLE) if budgets.are_unknown else code


def _conclusions(
    arguments: argparse.Namespace,
    project: Project,
    organisation: Organisation,
    connection: Connection,
    budgets: _Budgets,
) -> Iterator[Conclusion]:
    from aimass_compiler.delivery.release_outcome import conclusion

    for release in _releases(arguments, project):
        yield conclusion(release, _observed(organisation, connection, release, budgets.burning(release)))


def _releases(arguments: argparse.Namespace, project: Project) -> Iterator[Release]:
    """Those that were named, or all of the environment. Raises UnknownName and DamagedRelease."""
    from aimass_compiler.releases import release_file

    known = release_file.released_models(project.root, arguments.environment)
    for model in models_called(arguments.models, known) or known:
        release = release_file.read(project.root, arguments.environment, model)
        if release is None:
            message = f"nothing of `{model}` is released in {arguments.environment}"
            raise UnknownName(message, did_you_mean(model, known))
        yield release


def _observed(
    organisation: Organisation, connection: Connection, release: Release, burning: str
) -> ReleaseEvidence:
    from aimass_compiler.delivery.release_outcome import ReleaseEvidence
    from aimass_compiler.kubernetes.canary_state import CanaryOutcome, canary_state

    if not release.stable_images:
        return ReleaseEvidence(burning=burning)
    namespace = organisation.settings_of(release.model).namespace_of(release.environment)
    state = canary_state(connection, namespace, release.model)
    if state is None:
        return ReleaseEvidence(burning=burning)
    return ReleaseEvidence(
        version=state.version,
        has_rollout=True,
        took_over=state.ending is CanaryOutcome.TOOK_OVER,
        aborted=state.ending is CanaryOutcome.ABORTED,
        undecided=state.ending is CanaryOutcome.UNDECIDED,
        message=state.message,
        burning=burning,
    )


@dataclass
class _Budgets:
    """What Prometheus knows of error budgets; that it cannot be asked is reported once, and stops nothing."""

    arguments: argparse.Namespace
    project: Project
    organisation: Organisation
    are_unknown: bool = False

    def burning(self, release: Release) -> str:
        from aimass_compiler.delivery.budget_burn import burning_objectives
        from aimass_compiler.programs.prometheus import PrometheusError

        settings = self.organisation.settings_of(release.model)
        address = self.arguments.prometheus or settings.prometheus.url
        try:
            if not self.are_unknown:
                now = datetime.now(UTC)
                return ", ".join(burning_objectives(self.project.root, settings, release, address, now))
        except PrometheusError as error:
            self.are_unknown = True
            terminal.error(str(error), "name it by `prometheus.url` in aimass.yaml, or `--prometheus`")
        return ""


def _concluded(
    arguments: argparse.Namespace, project: Project, organisation: Organisation, found: list[Conclusion]
) -> int:
    """Say what follows, and do it where that was asked for."""
    from aimass_compiler.delivery.release_outcome import Consequence, change

    codes: list[int] = []
    for each in found:
        release, reason = each.release, f": {each.reason}" if each.reason else ""
        print(f"{release.model} in {release.environment}: {release.version}: {each.action}{reason}")
        if each.action is Consequence.ASK:
            namespace = organisation.settings_of(release.model).namespace_of(release.environment)
            rollout = f"{name_of(release.model)} -n {namespace}"
            terminal.report(
                f"  `kubectl argo rollouts promote {rollout}` goes on, "
                f"`kubectl argo rollouts abort {rollout}` ends it"
            )
            codes.append(ExitCode.NOT_READY)
        elif each.action in (Consequence.FINISH, Consequence.REVERT):
            if not (arguments.write or arguments.pull_request):
                codes.append(ExitCode.STALE)
                continue
            revert = organisation.settings.environments[release.environment].revert
            codes.append(
                changes.carry_out(
                    project,
                    change(project.root, each, datetime.now(UTC)),
                    pull_request=arguments.pull_request,
                    merges=revert is not None and revert.by == "merge",
                ).exit_code
            )
    return max(codes, default=ExitCode.DONE)
