"""Servers that several small models share: how large each is, and what one model takes of it."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from pydantic import Field

from aimass_compiler.catalog.quantities import Bytes, Cores, Frozen
from aimass_compiler.model_path import team_of
from aimass_compiler.pipeline.model_name import ModelName
from aimass_compiler.pipeline.serving import Replicas, Resources

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aimass_compiler.pipeline.serving import Serving

#: What a small model takes of a shared server where its spec does not say it.
_USUAL_MEMORY = Bytes("8Mi")
_USUAL = {"cpu": Cores("25m"), "memory": _USUAL_MEMORY}
#: The slowest hundredth of answers cannot be promised sooner, which wait for several turns of others.
QUICKEST_SECONDS = 0.025
#: How many requests of one model a shared server answers at once.
_CONCURRENCY = 8


class SharedServer(Frozen):
    """A server of several models: those whose specs say `serving: {shared: NAME}`, or `sharing` says so."""

    replicas: Replicas = Field(default_factory=Replicas.default)
    """How many of it run."""
    resources: Resources = Field(default_factory=lambda: Resources(cpu=Cores("1"), memory=Bytes("1Gi")))
    """What each of them needs, for all of its models together."""


class SharingRule(Frozen):
    """Which small models share servers without saying so, and among which servers they are divided."""

    servers: tuple[ModelName, ...] = Field(min_length=1)
    """The servers, of `servers`: a model has one of them, whichever others there are."""
    teams: tuple[str, ...] | None = None
    """Whose models; by default those of all teams, and of none."""
    environments: tuple[str, ...] | None = None
    """Where; by default everywhere."""
    memory: Bytes = Bytes("32Mi")
    """The most that a model may take, as its `serving.resources` say."""

    def holds(self, team: str, environment: str | None) -> bool:
        """Whether it is about a team's models in an environment, or in all where that is None."""
        is_here = self.environments is None or environment in self.environments
        return is_here and (self.teams is None or team in self.teams)

    def server_of(self, model: str) -> str:
        """The server of a model, by its path: the one with the largest digest of both names.

        So another model moves none, and another server takes its part of each and moves no other model.
        Source: Thaler and Ravishankar, A Name-Based Mapping Scheme for Rendezvous, 1996
        """
        return max(self.servers, key=lambda server: sha256(f"{model}\0{server}".encode()).digest())


def assigned(serving: Serving, rules: Iterable[SharingRule], model: str, environment: str | None) -> Serving:
    """The serving, in the server that the first rule for it says where its spec says nothing of it."""
    if "shared" in serving.model_fields_set or not _can_share(serving):
        return serving
    for rule in rules:
        memory = serving.resources.memory if _says_memory(serving) else _USUAL_MEMORY
        if rule.holds(team_of(model), environment) and memory.size <= rule.memory.size:
            return serving.filled(shared=rule.server_of(model))
    return serving


def _says_memory(serving: Serving) -> bool:
    return "memory" in serving.resources.model_fields_set


def _can_share(serving: Serving) -> bool:
    """Whether nothing that it asks for is one's own server's alone."""
    p99 = serving.objectives.latency.p99
    return (
        serving.target is None
        and not serving.rollout.canary
        and "replicas" not in serving.model_fields_set
        and (p99 is None or p99.seconds >= QUICKEST_SECONDS)
    )


def sharing(serving: Serving) -> Serving:
    """The serving of a model in a shared server, every default written out; unchanged for all others.

    Its package comes from its own image, and `resources` are what it takes of the server.
    """
    if serving.shared is None:
        return serving
    resources = serving.resources
    own = {key: value for key, value in _USUAL.items() if key not in resources.model_fields_set}
    limits = serving.limits
    if "concurrency" not in limits.model_fields_set:
        limits = limits.filled(concurrency=_CONCURRENCY)
    return serving.filled(model="volume", resources=resources.filled(**own), limits=limits)
