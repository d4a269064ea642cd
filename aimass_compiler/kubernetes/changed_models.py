"""Which models git changed since they were applied: what an apply need not look at is left alone."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from functools import cache

from aimass_compiler import conventions
from aimass_compiler.kubernetes import inventory
from aimass_compiler.kubernetes.connection import Connection
from aimass_compiler.kubernetes.inventory import ClusterInventory, DamagedInventory
from aimass_compiler.kubernetes.objects import EnvironmentTarget
from aimass_compiler.model_path import name_of
from aimass_compiler.programs import git
from aimass_compiler.project import Project

#: Models of an environment whose files differ from those at a commit; None where git does not know it.
ChangedIn = Callable[[str, str], Collection[str] | None]


def changes_of(project: Project) -> ChangedIn:
    """Asks git, once for each commit: for manifests and for releases."""

    @cache
    def files(commit: str) -> tuple[list[str], list[str]] | None:
        folders = (conventions.GENERATED_FOLDER, conventions.RELEASES_FOLDER)
        generated, released = (git.changed_since(commit, project.root, folder) for folder in folders)
        return None if generated is None or released is None else (generated, released)

    def changed(commit: str, environment: str) -> frozenset[str] | None:
        both = files(commit)
        if both is None:
            return None
        return frozenset(_models_of(*both, environment))

    return changed


def _models_of(generated: Sequence[str], released: Sequence[str], environment: str) -> Iterator[str]:
    """The models of these files below generated/ and releases/, as far as an environment has them."""
    for path in generated:
        for own in ("/base/", f"/overlays/{environment}/"):
            if own in path:
                yield path.rpartition(own)[0]
    for path in released:
        name, _, inside = path.partition("/")
        if name == environment:
            yield inside.rpartition("/")[0]


def to_apply(connection: Connection, target: EnvironmentTarget, changed: ChangedIn) -> tuple[str, ...]:
    """The models of an environment that are not as git has them, as far as their inventories tell.

    Besides what changed: what was never applied or not to its end, what is held, and what was applied from
    a commit that git here does not know. Raises ClusterError.
    """
    found = inventory.found(connection, target.environment, target.namespace)
    known = {name_of(each.model): each for each in found}
    return tuple(
        model
        for model in target.models
        if _needs_apply(known.get(name_of(model)), model, target.environment, changed)
    )


def _needs_apply(
    owned: ClusterInventory | DamagedInventory | None, model: str, environment: str, changed: ChangedIn
) -> bool:
    if not isinstance(owned, ClusterInventory) or not owned.is_complete or owned.holds:
        return True
    models = changed(owned.commit, environment) if owned.commit else None
    return models is None or model in models
