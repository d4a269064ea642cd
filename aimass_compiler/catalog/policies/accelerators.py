"""A model takes no more accelerators than so many."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from aimass_compiler.catalog.policy_rule import (
    DEPLOYMENTS,
    RAY_JOBS,
    TRAIN_JOBS,
    TRAINING_RUNTIMES,
    AdmissionClaim,
    PolicyObjection,
    PolicyRule,
    of_all_pods,
)
from aimass_compiler.catalog.quantities import Integer
from aimass_compiler.catalog.text_form import text_form
from aimass_compiler.conventions import COMPONENT_TRAINING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.pipeline import Pipeline

_Resource = Annotated[str, *text_form("[a-z0-9.-]+/[A-Za-z0-9._-]+", "resource", "`nvidia.com/gpu`")]
#: An API server knows no types of amounts, hence `dyn`.
_ASKED = (
    "(has({at}.{of}) && has({at}.{of}.limits) && '{name}' in {at}.{of}.limits ? "
    "int(string({at}.{of}.limits['{name}'])) : 0)"
)
#: Of a TrainJob: with one of both alone, its runtime would say the other.
_OF_NODES = (
    "!has({at}) || (!has({at}.numNodes) && !has({at}.resourcesPerNode)) || "
    "(has({at}.numNodes) && has({at}.resourcesPerNode) && {at}.numNodes * {asked} <= {most})"
)


class Accelerators(PolicyRule):
    """A model takes no more accelerators than so many."""

    reads: ClassVar[tuple[str, ...]] = ("serving", "training", "accelerator")
    unseen: ClassVar[str] = (
        "`servers`, because who scales decides how many there are; devices that pods claim (DRA)"
    )

    server: Integer | None = Field(None, ge=0, le=1_000)
    """The most for one server; by default any number."""
    servers: Integer | None = Field(None, ge=0, le=100_000)
    """The most for all servers that load may start, together."""
    training: Integer | None = Field(None, ge=0, le=100_000)
    """The most for all workers of a training job, together."""
    resource: _Resource = "nvidia.com/gpu"
    """What pods ask for."""

    def objections(self, model: Pipeline, environment: str) -> Iterator[PolicyObjection]:
        here = model.environments[environment]
        each, most = here.server_accelerators, here.serving.replicas.max
        if self.server is not None and each > self.server:
            message = f"each server has {each} accelerators, and the policy allows {self.server}"
            yield PolicyObjection(("accelerator",), message, "serve a smaller model, or quantize it")
        if self.servers is not None and each * most > self.servers:
            message = f"{most} servers have {each * most} accelerators, and the policy allows {self.servers}"
            hint = f"write `max: {self.servers // each}`" if self.servers >= each else "serve it on CPUs"
            yield PolicyObjection(("serving", "replicas", "max"), message, hint)
        wanted = here.training_accelerators
        if self.training is not None and wanted > self.training:
            message = f"training takes {wanted} accelerators, and the policy allows {self.training}"
            yield PolicyObjection(("training", "gpus"), message, "write fewer `gpus` or `workers`")

    def admissions(self) -> tuple[AdmissionClaim, ...]:
        found: tuple[AdmissionClaim, ...] = ()
        if self.server is not None:
            asked = self._asked("dyn(c)")
            claim = f"POD.containers.map(c, {asked}).sum() <= {self.server}"
            found = of_all_pods(claim, f"a server may ask for {self.server} of {self.resource}", DEPLOYMENTS)
        if self.training is None:
            return found
        message = f"a training job may ask for {self.training} of {self.resource}"
        claims = {
            RAY_JOBS: self._of_workers(self.training),
            TRAIN_JOBS: self._of_nodes(self.training),
            TRAINING_RUNTIMES: self._of_runtime(self.training),
        }
        jobs = (AdmissionClaim(kind, claim, message, COMPONENT_TRAINING) for kind, claim in claims.items())
        return (*found, *jobs)

    def _asked(self, place: str, part: str = "resources") -> str:
        return _ASKED.replace("{name}", self.resource).replace("{at}", place).replace("{of}", part)

    def _of_nodes(self, most: int) -> str:
        place = "object.spec.trainer"
        asked = self._asked(place, "resourcesPerNode")
        return _OF_NODES.replace("{at}", place).replace("{asked}", asked).replace("{most}", str(most))

    def _of_runtime(self, most: int) -> str:
        policy, jobs = "object.spec.mlPolicy", "object.spec.template.spec.replicatedJobs"
        count = f"(has({policy}) && has({policy}.numNodes) ? {policy}.numNodes : 1)"
        each = f"dyn(j).template.spec.template.spec.containers.map(c, {self._asked('dyn(c)')}).sum()"
        return f"{count} * {jobs}.map(j, {each}).sum() <= {most}"

    def _of_workers(self, most: int) -> str:
        asked = self._asked("dyn(c)")
        cluster = "object.spec.rayClusterSpec"
        each = f"g.template.spec.containers.map(c, {asked}).sum()"
        count = "(has(g.maxReplicas) ? g.maxReplicas : has(g.replicas) ? g.replicas : 1)"
        groups = f"{cluster}.workerGroupSpecs"
        return f"!has({groups}) || {groups}.map(g, {count} * {each}).sum() <= {most}"
