"""What applying all models of the project looks at: where each is released, and in which namespace."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cached_property

from aimass_compiler import conventions
from aimass_compiler.impact.models import NONE_SETTLED, ChangedModel, SettledModels
from aimass_compiler.impact.release_changes import GitReleases
from aimass_compiler.plan import Files
from aimass_compiler.render.facts import decoded


class Reach:
    """What applying all models of the project looks at."""

    def __init__(
        self,
        files: Files,
        before: GitReleases,
        after: GitReleases,
        *,
        is_known: bool = True,
        settled: SettledModels = NONE_SETTLED,
    ) -> None:
        self._files = files
        self.settled = settled
        """Models that the plan does not have, because nothing of them changes."""
        self.before, self.after = before, after
        """What is released before and afterwards: nothing else runs anywhere."""
        self.is_known = is_known
        """Whether the repository has a remote, by which its models are known from those of others."""

    @cached_property
    def namespaces(self) -> Mapping[str, Collection[str]]:
        """The namespaces of each environment that any model has: each team may have its own."""
        found: dict[str, set[str]] = {}
        records = [
            each for path, each in self._files.items() if path.endswith(f"/{conventions.RESOLVED_FILE}")
        ]
        records += filter(None, map(self.settled.record, self.settled.models))
        for record in records:
            for name, space in decoded(record).environments.items():
                found.setdefault(name, set()).add(space.namespace)
        return found

    def is_canary(self, environment: str, model: str) -> bool:
        """Whether Argo Rollouts replaces the servers of a model."""
        content = self._files.get(f"{model}/{conventions.RESOLVED_FILE}")
        content = content or self.settled.record(model)
        here = decoded(content).environments if content else {}
        return environment in here and here[environment].servers.is_canary


def orphans(model: ChangedModel, reach: Reach) -> tuple[str, ...]:
    """The releases that git still has of a model where it has no manifests any more, by their folders."""
    declared = model.new_facts.environments if model.new_facts and not model.renamed_from else {}
    name = model.renamed_from or model.name
    return tuple(
        f"{conventions.RELEASES_FOLDER}/{environment}/{name}"
        for environment in reach.after.environments_of(name)
        if environment not in declared
    )
