"""One of a team's namespaces, with all that decides what is in it."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from aimass_compiler import conventions
from aimass_compiler.pipeline.organisation import Organisation
from aimass_compiler.pipeline.settings import Settings
from aimass_compiler.pipeline.team import Team, TeamEnvironment
from aimass_compiler.render.names import component_label


class TeamNamespace(Struct, frozen=True):
    """One team in one environment."""

    name: str
    team: Team
    place: TeamEnvironment
    environment: str
    settings: Settings
    """The team's."""

    @property
    def namespace(self) -> str:
        """Its namespace there."""
        return self.settings.namespace_of(self.environment)

    @property
    def file(self) -> str:
        """The file that describes the team."""
        return conventions.TEAM_FILE.format(team=self.name)

    @property
    def trains(self) -> bool:
        """Whether it is the first environment, where models are trained."""
        return self.environment == next(iter(self.settings.environments))

    @property
    def labels(self) -> dict[str, str]:
        """The labels of all objects that are made for it."""
        return {
            **self.settings.labels,
            conventions.LABEL_PART_OF: self.name,
            conventions.LABEL_MANAGED_BY: conventions.MANAGER,
            **component_label(conventions.TEAM_COMPONENT),
            conventions.LABEL_TEAM: self.name,
            conventions.LABEL_ENVIRONMENT: self.environment,
        }

    def head(self, name: str) -> dict[str, object]:
        """The metadata of an object of its namespace."""
        return {"name": name, "namespace": self.namespace, "labels": self.labels}


def namespaces(organisation: Organisation) -> Iterator[TeamNamespace]:
    """Every team in every environment."""
    for name, team in sorted(organisation.teams.items()):
        settings = organisation.settings_of_team(name)
        for environment in settings.environments:
            yield TeamNamespace(name, team, team.place(environment), environment, settings)
