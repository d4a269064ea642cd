"""A shared server in one environment, with the models that share it there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct

from aimass_compiler import conventions
from aimass_compiler.catalog.quantities import Duration
from aimass_compiler.fleet.part import Fleet
from aimass_compiler.model_path import team_of
from aimass_compiler.pipeline.pod_settings import PodSettings
from aimass_compiler.pipeline.settings import Settings
from aimass_compiler.pipeline.shared_server import SharedServer
from aimass_compiler.render.facts import Environment, SharedAccess, SharedPlace

#: The folder of servers whose models are of no team; no team can have this name.
NO_TEAM = "_"


class ServerPlace(Struct, frozen=True):
    """One shared server: of one team, in one environment."""

    name: str
    server: SharedServer
    environment: str
    team: str
    """Empty where its models are of none."""
    settings: Settings
    """Those of the team."""
    models: Mapping[str, Environment]
    """What is known of each model there, by its path."""

    @property
    def namespace(self) -> str:
        """Where it runs."""
        return self.settings.namespace_of(self.environment)

    @property
    def pods(self) -> PodSettings:
        """What the environment says of its pods."""
        return self.settings.pods_of(self.environment).of_serving

    @property
    def folder(self) -> str:
        """Where its files lie, below those of all servers."""
        return f"{self.environment}/{self.team or NO_TEAM}/{self.name}"

    @property
    def shares(self) -> dict[str, SharedPlace]:
        """What each model takes of it, by its path."""
        return {path: each.shared for path, each in self.models.items() if each.shared is not None}

    @property
    def timeout(self) -> Duration:
        """The longest that one of its models may take."""
        written = (Duration(each.limits.timeout) for each in self.models.values())
        return max(written, key=lambda each: each.seconds)

    @property
    def accesses(self) -> list[SharedAccess]:
        """What it reads and reaches for its models that have callers of their own."""
        return [share.access for share in self.shares.values() if share.access is not None]

    @property
    def sample(self) -> float:
        """The largest share of requests that one of its models records."""
        written = (each.servers.variables for each in self.models.values())
        return max(float(each.get(conventions.VARIABLE_PREDICTION_SAMPLE, 0)) for each in written)


def places(fleet: Fleet) -> Iterator[ServerPlace]:
    """Every server that any model shares, in each environment where one does."""
    found: dict[tuple[str, str, str], dict[str, Environment]] = {}
    for path, model in fleet.models.items():
        for environment, here in model.environments.items():
            if here.shared is not None:
                found.setdefault((environment, team_of(path), here.shared.server), {})[path] = here
    for (environment, team, name), models in sorted(found.items()):
        settings = fleet.organisation.settings_of_team(team)
        if name in settings.servers and environment in settings.environments:
            yield ServerPlace(name, settings.servers[name], environment, team, settings, models)
