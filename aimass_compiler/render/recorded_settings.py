"""What aimass.yaml says that the files of a model follow, and that nothing else in its record shows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from aimass_compiler.catalog.language_engine import engine_named
from aimass_compiler.pipeline import Pipeline
from aimass_compiler.pipeline.serving import Serving
from aimass_compiler.pipeline.waiver import Waiver
from aimass_compiler.render.facts import Environment

#: What holds for every model.
_OF_ALL = ("users", "monitoring", "pipeline", "engine")
#: Of the first environment, where models are trained.
_OF_TRAINING = ("store", "engine")
#: Of where canaries and autoscalers ask.
_ASKED = {"prometheus": {"url", "tenant", "secret"}}


def recorded(pipeline: Pipeline, environments: Mapping[str, Environment]) -> dict[str, Any]:
    """The settings as they are written, without those that are as they would be by default.

    Only what the model has to do with: another model's record is not to change with them.
    """
    settings = pipeline.settings
    is_asked = any(each.servers.is_canary or each.servers.scaled_by for each in environments.values())
    wanted: dict[str, Any] = {**dict.fromkeys(_OF_ALL, True), "generated": {"layout"}}
    found = settings.model_dump(
        mode="json", exclude_defaults=True, include=wanted | (_ASKED if is_asked else {})
    )
    servings = [each.serving for each in pipeline.environments.values()]
    if settings.logs is not None and any(map(_writes_records, servings)):
        found["logs"] = {"secret": settings.logs.secret}
    if accepted := [_shown(each) for each in settings.waivers if each.is_of_scanner]:
        found["waivers"] = accepted
    if own := {name: written for name in environments if (written := _of_environment(pipeline, name))}:
        found["environments"] = own
    return {key: value for key, value in found.items() if value != {}}


def _shown(waiver: Waiver) -> str:
    return f"{waiver.code}{f' at {waiver.at}' if waiver.at else ''}: {waiver.reason}"


def _writes_records(serving: Serving) -> bool:
    return engine_named(serving.engine).is_ours and serving.logs.predictions.sample > 0


def _of_environment(pipeline: Pipeline, name: str) -> dict[str, Any]:
    keys = {"applied_by", *_keys(pipeline, name, pipeline.environments[name].serving)}
    found: dict[str, Any] = pipeline.settings.environments[name].model_dump(
        mode="json", exclude_defaults=True, exclude_none=True, include=keys
    )
    return found


def _keys(pipeline: Pipeline, name: str, serving: Serving) -> Iterator[str]:
    is_first = name == next(iter(pipeline.environments))
    if serving.gateway is not None or serving.access is not None:
        yield "gateway"
    if pipeline.settings.team is None:  # the roles of a team are made once for all of its models
        yield "oncall"
    if is_first and pipeline.settings.generated.training_job:
        yield from _of_training(pipeline.settings.team is None)


def _of_training(is_alone: bool) -> Iterable[str]:
    return (*_OF_TRAINING, "trainer") if is_alone else _OF_TRAINING
