"""KServe's own controller makes servers of the InferenceService that is rendered, and takes them away."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.kubernetes.connection import connect
from aimass_compiler.kubernetes.rollback import Rollback, roll_back
from scripts.cluster import kserve, programs
from scripts.cluster.cluster import Cluster
from tests.cluster.served import MODEL, Model, Way, eventually, watched

pytestmark = [pytest.mark.cluster, pytest.mark.nightly]
MADE = f"{MODEL}-predictor"


@dataclass(frozen=True)
class ByKserve(Way):
    """The same, by KServe."""

    @property
    def serving(self) -> dict[str, Any]:
        return {**super().serving, "target": "kserve"}


@dataclass(frozen=True)
class ByRequests(ByKserve):
    """And counted by KEDA."""

    @property
    def serving(self) -> dict[str, Any]:
        known = super().serving
        return {**known, "replicas": {**known["replicas"], "requests": 8}}


@dataclass(frozen=True)
class WithGrpc(ByKserve):
    """And asked by gRPC, too."""

    @property
    def serving(self) -> dict[str, Any]:
        return {**super().serving, "grpc": True}


OLD, NEW = ByKserve(2, 4), ByKserve(2, 4, seed=1)


@pytest.fixture
def model(
    tmp_path: Path, cluster: Cluster, namespace: str, build: Callable[[Sequence[str]], None]
) -> Iterator[Model]:
    """A model that nobody has applied, where KServe is installed."""
    build(programs.KSERVE)
    with kserve.running(cluster, namespace, tmp_path) as controller:
        yield Model(tmp_path, namespace, cluster)
        assert controller.is_running, controller.last_words()


CANARY = "tried"
KINDS = "inferenceservices,deployments,replicasets,pods,services,httproutes,hpa,pdb,networkpolicies"


def with_canary(namespace: str) -> list[dict[str, Any]]:
    """A service with a canary as KServe takes it, which is one of a runtime and not of a container."""
    of_kserve = {"metadata": {"name": CANARY, "namespace": namespace}}
    server = {
        "name": "kserve-container",
        "image": "registry.example.com/first",
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    first = {"modelFormat": {"name": "onnx"}, "runtime": CANARY}
    # A name must be there, and the webhook takes none: it is a container's.
    second = {"modelFormat": {"name": "onnx"}, "image": "registry.example.com/second", "name": ""}
    safe = {"runAsNonRoot": True, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}}
    runtime = {
        "apiVersion": "serving.kserve.io/v1alpha1",
        "kind": "ServingRuntime",
        **of_kserve,
        "spec": {"containers": [server], "supportedModelFormats": [{"name": "onnx"}]},
    }
    service = {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {
            **of_kserve["metadata"],
            "annotations": {"serving.kserve.io/deploymentMode": "Standard"},
        },
        "spec": {
            "predictor": {"minReplicas": 2, "securityContext": safe, "model": first},
            "canary": [{"trafficPercent": 50, "predictor": {"name": "second", "model": second}}],
        },
    }
    return [runtime, service]


def test_what_is_applied_becomes_servers_that_answer_to_the_same_names(model: Model) -> None:
    project = model.as_served(OLD)
    done = project.run("apply", "--timeout=90s")
    assert done.code == 0, done.told
    again = project.run("apply", "--timeout=90s")
    assert set(again.actions(MODEL).values()) == {"unchanged"}, "a second apply changes nothing"
    assert project.run("drift").code == 0

    conditions = {
        each["type"]: each["status"] for each in model.get("inferenceservice")["status"]["conditions"]
    }
    assert conditions["Ready"] == conditions["PredictorReady"] == "True"
    made = model.get("deployment", MADE)
    assert made["metadata"]["ownerReferences"][0]["kind"] == "InferenceService"
    pod = made["spec"]["template"]
    (server,) = pod["spec"]["containers"]
    assert server["image"].endswith(OLD.digest)
    assert server["resources"]["limits"]["cpu"] == "1", "what is written, and not KServe's own"
    assert pod["metadata"]["labels"]["aimass.dev/model"] == MODEL
    assert made["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": "25%", "maxUnavailable": 0}
    scaler = model.get("horizontalpodautoscaler", MADE)["spec"]
    assert (scaler["minReplicas"], scaler["maxReplicas"]) == (2, 4)
    (metric,) = scaler["metrics"]
    assert metric["resource"]["target"]["averageUtilization"] == 70
    assert model.objects("services,httproutes") == {
        f"Service {MODEL}",
        f"Service {MADE}",
        f"HTTPRoute {MODEL}",
    }
    ready = ready_addresses(model)
    assert ready[MODEL] == ready[MADE] != set()


def ready_addresses(model: Model) -> dict[str, set[str]]:
    """The addresses of servers that requests to each Service reach."""
    found: dict[str, set[str]] = {}
    for each in model.cluster.objects("endpointslices", model.namespace):
        service = each["metadata"]["labels"]["kubernetes.io/service-name"]
        ready = [end for end in each["endpoints"] or () if end["conditions"].get("ready")]
        found.setdefault(service, set()).update(address for end in ready for address in end["addresses"])
    return found


def test_grpc_reaches_the_servers_by_both_services_and_by_the_route(model: Model) -> None:
    done = model.as_served(WithGrpc(1, 1)).run("apply", "--timeout=90s")
    assert done.code == 0, done.told
    (server,) = model.get("deployment", MADE)["spec"]["template"]["spec"]["containers"]
    grpc = {"name": "grpc", "containerPort": 8081, "protocol": "TCP"}
    assert grpc in server["ports"]
    for service in (MODEL, MADE):  # ours, and that of KServe, which proxies read the protocol of
        (port,) = (each for each in model.get("service", service)["spec"]["ports"] if each["name"] == "grpc")
        assert (port["port"], port["appProtocol"]) == (8081, "kubernetes.io/h2c")
    rules = model.get("httproute")["spec"]["rules"]
    (rule,) = (each for each in rules if each["matches"][0]["path"]["value"].startswith("/inference."))
    assert [(each["name"], each["port"]) for each in rule["backendRefs"]] == [(MODEL, 8081)]


def test_a_new_version_is_waited_for_and_goes_back_in_git_and_at_once(model: Model) -> None:
    assert model.as_served(OLD).run("apply", "--timeout=90s").code == 0
    with watched(model) as seen:
        assert model.as_served(NEW).run("apply", "--timeout=90s").code == 0
        assert model.digests() == {NEW.digest}
        assert model.as_served(OLD).run("apply", "--timeout=90s").code == 0
        assert model.digests() == {OLD.digest}
        wanted = Rollback(MODEL, "dev", model.namespace, "wrong predictions", timeout=90)
        done = roll_back(connect(model.cluster.kubeconfig), wanted, list[str]().append)
        assert model.digests() == {NEW.digest}
        assert done.release.version
    assert seen.fewest >= OLD.least
    assert model.as_served(OLD).apply().code == ExitCode.HELD


def test_no_server_is_lost_between_targets(model: Model) -> None:
    plain = Way(2, 2)
    ways = (plain, OLD, ByKserve(3, 3, seed=1), plain)
    assert model.as_served(ways[0]).run("apply", "--timeout=90s").code == 0
    with watched(model) as seen:
        for way in ways[1:]:
            done = model.as_served(way).run("apply", "--timeout=90s")
            assert done.code == 0, done.told
    assert seen.fewest >= plain.least
    eventually(
        lambda: model.objects("deployments,hpa") == {f"Deployment {MODEL}"}, "what KServe made is gone"
    )


def test_the_number_of_servers_is_left_to_keda(model: Model) -> None:
    model.cluster.create_custom_resource_definitions("ScaledObject")
    assert model.as_served(ByRequests(1, 4)).run("apply", "--timeout=90s").code == 0
    assert model.get("scaledobject")["spec"]["scaleTargetRef"]["name"] == MADE
    model.kubectl("scale", f"deployment/{MADE}", "--replicas=3")  # as KEDA's autoscaler would
    assert model.as_served(ByRequests(1, 4, seed=1)).run("apply", "--timeout=90s").code == 0
    assert model.get("deployment", MADE)["spec"]["replicas"] == 3
    assert model.objects("hpa") == set()


def test_a_model_that_is_deleted_leaves_nothing(model: Model) -> None:
    before = model.objects(KINDS)
    assert model.as_served(OLD).run("apply", "--timeout=90s").code == 0
    done = model.as_served(OLD).run("delete", MODEL, "--yes")
    assert done.code == 0, done.told
    eventually(lambda: model.objects(KINDS) <= before, "nothing is left")


KINDS = (
    "inferenceservices,deployments,replicasets,pods,services,httproutes,hpa,pdb,networkpolicies,configmaps"
)


def test_a_canary_of_kserve_gets_no_requests(model: Model) -> None:
    """What AM500 says of it; where this fails, KServe has learned it."""
    model.cluster.apply(with_canary(model.namespace))
    both = {f"Deployment {CANARY}-predictor", f"Deployment {CANARY}-second-predictor"}
    eventually(lambda: both <= model.objects("deployments"), "it has servers of both versions")
    eventually(lambda: f"HTTPRoute {CANARY}" in model.objects("httproutes"), "it has a route")
    routes = model.cluster.objects("httproutes", model.namespace)
    rules = [rule for each in routes for rule in each["spec"]["rules"]]
    assert {backend["name"] for rule in rules for backend in rule["backendRefs"]} == {f"{CANARY}-predictor"}
