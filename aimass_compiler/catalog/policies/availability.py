"""What users may rely on is decided, and is not less than so much."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from aimass_compiler.catalog.policy_rule import PolicyObjection, PolicyRule
from aimass_compiler.catalog.quantities import Percentage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.pipeline import Pipeline


class Availability(PolicyRule):
    """What users may rely on is decided, and is not less than so much.

    The default counts as undecided: alerts and error budgets come from it, so someone must have meant it.
    """

    reads: ClassVar[tuple[str, ...]] = ("serving.objectives",)
    unseen: ClassVar[str] = "all of it: objectives are rules of Prometheus, and no object of the servers"

    min: Percentage | None = None
    """The least that may be promised; by default anything, as long as it is written."""

    def objections(self, model: Pipeline, environment: str) -> Iterator[PolicyObjection]:
        path = ("serving", "objectives", "availability")
        objectives = model.environments[environment].serving.objectives
        promised = objectives.availability
        if "availability" not in objectives.model_fields_set:
            message = f"no one decided about the availability, which is {promised} by default"
            yield PolicyObjection(path, message, f"write `availability: {self.min or promised}`")
        elif self.min is not None and promised.amount < self.min.amount:
            message = f"{promised} of requests are promised to succeed, and {self.min} must be"
            yield PolicyObjection(path, message, f"write `availability: {self.min}`")
