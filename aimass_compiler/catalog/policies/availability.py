"""What users may rely on is decided, and is not less than so much."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from aimass_compiler.catalog.policy_rule import (
    PROMETHEUS_RULES,
    AdmissionClaim,
    PolicyObjection,
    PolicyRule,
    of_declarations,
)
from aimass_compiler.catalog.quantities import Percentage
from aimass_compiler.conventions import (
    COMPONENT_MONITORING,
    LABEL_BUDGET,
    LABEL_MODEL,
    LABEL_OBJECTIVE,
    OBJECTIVE_AVAILABILITY,
    QUALITY,
    SCORING,
    TRAINING_ACCOUNT,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.pipeline import Pipeline
    from aimass_compiler.render.facts import Environment, Resolved

#: As a percentage.
_ALL = 100
_ROUNDING = 1e-9
_MODEL = f"object.metadata.labels['{LABEL_MODEL}']"
_BESIDE_NAMES = ", ".join(
    f"{_MODEL} + '{name.format(model='')}'" for name in (TRAINING_ACCOUNT, QUALITY, SCORING)
)
#: The rules of a model that are not about its servers.
_BESIDE = f"object.metadata.name in [{_BESIDE_NAMES}]"


class Availability(PolicyRule):
    """What users may rely on is decided, and is not less than so much.

    The default counts as undecided: alerts and error budgets come from it, so someone must have meant it.
    """

    reads: ClassVar[tuple[str, ...]] = ("serving.objectives",)
    unseen: ClassVar[str] = (
        "that someone decided it; nor `min`, where each model has its own alerts (`prometheus.rules`)"
    )

    min: Percentage | None = None
    """The least that may be promised; by default anything, as long as it is written."""

    def objections(self, model: Pipeline, environment: str) -> Iterator[PolicyObjection]:
        path = ("serving", "objectives", "availability")
        key = ".".join(path)
        objectives = model.environments[environment].serving.objectives
        promised = objectives.availability
        if "availability" not in objectives.model_fields_set:
            message = f"no one decided about the availability, which is {promised} by default"
            yield PolicyObjection(path, message, f"write `{key}: {self.min or promised}`")
        elif self.min is not None and promised.amount < self.min.amount:
            message = f"{promised} of requests are promised to succeed, and {self.min} must be"
            yield PolicyObjection(path, message, f"write `{key}: {self.min}`")

    def admissions(self) -> tuple[AdmissionClaim, ...]:
        """That it is watched: by an alert of the model, or as what the alerts of the fleet take it from."""
        enough = "true" if self.min is None else f"double(TEXT) <= {_budget(self.min)}"
        objective = (
            f"'{LABEL_OBJECTIVE}' in r.labels && r.labels.{LABEL_OBJECTIVE} == '{OBJECTIVE_AVAILABILITY}'"
        )
        rule = f"has(r.labels) && has(r.alert) && {objective}"
        expression = f"{_BESIDE} || object.spec.groups.exists(g, g.rules.exists(r, {rule}))"
        promised = "an availability" if self.min is None else f"an availability of {self.min} or more"
        message = f"{promised} must be promised, and watched"
        return (
            AdmissionClaim(PROMETHEUS_RULES, expression, message, COMPONENT_MONITORING),
            of_declarations(LABEL_BUDGET, enough, message),
        )

    def is_exempt(self, model: Resolved, here: Environment) -> bool:
        """Whether no error at all is allowed, so that there is no budget to watch."""
        del model
        return Percentage(here.promises.availability).amount >= _ALL


def _budget(least: Percentage) -> str:
    """The most that may fail, with what is lost where a label says it in nine digits."""
    return f"{1 - float(least.percent) / _ALL + _ROUNDING:.9f}"
