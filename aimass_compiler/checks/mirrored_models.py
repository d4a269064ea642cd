"""A mirror leads to a model of the project, which no spec shows by itself."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING

from aimass_compiler.diagnostics import Example, Explanation, Finding, did_you_mean
from aimass_compiler.model_path import beside
from aimass_compiler.pipeline.override_locations import place_in

if TYPE_CHECKING:
    from aimass_compiler.checks.project_code import CheckedSpec
    from aimass_compiler.pipeline import Pipeline

EXPLANATIONS = (
    Explanation(
        "AM550",
        "requests are mirrored to a model that is not there",
        "A mirror leads to the Service of another model of the same team, in the same namespace. There is no "
        "such spec, so that the gateway would find no Service, and some gateways answer every request to "
        "such a route with 500. Add the spec, or leave `mirror` out.",
    ),
)
EXAMPLES = (
    Example(
        "AM550",
        fails="`specs/churn.yaml` has `gateway: {host: churn.example.com, mirror: {model: churn-next}}`, and "
        "there is no `specs/churn-next.yaml`.",
        passes="there is one",
        of="situation",
    ),
)


def findings(specs: Iterable[CheckedSpec], models: Collection[str]) -> Iterator[Finding]:
    """Mirrors that lead to none of the project's `models`, of all specs that are compiled."""
    for spec in specs:
        if spec.pipeline is not None:
            yield from _of(spec.file, spec.pipeline, models)


def _of(file: str, pipeline: Pipeline, models: Collection[str]) -> Iterator[Finding]:
    seen = set()
    for name, environment in pipeline.environments.items():
        gateway, place = environment.serving.gateway, place_in(pipeline, name, "serving.gateway")
        if gateway is None or gateway.mirror is None or place in seen:
            continue
        seen.add(place)
        model = gateway.mirror.model
        if beside(pipeline.path, model) not in models:
            hint = did_you_mean(model, models) or "add its spec, or leave `mirror` out"
            path = (*place, "mirror", "model")
            yield Finding("AM550", path, f"there is no model `{model}`", help=hint, file=file)
