"""A new version takes over step by step, and begins with a small share of the traffic."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from aimass_compiler.catalog.policy_rule import (
    AUTOSCALERS,
    ROLLOUTS,
    AdmissionClaim,
    PolicyObjection,
    PolicyRule,
)
from aimass_compiler.catalog.quantities import Number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.pipeline import Pipeline


class Canary(PolicyRule):
    """A new version takes over step by step, and begins with a small share of the traffic."""

    reads: ClassVar[tuple[str, ...]] = ("serving.rollout",)
    unseen: ClassVar[str] = "a fixed number of servers without a Rollout"

    first: Number = Field(50, gt=0, lt=100)
    """The largest percentage that the first step may have."""

    def objections(self, model: Pipeline, environment: str) -> Iterator[PolicyObjection]:
        steps = model.environments[environment].serving.rollout.canary
        path = ("serving", "rollout", "canary")
        usual = f"write steps such as `serving.rollout.canary: [{self.first:g}, 100]`"
        if not steps:
            yield PolicyObjection(path, "a new version takes over all traffic at once", usual)
        elif steps[0] > self.first:
            message = (
                f"a new version begins with {steps[0]:g} % of the traffic, and {self.first:g} % are allowed"
            )
            yield PolicyObjection(path, message, usual)

    def admissions(self) -> tuple[AdmissionClaim, ...]:
        steps = "object.spec.strategy.canary.steps"
        first = f"{steps}.filter(s, has(s.setWeight))[0].setWeight <= {self.first:g}"
        has_steps = f"has({steps}) && {steps}.exists(s, has(s.setWeight)) && {first}"
        canary = f"has(object.spec.strategy.canary) && {has_steps}"
        return (
            AdmissionClaim(
                ROLLOUTS, canary, f"the first step of a canary may have {self.first:g} % of the traffic"
            ),
            AdmissionClaim(
                AUTOSCALERS,
                "object.spec.scaleTargetRef.kind != 'Deployment'",
                "servers must be scaled by a Rollout, so that a new version takes over step by step",
            ),
        )
