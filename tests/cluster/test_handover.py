"""However a model's servers are scaled from now on, none is lost, and everybody keeps what is theirs."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aimass_compiler.exit_codes import ExitCode
from scripts.cluster.cluster import Cluster
from tests.cluster.served import MODEL, Model, Way, eventually, watched
from tests.cluster.test_apply import inventory
from tests.harness import argo_rollouts

pytestmark = pytest.mark.cluster
FIXED, SCALED, CANARY = Way(3, 3), Way(3, 12), Way(3, 12, has_canary=True)
COUNTED = Way(3, 12, by_requests=True)
#: From each kind to each other one, and between few servers and many.
TOUR = (
    FIXED,
    SCALED,
    CANARY,
    FIXED,
    CANARY,
    SCALED,
    FIXED,
    Way(1, 4),
    Way(2, 2, has_canary=True),
    FIXED,
)
DIFFERS = 2
#: By which Argo Rollouts tells the versions' pods apart.
VERSION = "rollouts-pod-template-hash"


@pytest.fixture
def model(tmp_path: Path, cluster: Cluster, namespace: str) -> Model:
    """A model that nobody has applied."""
    return Model(tmp_path, namespace, cluster)


@pytest.fixture
def rollouts(cluster: Cluster, namespace: str) -> Iterator[None]:
    """Somebody makes pods of Rollouts."""
    with argo_rollouts.running(cluster, namespace):
        yield


def move(model: Model, before: Way | None, after: Way) -> None:
    """Serve a model otherwise, look at every server meanwhile, and see that it then stays as it is."""
    project = model.as_served(after)
    with watched(model) as seen:
        done = project.run("apply", "--timeout=90s")
        assert (done.code, done.document["models"][0]["ready"]) == (0, True), f"{before} → {after}: {done}"
        eventually(lambda: has_settled(model, after), f"{after} has settled")
    fewest = min(before.least, after.least) if before is not None else 0
    assert seen.fewest >= fewest, f"{before} → {after}: {seen.counts}"
    again = project.run("apply", "--timeout=90s")
    changed = {name: act for name, act in again.actions(MODEL).items() if act != "unchanged"}
    assert (again.code, changed) == (0, {}), f"{before} → {after}"
    drift = project.run("drift", form="people")
    assert drift.code == 0, drift.document
    assert health(model, after) == "healthy"


def has_settled(model: Model, way: Way) -> bool:
    """Whether nothing is left of how it was served, and nobody is to come or go."""
    kinds = {each["kind"]: each for each in model.cluster.objects("deployments,rollouts", model.namespace)}
    deployment = kinds["Deployment"]
    selector = model.get("service")["spec"]["selector"]
    if way.has_canary != ("Rollout" in kinds) or way.has_canary != (VERSION in selector):
        return False
    leading = kinds["Rollout"] if way.has_canary else deployment
    resting = deployment["spec"]["replicas"] == 0 if way.has_canary else True
    pods = [each for each in model.cluster.objects("pods", model.namespace) if each["status"]]
    wanted = leading["spec"]["replicas"]
    return resting and len(pods) == wanted and leading["status"].get("readyReplicas") == wanted


def health(model: Model, way: Way) -> str:
    (place,) = model.as_served(way).run("status").document["environments"]
    found: str = place["models"][0]["health"]
    return found


#: Which version is behind each Service of a canary.
VERSIONS = {MODEL: "stable", f"{MODEL}-canary": "canary"}


def backends(model: Model) -> dict[str, int]:
    """The weight of each Service."""
    (rule,) = model.get("httproute")["spec"]["rules"]
    return {VERSIONS[each["name"]]: each["weight"] for each in rule["backendRefs"]}


def shift(model: Model, stable: int, canary: int, manager: str = "gatewayAPI") -> None:
    """Move traffic, as the plugin of Argo Rollouts does: it puts the whole object back."""
    route = model.get("httproute")
    for backend in route["spec"]["rules"][0]["backendRefs"]:
        backend["weight"] = {"stable": stable, "canary": canary}[VERSIONS[backend["name"]]]
    model.cluster.kubectl("replace", f"--field-manager={manager}", "-f-", given=route)


def test_no_server_is_lost_on_the_way_to_another_way_of_serving(model: Model, rollouts: None) -> None:
    for before, after in zip((None, *TOUR), TOUR, strict=False):
        move(model, before, after)


def test_no_server_is_lost_between_an_autoscaler_and_keda(model: Model) -> None:
    for before, after in itertools.pairwise((None, SCALED, COUNTED, FIXED, COUNTED, SCALED)):
        assert after is not None
        move(model, before, after)


def test_kedas_admission_finds_an_autoscaler_that_it_may_count_beside(model: Model) -> None:
    assert model.as_served(SCALED).run("apply", "--timeout=60s").code == 0
    assert "annotations" not in model.get("hpa")["metadata"]
    assert model.as_served(COUNTED).run("apply", "--no-prune", "--timeout=60s").code == 0
    assert model.get("hpa")["metadata"]["annotations"] == {"validations.keda.sh/hpa-ownership": "false"}
    assert model.as_served(COUNTED).run("apply", "--timeout=60s").code == 0
    assert model.cluster.objects("hpa", model.namespace) == []


def test_a_new_model_begins_with_as_many_servers_as_it_needs(model: Model) -> None:
    with watched(model) as seen:
        assert model.as_served(SCALED).run("apply", "--timeout=60s").code == 0
    assert seen.counts[-1] == SCALED.least
    assert model.get("deployment")["spec"]["replicas"] == SCALED.least


def test_what_an_autoscaler_has_set_stays(model: Model) -> None:
    project = model.as_served(SCALED)
    assert project.run("apply", "--timeout=60s").code == 0
    model.kubectl("scale", f"deployment/{MODEL}", "--replicas=7")
    for _ in range(2):
        assert project.run("apply", "--timeout=60s").code == 0
    assert model.get("deployment")["spec"]["replicas"] == 7
    assert project.run("drift").code == 0
    more = model.as_served(Way(3, 12, seed=1))
    assert more.run("apply", "--timeout=60s").code == 0
    assert model.get("deployment")["spec"]["replicas"] == 7


def test_a_selector_that_argo_rollouts_cleans_late_is_as_it_should_be(model: Model) -> None:
    project = model.as_served(SCALED)
    assert project.apply().code == 0
    for version in ("6d4cf56db6", None):
        patch = json.dumps({"spec": {"selector": {VERSION: version}}})
        written = ("--type=merge", f"--patch={patch}", "--field-manager=rollouts-controller")
        model.kubectl("patch", "service", MODEL, *written)
    done = project.apply()
    assert (done.code, done.actions(MODEL)[f"Service {MODEL}"]) == (0, "unchanged")


@pytest.mark.parametrize("way", [FIXED, SCALED, CANARY], ids=str)
def test_a_model_that_was_scaled_to_nothing_is_told_and_served_again(
    model: Model, rollouts: None, way: Way
) -> None:
    project, kind = model.as_served(way), "rollout" if way.has_canary else "deployment"
    assert project.run("apply", "--timeout=90s").code == 0
    model.kubectl("scale", f"{kind}/{MODEL}", "--replicas=0")
    (told,) = project.run("status").document["environments"][0]["models"]
    # Of a number that git declares, nothing is left in the cluster.
    assert (told["health"], told["wanted"]) == ("degraded", 1 if way == FIXED else 3)
    assert "it was scaled to 0" in told["reason"]
    found = project.run("drift", form="people")
    assert (found.code, "spec.replicas: is 0, in git 3" in found.document["text"]) == (DIFFERS, True)
    done = project.run("apply", "--timeout=90s")
    assert (done.code, done.actions(MODEL)[f"{kind.title()} {MODEL}"]) == (0, "changed")
    assert model.get(kind)["spec"]["replicas"] == 3
    assert health(model, way) == "healthy"


@pytest.mark.parametrize("weights", [(75, 25), (100, 0)])
def test_a_canary_moves_weights_and_git_everything_else(
    model: Model, rollouts: None, weights: tuple[int, int]
) -> None:
    first, second = model.as_served(CANARY), model.as_served(Way(3, 12, has_canary=True, seed=1))
    assert first.run("apply", "--timeout=90s").code == 0
    assert backends(model) == {"stable": 100, "canary": 0}
    assert second.apply().code == 0
    shift(model, *weights)
    wanted = dict(zip(("stable", "canary"), weights, strict=True))
    for options in ((), ("--force-conflicts",)):
        done = second.apply(*options)
        assert (done.code, set(done.actions(MODEL).values())) == (0, {"unchanged"})
    assert backends(model) == wanted
    assert second.run("drift").code == 0
    back = first.apply()
    assert (back.code, back.actions(MODEL)[f"Deployment {MODEL}"]) == (0, "changed")
    assert back.actions(MODEL)[f"HTTPRoute {MODEL}"] == "unchanged"
    assert backends(model) == wanted
    slower = model.as_served(Way(3, 12, has_canary=True, timeout="7s"))
    done = slower.apply()
    assert (done.code, done.actions(MODEL)[f"HTTPRoute {MODEL}"]) == (0, "changed")
    assert backends(model) == wanted
    assert model.get("httproute")["spec"]["rules"][0]["timeouts"] == {"request": "8000ms"}
    assert slower.run("drift").code == 0


def test_a_canary_is_not_waited_for_once_its_first_step_runs(model: Model) -> None:
    project = model.as_served(CANARY)
    assert project.apply().code == 0
    begun(model, step=0)
    starting = project.run("apply", "--timeout=2s")
    assert (starting.code, "Rollout diabetes is not ready" in starting.told) == (ExitCode.NOT_READY, True)
    begun(model, step=1)
    done = project.run("apply", "--timeout=60s")
    (applied,) = done.document["models"]
    assert (done.code, applied["ready"], applied["started"]) == (0, False, True)
    assert set(done.actions(MODEL).values()) == {"unchanged"}
    assert project.run("apply", "--wait-canary", "--timeout=2s").code == ExitCode.NOT_READY
    assert project.run("drift").code == 0
    (told,) = project.run("status").document["environments"][0]["models"]
    assert (told["health"], told["stable"]) == ("progressing", "the version before")
    # What never took over is nothing to go back to.
    assert model.as_served(Way(3, 12, has_canary=True, seed=1)).apply().code == 0
    assert inventory(model.cluster, model.namespace, MODEL)["before"]["images"] == {}


def test_how_the_version_before_ended_is_not_held_against_the_next(model: Model) -> None:
    assert model.as_served(CANARY).apply().code == 0
    begun(model, step=1, phase="Degraded")
    failed = model.as_served(CANARY).run("apply", "--timeout=60s")
    assert (failed.code, "Rollout diabetes is not ready: Degraded" in failed.told) == (
        ExitCode.NOT_READY,
        True,
    )
    back = model.as_served(Way(3, 12, has_canary=True, seed=1)).run("apply", "--timeout=2s")
    assert (back.code, "Degraded" in back.told) == (ExitCode.NOT_READY, False)
    assert "its controller has not seen the Deployment's change yet" in back.told


def begun(model: Model, step: int, phase: str = "Progressing") -> None:
    """As Argo Rollouts reports a canary that is at one of its steps."""
    rollout, deployment = model.get("rollout"), model.get("deployment")
    status = {
        "phase": phase,
        "observedGeneration": str(rollout["metadata"]["generation"]),
        "workloadObservedGeneration": str(deployment["metadata"]["generation"]),
        "stableRS": "6d4cf56db6",
        "currentPodHash": "7f9c6d8b5c",
        "currentStepIndex": step,
        "availableReplicas": 3,
    }
    patch = f"--patch={json.dumps({'status': status})}"
    model.kubectl("patch", "rollout", MODEL, "--type=merge", "--subresource=status", patch)


def test_a_route_that_somebody_else_edits_is_a_conflict_still(model: Model) -> None:
    project = model.as_served(CANARY)
    assert project.apply().code == 0
    hosts: dict[str, Any] = {"spec": {"hostnames": ["mine.example.com"]}}
    model.kubectl("patch", "httproute", MODEL, "--type=merge", f"--patch={json.dumps(hosts)}")
    done = project.apply()
    assert (done.code, "`spec.hostnames` is managed by" in done.told) == (ExitCode.CONFLICT, True)
    assert project.run("drift").code == DIFFERS


def test_a_rollout_serves_until_its_deployment_does(model: Model, rollouts: None) -> None:
    assert model.as_served(CANARY).run("apply", "--timeout=90s").code == 0
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "full", "namespace": model.namespace},
        "spec": {"hard": {"pods": "3"}},
    }
    model.cluster.apply([quota])
    project = model.as_served(SCALED)
    with watched(model) as seen:
        assert project.run("apply", "--timeout=3s").code == ExitCode.NOT_READY
        left = project.apply()
        assert (left.code, left.actions(MODEL)[f"Rollout {MODEL}"]) == (0, "left")
        model.kubectl("delete", "resourcequota", "full")
        done = project.run("apply", "--timeout=90s")
        assert (done.code, done.actions(MODEL)[f"Rollout {MODEL}"]) == (0, "deleted"), done
        eventually(lambda: has_settled(model, SCALED), "the Deployment serves")
    assert seen.fewest >= SCALED.least


def test_what_a_rollout_left_at_nothing_is_served_again(model: Model) -> None:
    """As applying left models before: the Rollout is gone, and its Deployment stays at 0."""
    for way in (FIXED, SCALED):
        project = model.as_served(way)
        assert project.run("apply", "--timeout=60s").code == 0
        nothing = ("--type=merge", '--patch={"spec":{"replicas":0}}', "--field-manager=rollouts-controller")
        model.kubectl("patch", "deployment", MODEL, *nothing)
        assert health(model, way) == "degraded"
        assert project.run("apply", "--timeout=60s").code == 0
        assert model.get("deployment")["spec"]["replicas"] == way.least
