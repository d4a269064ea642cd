"""It is known who answers for a model, and what to do when its alerts fire."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from aimass_compiler.catalog.policy_rule import (
    DEPLOYMENTS,
    PROMETHEUS_RULES,
    AdmissionClaim,
    PolicyObjection,
    PolicyRule,
    of_declarations,
)
from aimass_compiler.catalog.quantities import Flag
from aimass_compiler.conventions import (
    ANNOTATION_OWNER,
    ANNOTATION_RUNBOOK,
    COMPONENT_MONITORING,
    LABEL_RUNBOOK,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.pipeline import Pipeline


class Ownership(PolicyRule):
    """It is known who answers for a model, and what to do when its alerts fire."""

    reads: ClassVar[tuple[str, ...]] = ("metadata", "monitoring")

    owner: Flag = Field(True)
    """Whether `metadata.owner` must be written."""
    runbook: Flag = Field(True)
    """Whether `monitoring.runbook` must be written."""

    def objections(self, model: Pipeline, environment: str) -> Iterator[PolicyObjection]:
        if self.owner and not model.metadata.owner.strip():
            help_ = "write `metadata.owner`: a team or an address"
            yield PolicyObjection(("metadata",), "no one owns the model", help_)
        if self.runbook and model.environments[environment].monitoring.runbook is None:
            help_ = "write `monitoring.runbook`: the page for who is called"
            yield PolicyObjection(("monitoring", "runbook"), "alerts link to no runbook", help_)

    def admissions(self) -> tuple[AdmissionClaim, ...]:
        return (*(self._owned() if self.owner else ()), *(self._helped() if self.runbook else ()))

    def _owned(self) -> tuple[AdmissionClaim, ...]:
        owned = (
            f"has(object.metadata.annotations) && '{ANNOTATION_OWNER}' in object.metadata.annotations && "
            f"object.metadata.annotations['{ANNOTATION_OWNER}'] != ''"
        )
        message = f"the annotation {ANNOTATION_OWNER} must say who answers for the model"
        return (AdmissionClaim(DEPLOYMENTS, owned, message),)

    def _helped(self) -> tuple[AdmissionClaim, ...]:
        """That each alert links to a runbook, or what the alerts of the fleet take it from."""
        message = "alerts must link to a runbook"
        alert = f"!has(r.alert) || (has(r.annotations) && '{ANNOTATION_RUNBOOK}' in r.annotations)"
        expression = f"object.spec.groups.all(g, g.rules.all(r, {alert}))"
        return (
            AdmissionClaim(PROMETHEUS_RULES, expression, message, COMPONENT_MONITORING),
            of_declarations(LABEL_RUNBOOK, "TEXT != ''", message),
        )
