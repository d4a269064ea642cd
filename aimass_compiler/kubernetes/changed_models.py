"""Which models git changed since they were applied: what an apply need not look at is left alone."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import cache

from aimass_compiler import conventions
from aimass_compiler.kubernetes import inventory
from aimass_compiler.kubernetes.connection import Connection
from aimass_compiler.kubernetes.inventory import ClusterInventory, DamagedInventory
from aimass_compiler.kubernetes.objects import EnvironmentTarget
from aimass_compiler.programs import git
from aimass_compiler.project import Project

#: Models of an environment whose files differ from those at a commit; None where git does not know it.
ChangedIn = Callable[[str, str], Collection[str] | None]


def changes_of(project: Project) -> ChangedIn:
    """Asks git, once for each commit: for manifests and for releases."""

    @cache
    def files(commit: str) -> list[list[str]] | None:
        folders = (conventions.GENERATED_FOLDER, conventions.RELEASES_FOLDER)
        found = [git.changed_since(commit, project.root, folder) for folder in folders]
        known = [paths for paths in found if paths is not None]
        return known if len(known) == len(found) else None

    def changed(commit: str, environment: str) -> frozenset[str] | None:
        both = files(commit)
        if both is None:
            return None
        generated, released = ([path.split("/") for path in paths] for paths in both)
        own = (["base"], ["overlays", environment])
        models = {path[0] for path in generated if path[1:2] in own or path[1:3] in own}
        return frozenset(models | {path[1] for path in released if path[0] == environment and len(path) > 1})

    return changed


def to_apply(connection: Connection, target: EnvironmentTarget, changed: ChangedIn) -> tuple[str, ...]:
    """The models of an environment that are not as git has them, as far as their inventories tell.

    Besides what changed: what was never applied or not to its end, what is held, and what was applied from
    a commit that git here does not know. Raises ClusterError.
    """
    known = {each.model: each for each in inventory.found(connection, target.environment, target.namespace)}
    return tuple(
        model for model in target.models if _needs_apply(known.get(model), model, target.environment, changed)
    )


def _needs_apply(
    owned: ClusterInventory | DamagedInventory | None, model: str, environment: str, changed: ChangedIn
) -> bool:
    if not isinstance(owned, ClusterInventory) or not owned.is_complete or owned.holds:
        return True
    models = changed(owned.commit, environment) if owned.commit else None
    return models is None or model in models
