"""A new model is packaged only if it is no worse than the one that is released."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from aimass_compiler.catalog.policy_rule import (
    CONFIG_MAPS,
    AdmissionClaim,
    PolicyObjection,
    PolicyRule,
)
from aimass_compiler.conventions import COMPONENT_TRAINING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.pipeline import Pipeline


class ReleasedGate(PolicyRule):
    """A new model is packaged only if it is no worse than the one that is released.

    On the API server, a training job whose pipeline has no such gate is refused.
    """

    reads: ClassVar[tuple[str, ...]] = ("evaluation.gates",)
    is_of_environment: ClassVar[bool] = False
    unseen: ClassVar[str] = "training outside the cluster"

    def objections(self, model: Pipeline, environment: str) -> Iterator[PolicyObjection]:
        del environment
        if not any(gate.beats == "released" for gate in model.evaluation.gates):
            message = "no gate compares a new model with the one that is released"
            metric = model.objective.metric
            hint = f"add `{{metric: {metric}, beats: released}}` to `evaluation.gates`"
            yield PolicyObjection(("evaluation", "gates"), message, hint)

    def admissions(self) -> tuple[AdmissionClaim, ...]:
        gate = "object.data['pipeline.json'].matches('\"beats\": ?\"released\"')"
        expression = f"!has(object.data) || !('pipeline.json' in object.data) || {gate}"
        return (
            AdmissionClaim(
                CONFIG_MAPS, expression, "a model must beat the one that is released", COMPONENT_TRAINING
            ),
        )
