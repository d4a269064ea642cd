"""How far Argo Rollouts is with a canary, as its Rollout says it.

Source: https://argo-rollouts.readthedocs.io/en/stable/features/analysis/ and rollout/sync.go of 1.9
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from msgspec import Struct

from aimass_compiler import conventions
from aimass_compiler.kubernetes.connection import Connection, KindMissing
from aimass_compiler.kubernetes.handover import deployment_of
from aimass_compiler.kubernetes.objects import Object, ObjectKey
from aimass_compiler.model_path import name_of
from aimass_compiler.render.object_kind import at
from aimass_compiler.render.serving.argo_rollouts import ROLLOUT

_UNDECIDED = frozenset(("InconclusiveAnalysisRun", "InconclusiveExperiment"))


class CanaryOutcome(StrEnum):
    """How a canary ended, as far as it did."""

    NONE = "none"
    """It goes on, or its controller has not seen it yet."""
    TOOK_OVER = "took over"
    ABORTED = "aborted"
    UNDECIDED = "undecided"
    """Its analysis could not decide, and the rollout waits for people."""


class CanaryState(Struct, frozen=True):
    """What a Rollout does with a version."""

    version: str
    """The version of the pods that it is to bring, as the release names it."""
    ending: CanaryOutcome
    message: str = ""
    """What Argo Rollouts says of it."""


def canary_state(connection: Connection, namespace: str, model: str) -> CanaryState | None:
    """How far a model's canary is; None where no Rollout serves it. Raises ClusterError."""
    name = name_of(model)
    try:
        rollout = connection.get(ObjectKey(ROLLOUT.group, ROLLOUT.kind, namespace, name))
    except KindMissing:
        return None
    if rollout is None:
        return None
    key = deployment_of(rollout)
    deployment = connection.get(key) if key is not None else None
    return state_of(rollout, deployment or rollout)


def state_of(rollout: Object, workload: Object) -> CanaryState:
    """What a Rollout and the workload that it takes its pods from say."""
    annotations = at(workload, "spec", "template", "metadata", "annotations") or {}
    version = str(annotations.get(conventions.ANNOTATION_VERSION, ""))
    status: dict[str, Any] = rollout.get("status") or {}
    message = str(status.get("message") or status.get("phase") or "")
    return CanaryState(version, _ending(rollout, workload, status), _with_run(message, status))


def _ending(rollout: Object, workload: Object, status: dict[str, Any]) -> CanaryOutcome:
    seen = (status.get("observedGeneration"), status.get("workloadObservedGeneration"))
    meant = (rollout["metadata"].get("generation"), workload["metadata"].get("generation"))
    if any(str(one) != str(other) for one, other in zip(seen, meant, strict=True) if other is not None):
        return CanaryOutcome.NONE
    if status.get("abort") or status.get("phase") == "Degraded":
        return CanaryOutcome.ABORTED
    if any(each.get("reason") in _UNDECIDED for each in status.get("pauseConditions") or ()):
        return CanaryOutcome.UNDECIDED
    is_stable = status.get("stableRS") == status.get("currentPodHash")
    return CanaryOutcome.TOOK_OVER if status.get("phase") == "Healthy" and is_stable else CanaryOutcome.NONE


def _with_run(message: str, status: dict[str, Any]) -> str:
    """With what the analysis says that people are to look at, where the Rollout does not."""
    run = at(status, "canary", "currentStepAnalysisRunStatus") or {}
    said = str(run.get("message") or "")
    if not said or said in message:
        return message
    return f"{message}: {run.get('name')}: {said}"
