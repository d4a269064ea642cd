"""What holds for all models of a repository: its settings, and what stands beside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct, field

from aimass_compiler import conventions
from aimass_compiler.model_path import team_of
from aimass_compiler.pipeline.pod_settings import EnvironmentPods
from aimass_compiler.pipeline.policy import Policies
from aimass_compiler.pipeline.settings import Settings
from aimass_compiler.pipeline.shared_parts import SharedParts
from aimass_compiler.pipeline.team import Team
from aimass_compiler.pipeline.team_rules import Origin, TeamRules

#: What a team may say itself of an environment.
_OWN = ("deployer", "oncall", "trainer")


class Organisation(Struct, frozen=True):
    """An organisation, as its files describe it."""

    settings: Settings
    teams: Mapping[str, Team] = field(default_factory=dict)
    """By their names."""
    policies: Policies = field(default_factory=Policies.default)
    """The rules that it holds models to."""
    shared: SharedParts = field(default_factory=SharedParts)
    """What models share."""
    known: dict[str, Settings] = field(default_factory=dict)
    """The settings of teams that were asked for, as a thousand models ask for those of thirty teams."""

    def settings_of(self, model: str) -> Settings:
        """The settings that hold for a model, by its path."""
        return self.settings_of_team(team_of(model))

    def settings_of_team(self, name: str) -> Settings:
        """The settings that hold for a team's models; for those of no team, whose name is empty, its own."""
        if not name:
            return self.settings
        if name not in self.known:
            self.known[name] = self._adjusted(name, self.teams.get(name))
        return self.known[name]

    def _adjusted(self, name: str, team: Team | None) -> Settings:
        described = team or Team.default()
        environments = {}
        for environment, settings in self.settings.environments.items():
            place = described.place(environment)
            own = {key: getattr(place, key) for key in _OWN if getattr(place, key) is not None}
            if place.pods is not None:
                own["pods"] = place.pods.over(settings.pods or EnvironmentPods.default())
            namespace = place.namespace or self.settings.teams.namespace_of(name, environment)
            environments[environment] = settings.model_copy(update={"namespace": namespace, **own})
        first = described.place(next(iter(environments)))
        queue = self.settings.queue if first.queue is None else first.queue.name or name
        waivers = (*self.settings.waivers, *described.waivers)
        rules = None if team is None else self._rules(name, team)
        return self.settings.with_team(rules, environments=environments, queue=queue, waivers=waivers)

    def _rules(self, name: str, team: Team) -> TeamRules:
        others = [other for other in sorted(self.teams) if other != name]
        claimed = {
            each: {host: other for other in others for host in self.teams[other].hosts_in(each) or ()}
            for each in self.settings.environments
        }
        hosts = {each: team.hosts_in(each) for each in self.settings.environments}
        first = team.place(next(iter(self.settings.environments)))
        origins = dict(self._origins(name, team))
        return TeamRules(name, hosts, claimed, team.registries, origins, first.queue, first.quota)

    def _origins(self, name: str, team: Team) -> Iterator[tuple[tuple[str, ...], Origin]]:
        """Where in the team's file, or in the pattern of aimass.yaml, settings of the team are written."""
        file = conventions.TEAM_FILE.format(team=name)
        for environment in self.settings.environments:
            place, above = team.place(environment), ("environments", environment)
            for key in _OWN:
                if getattr(place, key) is not None:
                    is_here = team.is_of_environment(environment, key)
                    yield (*above, key), (file, (*above, key) if is_here else (key,))
            for keys in place.pods.written() if place.pods else ():
                is_here = team.is_of_environment(environment, "pods")
                yield (*above, "pods", *keys), (file, (*(above if is_here else ()), "pods", *keys))
            is_here = team.is_of_environment(environment, "namespace")
            pattern: Origin = (conventions.SETTINGS_FILE, ("teams", "namespace"))
            yield (*above, "namespace"), (file, (*above, "namespace")) if is_here else pattern
        first = next(iter(self.settings.environments))
        if team.place(first).queue is not None:
            is_here = team.is_of_environment(first, "queue")
            yield ("queue",), (file, ("environments", first, "queue") if is_here else ("queue",))
