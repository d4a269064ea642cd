"""What a cluster answers to applying, for the commands that only look: a dry run, and what was applied."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aimass_compiler.cli import clusters, terminal
from aimass_compiler.cli.choosing import project_of
from aimass_compiler.conventions import ExitCode

if TYPE_CHECKING:
    import argparse

    from aimass_compiler.cluster.applying import Work
    from aimass_compiler.cluster.environments import Builds
    from aimass_compiler.cluster.outcomes import Applied
    from aimass_compiler.cluster.owned import Owned


@dataclass(frozen=True)
class Seen:
    """One model in one environment."""

    applied: Applied
    """What applying it would do, taking over every field that it declares."""
    owned: Owned | None
    """What was applied; None where nothing was, or where it was not asked for."""
    digest: str
    """A short name for what git declares; empty where it declares nothing, or nothing that can be built."""


class Failed(Exception):  # noqa: N818  # it reads as what is the case
    """Nothing could be seen, which has been told; the exit code says why."""

    def __init__(self, code: int) -> None:
        super().__init__()
        self.code = code


def look(arguments: argparse.Namespace, *, with_owned: bool = False) -> list[Seen]:
    """Every model that the arguments name. Raises Unknown, and Failed when it has been told why."""
    from aimass_compiler.cluster.failures import ClusterError
    from aimass_compiler.cluster.kustomize import KustomizeError

    try:
        return _looked(arguments, with_owned=with_owned)
    except KustomizeError as error:
        terminal.complain(str(error))
        raise Failed(ExitCode.FAILED) from None
    except ClusterError as error:
        raise Failed(clusters.complain(error)) from None


def _looked(arguments: argparse.Namespace, *, with_owned: bool) -> list[Seen]:
    from aimass_compiler.cluster import environments
    from aimass_compiler.cluster.applying import Wish
    from aimass_compiler.cluster.connection import connect

    project = project_of(arguments)
    targets = clusters.targets_of(project, arguments.models, arguments.env)
    # Forced, a conflict is an answer like any other: the two values, and who manages the field.
    wish = Wish(force=True, is_dry_run=True, waits=False)
    with environments.building(project.generated, targets) as builds:
        connection = connect(arguments.kubeconfig, arguments.context, clusters.tell)
        connection.look_around()
        with environments.working(connection, wish, clusters.origin_of(project), clusters.tell) as work:
            found = list(environments.bring(work, targets, builds))
            clusters.tell_of_orphans(environments.orphans(work, [each for each in targets if each.is_whole]))
            owned = (
                work.pool.map(lambda each: _owned(work, each), found) if with_owned else [None] * len(found)
            )
            return [
                Seen(each, inventory, _digest(each, builds))
                for each, inventory in zip(found, owned, strict=True)
            ]


def _owned(work: Work, applied: Applied) -> Owned | None:
    from aimass_compiler.cluster import owned

    if not applied.model or applied.failures:
        return None
    return owned.read(work.connection, applied.namespace, applied.model, applied.environment)


def _digest(applied: Applied, builds: Builds) -> str:
    build = builds.get((applied.model, applied.environment))
    return build.result().digest if build is not None and not applied.failures else ""
