"""It is known who answers for a model, and what to do when its alerts fire."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from aimass_compiler.catalog.policy_rule import DEPLOYMENTS, AdmissionClaim, PolicyObjection, PolicyRule
from aimass_compiler.catalog.quantities import Flag
from aimass_compiler.conventions import ANNOTATION_OWNER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.pipeline import Pipeline


class Ownership(PolicyRule):
    """It is known who answers for a model, and what to do when its alerts fire."""

    reads: ClassVar[tuple[str, ...]] = ("metadata", "monitoring")
    unseen: ClassVar[str] = "the runbook, which no object of the servers names"

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
        if not self.owner:
            return ()
        owned = (
            f"has(object.metadata.annotations) && '{ANNOTATION_OWNER}' in object.metadata.annotations && "
            f"object.metadata.annotations['{ANNOTATION_OWNER}'] != ''"
        )
        message = f"the annotation {ANNOTATION_OWNER} must say who answers for the model"
        return (AdmissionClaim(DEPLOYMENTS, owned, message),)
