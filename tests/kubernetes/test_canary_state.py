"""What a Rollout says is read as it is meant."""

from __future__ import annotations

from typing import Any

import pytest

from aimass_compiler import conventions
from aimass_compiler.kubernetes.canary_state import CanaryOutcome, CanaryState, state_of

HEALTHY = {"phase": "Healthy", "stableRS": "new", "currentPodHash": "new"}
BEGUN = {"phase": "Progressing", "stableRS": "old", "currentPodHash": "new"}
ABORTED = {
    **BEGUN,
    "phase": "Degraded",
    "abort": True,
    "message": 'RolloutAborted: Metric "shift" assessed Failed due to failed (1) > failureLimit (0)',
}
UNDECIDED = {
    **BEGUN,
    "phase": "Paused",
    "message": "InconclusiveAnalysisRun",
    "pauseConditions": [{"reason": "InconclusiveAnalysisRun"}],
    "canary": {"currentStepAnalysisRunStatus": {"name": "churn-2", "message": 'Metric "requests"'}},
}


def state(status: dict[str, Any], seen: str = "4", workload_seen: str = "7") -> CanaryState:
    annotations = {conventions.ANNOTATION_VERSION: "v2-4be17c20"}
    deployment = {"spec": {"template": {"metadata": {"annotations": annotations}}}}
    observed = {"observedGeneration": seen, "workloadObservedGeneration": workload_seen}
    return state_of(
        {"metadata": {"generation": 4}, "status": {**status, **observed}},
        {**deployment, "metadata": {"generation": 7}},
    )


@pytest.mark.parametrize(
    ("status", "ending"),
    [
        (HEALTHY, CanaryOutcome.TOOK_OVER),
        (BEGUN, CanaryOutcome.NONE),
        (
            {**BEGUN, "phase": "Paused", "pauseConditions": [{"reason": "CanaryPauseStep"}]},
            CanaryOutcome.NONE,
        ),
        (ABORTED, CanaryOutcome.ABORTED),
        (UNDECIDED, CanaryOutcome.UNDECIDED),
    ],
)
def test_a_canary_has_ended_as_its_rollout_says(status: dict[str, Any], ending: CanaryOutcome) -> None:
    assert state(status).ending is ending
    assert state(status).version == "v2-4be17c20"


@pytest.mark.parametrize("behind", [{"seen": "3"}, {"workload_seen": "6"}])
@pytest.mark.parametrize("status", [HEALTHY, ABORTED])
def test_what_the_controller_has_not_seen_has_not_ended(
    status: dict[str, Any], behind: dict[str, str]
) -> None:
    assert state(status, **behind).ending is CanaryOutcome.NONE


def test_the_message_says_which_measure_it_was() -> None:
    assert "shift" in state(ABORTED).message
    assert state(UNDECIDED).message == 'InconclusiveAnalysisRun: churn-2: Metric "requests"'
