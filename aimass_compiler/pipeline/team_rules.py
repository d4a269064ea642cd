"""What holds for the models of one team beside the settings, and where each of it is written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from aimass_compiler.pipeline.team import ClusterQueue, Quota

#: A file with a path in it.
Origin = tuple[str, tuple[str | int, ...]]


class TeamRules(Struct, frozen=True):
    """What a team's models may name, and where settings that are the team's own are written."""

    name: str
    hosts: Mapping[str, tuple[str, ...] | None]
    """By environment the hosts of its routes; None where any that no team has will do."""
    claimed: Mapping[str, Mapping[str, str]]
    """By environment the hosts of other teams, with the name of each."""
    registries: tuple[str, ...] | None
    """The registries of images; None where any will do."""
    origins: Mapping[tuple[str, ...], Origin]
    """By the path in aimass.yaml of a setting that the team says itself, where it does."""
    queue: ClusterQueue | None = None
    """The queue of its training jobs, where it says so itself."""
    quota: Quota | None = None
    """What all pods of its namespace in the first environment may ask for, where that has a bound."""

    def origin_of(self, path: tuple[str | int, ...]) -> Origin | None:
        """Where the team wrote what would stand at a path of aimass.yaml; None where it did not."""
        for above, (file, own) in self.origins.items():
            if path[: len(above)] == above:
                return file, (*own, *path[len(above) :])
        return None
