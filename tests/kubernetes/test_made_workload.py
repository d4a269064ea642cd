"""An InferenceService is as far as the Deployment that KServe makes of it, whatever it says itself."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from aimass_compiler.kubernetes.pod_images import images_of, with_images
from aimass_compiler.kubernetes.readiness import seen_state
from aimass_compiler.render.object_kind import Object

CONTAINER = {
    "name": "kserve-container",
    "image": "r/churn@sha256:2",
    "env": [{"name": "LIMIT", "value": "9"}],
}
LIVE: dict[str, Any] = {
    "apiVersion": "serving.kserve.io/v1beta1",
    "kind": "InferenceService",
    "metadata": {"name": "churn", "namespace": "ml", "uid": "1"},
    "spec": {"predictor": {"minReplicas": 2, "containers": [CONTAINER]}},
    "status": {"conditions": [{"type": "Ready", "status": "True"}]},
}
MADE: dict[str, Any] = {
    "metadata": {"name": "churn-predictor", "generation": 3, "ownerReferences": [{"uid": "1"}]},
    "spec": {"replicas": 2, "template": {"spec": {"containers": [CONTAINER]}}},
    "status": {"observedGeneration": 3, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2},
}


class Connected:
    """A cluster with one Deployment, or none."""

    def __init__(self, made: Object | None) -> None:
        self.made = made

    def list(self, group: str, kind: str, namespace: str) -> list[Object]:
        assert (group, kind, namespace) == ("apps", "Deployment", "ml")
        return [self.made] if self.made else []


def changed(**parts: Any) -> dict[str, Any]:
    made = copy.deepcopy(MADE)
    for path, value in parts.items():
        *above, last = path.split("__")
        node = made
        for key in above:
            node = node[key]
        node[last] = value
    return made


OTHER_IMAGE = [{**CONTAINER, "image": "r/churn@sha256:1"}]
OTHER_LIMIT = [{**CONTAINER, "env": [{"name": "LIMIT", "value": "8"}]}]


@pytest.mark.parametrize(
    ("made", "is_ready", "told"),
    [
        (MADE, True, ""),
        (None, False, "has not made `churn-predictor` yet"),
        (changed(metadata__ownerReferences=[{"uid": "of another"}]), False, "has not made"),
        (changed(spec__template__spec__containers=OTHER_IMAGE), False, "has not seen the change yet"),
        (changed(spec__template__spec__containers=OTHER_LIMIT), False, "has not seen the change yet"),
        (changed(status__updatedReplicas=1), False, "1 of 2 are new"),
        (changed(status__availableReplicas=1, spec__replicas=1, status__updatedReplicas=1), False, "1"),
    ],
)
def test_its_pods_say_how_far_it_is(made: Object | None, is_ready: bool, told: str) -> None:  # of a table
    state = seen_state(Connected(made), LIVE, 1)  # type: ignore[arg-type]  # all that is asked of a connection
    assert state.is_ready == is_ready
    assert told in state.message


def test_it_is_not_ready_where_it_says_so_itself() -> None:
    live = {**LIVE, "status": {"conditions": [{"type": "Ready", "status": "False", "message": "no route"}]}}
    state = seen_state(Connected(MADE), live, 1)  # type: ignore[arg-type]  # as above
    assert (state.is_ready, state.message) == (False, "no route")


def test_its_images_can_be_changed_at_once() -> None:
    place = "containers/kserve-container"
    other = with_images(LIVE, {place: "r/churn@sha256:1"}, "v1")
    assert images_of(other) == {place: "r/churn@sha256:1"}
    assert images_of(LIVE) == {place: "r/churn@sha256:2"}
    assert other["spec"]["predictor"]["containers"][0]["env"] == CONTAINER["env"]
