"""So many servers always run, and in so many zones."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from aimass_compiler.catalog.policy_rule import (
    AUTOSCALERS,
    DEPLOYMENTS,
    LEADER_WORKER_SETS,
    ROLLOUTS,
    SCALED_OBJECTS,
    AdmissionClaim,
    PolicyObjection,
    PolicyRule,
    of_all_pods,
)
from aimass_compiler.catalog.quantities import Integer
from aimass_compiler.conventions import LABEL_ZONE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.pipeline import Pipeline

#: Who scales leaves `replicas` to the scaler: what no one declares is a default of the API server.
_DECLARED = (
    "dyn(object.metadata.managedFields).exists(m, has(m.fieldsV1) && 'f:spec' in m.fieldsV1 && "
    "'f:replicas' in m.fieldsV1['f:spec']ONLY)"
)
_SPREAD = (
    "has(POD.topologySpreadConstraints) && POD.topologySpreadConstraints.exists(c, "
    f"c.topologyKey == '{LABEL_ZONE}' && c.whenUnsatisfiable == 'DoNotSchedule' && "
    "has(c.minDomains) && c.minDomains >= ZONES)"
)


class Servers(PolicyRule):
    """So many servers always run, and in so many zones.

    A server alone takes the model down whenever its node is drained, and all servers in one zone go with it.
    """

    reads: ClassVar[tuple[str, ...]] = ("serving.replicas", "serving.shared")

    min: Integer = Field(3, ge=1, le=1000)
    """The fewest servers that always run."""
    zones: Integer = Field(1, ge=1, le=100)
    """The fewest zones that they are spread over: `serving.replicas.zones` must be as many."""

    def objections(self, model: Pipeline, environment: str) -> Iterator[PolicyObjection]:
        replicas, path, file = model.replicas_in(environment)
        key = ".".join(map(str, path))
        if replicas.fewest < replicas.min and replicas.fewest < self.min:
            message = f"no server runs while no request comes, where {self.min} are wanted"
            yield PolicyObjection((*path, "idle"), message, "leave `idle` out", file)
        elif replicas.min < self.min:
            message = f"{_servers(replicas.min)}, where {self.min} are wanted"
            yield PolicyObjection((*path, "min"), message, f"write `{key}.min: {self.min}`", file)
        if (replicas.zones or 1) < self.zones:
            message = f"servers may all be in one zone, where {self.zones} are wanted"
            if replicas.zones:
                message = f"servers are in {replicas.zones} zones, where {self.zones} are wanted"
            yield PolicyObjection((*path, "zones"), message, f"write `{key}.zones: {self.zones}`", file)

    def admissions(self) -> tuple[AdmissionClaim, ...]:
        enough = f"object.spec.replicas == 0 || object.spec.replicas >= {self.min}"
        few = f"there must be {self.min} servers or more"
        undeclared = _DECLARED.replace("ONLY", "")
        applied = _DECLARED.replace("ONLY", " && m.operation == 'Apply'")
        return (
            AdmissionClaim(DEPLOYMENTS, f"!{undeclared} || {enough}", few),
            # Its controller writes the default of 1 into what an autoscaler scales; who applies does not.
            AdmissionClaim(ROLLOUTS, f"!{applied} || {enough}", few),
            AdmissionClaim(LEADER_WORKER_SETS, f"!{undeclared} || {enough}", few),
            AdmissionClaim(
                AUTOSCALERS, f"has(object.spec.minReplicas) && object.spec.minReplicas >= {self.min}", few
            ),
            AdmissionClaim(
                SCALED_OBJECTS,
                f"has(object.spec.minReplicaCount) && object.spec.minReplicaCount >= {self.min}",
                few,
            ),
            *self._spread(),
        )

    def _spread(self) -> tuple[AdmissionClaim, ...]:
        if self.zones == 1:
            return ()
        message = f"servers must be spread over {self.zones} zones or more"
        return of_all_pods(
            _SPREAD.replace("ZONES", str(self.zones)), message, DEPLOYMENTS, LEADER_WORKER_SETS
        )


def _servers(count: int) -> str:
    return "1 server always runs" if count == 1 else f"{count} servers always run"
