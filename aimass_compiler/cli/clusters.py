"""Which cluster a command is about, and how long it waits there."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from aimass_compiler import conventions
from aimass_compiler.cli import terminal
from aimass_compiler.cli.choosing import Unknown
from aimass_compiler.diagnostics import did_you_mean

if TYPE_CHECKING:
    from aimass_compiler.cluster.applying import Origin
    from aimass_compiler.cluster.environments import Target
    from aimass_compiler.cluster.failures import ClusterError
    from aimass_compiler.cluster.owned import Owned
    from aimass_compiler.pipeline.settings import Settings
    from aimass_compiler.project import Project

_SECONDS = {"s": 1, "m": 60, "h": 3600}


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
    parser.add_argument(
        "--timeout",
        type=seconds,
        default="10m",
        metavar="DURATION",
        help="how long to wait for it, such as 90s, 10m or 1h (default: %(default)s)",
    )
    parser.add_argument("--no-wait", action="store_true", help="do not wait for it")
    parser.add_argument(
        "--lock-timeout",
        type=seconds,
        default="10m",
        metavar="DURATION",
        help="how long to wait for another run that works on the same model (default: %(default)s)",
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


def add_format(parser: argparse.ArgumentParser) -> None:
    """The option that says how results are shown."""
    parser.add_argument(
        "--format", choices=("people", "json", "markdown"), default="people", help="how it is shown"
    )


def seconds(written: str) -> float:
    """A duration as people write it, in seconds."""
    found = re.fullmatch(r"(\d+)(s|m|h)", written.strip())
    if found is None:
        raise argparse.ArgumentTypeError(f"`{written}` is no duration; write 90s, 10m or 1h")
    return float(int(found[1]) * _SECONDS[found[2]])


def tell(line: str) -> None:
    """Tell how far something is, on standard error: what a command answers stays apart."""
    print(line, file=sys.stderr, flush=True)


def complain(failed: ClusterError) -> int:
    """Tell why the cluster did not do what it was asked; answers the exit code."""
    terminal.complain(str(failed), failed.help)
    return failed.exit_code


def tell_of_orphans(found: Iterable[Owned]) -> None:
    """What an environment left behind in other namespaces, and what removes it."""
    for each in found:
        command = f"aimass delete {each.model} --env {each.environment} --namespace {each.namespace}"
        where = f"`{each.model}` of {each.environment} still runs in the namespace `{each.namespace}`"
        tell(f"note: {where}, where nothing is applied any more: `{command}` removes it")


def origin_of(project: Project) -> Origin:
    """Where the project's files come from, as far as git tells."""
    from aimass_compiler.cluster import git
    from aimass_compiler.cluster.applying import Origin

    return Origin(git.head(project.root), git.source(project.root))


def targets_of(project: Project, models: list[str], environments: list[str]) -> list[Target]:
    """The environments that were named, each with the models that were named, or with all that it has.

    Raises Unknown for an environment or a model that generated/ does not have, and InConflict.
    """
    from aimass_compiler.cluster.environments import Target
    from aimass_compiler.cluster.objects import models_of

    hold_to_merged(project)
    targets = []
    for environment in dict.fromkeys(environments):
        there = models_of(project.generated, environment)
        if not there:
            raise _nothing_there(project, environment)
        for name in models:
            if name not in there:
                raise Unknown(
                    f"there is no `{name}` for {environment} in {conventions.GENERATED_FOLDER}",
                    did_you_mean(name, there) or "compile first: `aimass compile`",
                )
        chosen = tuple(dict.fromkeys(models) if models else there)
        namespace = namespace_of(project, environment)
        targets.append(Target(environment, namespace, chosen, is_whole=not models))
    return targets


class InConflict(Unknown):
    """A merge left conflict markers in what a command reads."""

    exit_code = conventions.ExitCode.FAILED


def hold_to_merged(project: Project) -> None:
    """Raises InConflict where a merge left conflict markers in what is generated."""
    from aimass_compiler.effects.consistency import conflicts

    for finding in conflicts(project.root, sorted(project.models(()))):
        raise InConflict(finding.message, finding.help)


def servers_of(project: Project) -> dict[str, str | None]:
    """Every environment in the order of promotion, and where its cluster is, if the settings tell."""
    return {name: environment.server for name, environment in _settings_of(project).environments.items()}


def namespace_of(project: Project, environment: str) -> str:
    """The namespace of an environment: of its overlays, or as the settings have it where there is none.

    Raises Unknown for an environment that there is not.
    """
    from aimass_compiler.cluster.objects import namespace_in

    if found := namespace_in(project.generated, environment):
        return found
    settings = _settings_of(project)
    if environment not in settings.environments:
        raise _nothing_there(project, environment)
    return settings.namespace_of(environment)


def _settings_of(project: Project) -> Settings:
    from aimass_compiler.spec.settings_file import read_settings

    settings, _, _ = read_settings(project.settings, project.shown(project.settings))
    return settings


def _nothing_there(project: Project, environment: str) -> Unknown:
    known = {path.name for path in project.generated.glob("*/overlays/*/")}
    return Unknown(
        f"{conventions.GENERATED_FOLDER} has nothing for the environment `{environment}`",
        did_you_mean(environment, known)
        or "compile first (`aimass compile`); `aimass delete` removes what is left of a model",
    )
