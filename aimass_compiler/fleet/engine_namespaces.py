"""Where an engine applies models: by environment and team, with the models that are there."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from aimass_compiler.fleet.part import Fleet
from aimass_compiler.model_path import team_of
from aimass_compiler.pipeline.gitops import Engine
from aimass_compiler.pipeline.organisation import Organisation
from aimass_compiler.render.facts import Environment
from aimass_compiler.render.object_kind import ObjectKind
from aimass_compiler.render.targets import KINDS


class EngineNamespace(Struct, frozen=True):
    """The models of one team, or of none, in one environment."""

    environment: str
    team: str
    """The folder that all of them lie in; empty for those that lie in none."""
    namespace: str
    models: dict[str, Environment]
    """What each has there, by its path."""


def applies_any(organisation: Organisation, engine: Engine) -> bool:
    """Whether an engine applies any environment."""
    settings = organisation.settings
    return any(settings.engine_of(name) == engine for name in settings.environments)


def namespaces(fleet: Fleet, engine: Engine) -> Iterator[EngineNamespace]:
    """Wherever an engine applies models, in the order of promotion."""
    settings = fleet.organisation.settings
    for environment in settings.environments:
        if settings.engine_of(environment) != engine:
            continue
        found: dict[str, dict[str, Environment]] = {}
        for path, model in fleet.models.items():
            if there := model.environments.get(environment):
                found.setdefault(team_of(path), {})[path] = there
        for team, models in sorted(found.items()):
            (namespace, *_) = (there.namespace for there in models.values())
            yield EngineNamespace(environment, team, namespace, models)


def kinds_of(there: Environment) -> list[ObjectKind]:
    """What is known of the kinds of its objects, sorted by name."""
    named = {each.kind for each in there.objects}
    return [kind for _, kind in sorted(KINDS.items()) if kind.kind in named]
