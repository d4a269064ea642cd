"""The base says what all environments share, an overlay only what is different there."""

from __future__ import annotations

from typing import Any

import pytest

from aimass_compiler import conventions
from aimass_compiler.render import render
from render.files import below, kustomization, objects, of_kind, one, patches
from render.models import VARIED, pipeline

PLAIN = render(pipeline())
KUSTOMIZATION = "kustomization.yaml"


def pod(files: dict[str, bytes]) -> dict[str, Any]:
    spec: dict[str, Any] = one(files, "base", "Deployment")["spec"]["template"]["spec"]
    return spec


def container(files: dict[str, bytes]) -> dict[str, Any]:
    found: dict[str, Any] = pod(files)["containers"][0]
    return found


def test_the_base_holds_the_servers_and_what_is_watched_in_all_environments() -> None:
    assert below(PLAIN, "base") == {KUSTOMIZATION, "server.yaml", "dashboard.json"}
    assert [document["kind"] for document in objects(PLAIN, "base")] == [
        "Deployment",
        "ServiceAccount",
        "Service",
        "NetworkPolicy",
        "HorizontalPodAutoscaler",
        "PodDisruptionBudget",
        "ServiceMonitor",
    ]


def test_an_overlay_without_overrides_holds_its_alerts_and_no_patch() -> None:
    assert below(PLAIN, "overlays/staging") == {KUSTOMIZATION, "alerts.yaml"}
    overlay = kustomization(PLAIN, "overlays/staging")
    assert set(overlay) == {"apiVersion", "kind", "namespace", "resources", "labels", "images"}


def test_an_override_becomes_a_patch_of_exactly_that() -> None:
    patch = patches(PLAIN, "prod")["HorizontalPodAutoscaler", "churn"]
    assert patch["spec"] == {"minReplicas": 3, "maxReplicas": 20}
    assert {kind for kind, _ in patches(PLAIN, "prod")} == {"Deployment", "HorizontalPodAutoscaler"}


def test_an_override_of_one_limit_changes_one_variable() -> None:
    (server,) = patches(PLAIN, "prod")["Deployment", "churn"]["spec"]["template"]["spec"]["containers"]
    changed = {"name": conventions.VARIABLE_CONCURRENCY, "value": "128"}
    assert server == {"name": "server", "env": [changed]}


def test_one_replica_needs_no_autoscaler_and_no_budget() -> None:
    for kind in ("HorizontalPodAutoscaler", "PodDisruptionBudget"):
        assert patches(PLAIN, "dev")[kind, "churn"]["$patch"] == "delete"
    assert patches(PLAIN, "dev")["Deployment", "churn"]["spec"]["replicas"] == 1


def test_who_is_scaled_has_no_replicas_of_its_own() -> None:
    assert "replicas" not in one(PLAIN, "base", "Deployment")["spec"]
    fixed = render(VARIED["fixed-replicas"])
    assert one(fixed, "base", "Deployment")["spec"]["replicas"] == 3
    assert patches(fixed, "prod")["Deployment", "churn"]["spec"] == {"replicas": None}
    assert one(fixed, "overlays/prod", "HorizontalPodAutoscaler")["spec"]["maxReplicas"] == 9


@pytest.mark.parametrize(
    ("changes", "variable", "value"),
    [
        ({"limits": {"concurrency": 7}}, conventions.VARIABLE_CONCURRENCY, "7"),
        ({"limits": {"timeout": "1500ms"}}, conventions.VARIABLE_TIMEOUT_SECONDS, "1.5"),
        ({"limits": {"body": "2Mi"}}, conventions.VARIABLE_BODY_BYTES, "2097152"),
        ({"logs": {"predictions": {"sample": 0.00001}}}, conventions.VARIABLE_PREDICTION_SAMPLE, "0.00001"),
        ({"limits": {"timeout": "30s"}}, conventions.VARIABLE_DRAIN_SECONDS, "37"),
    ],
)
def test_each_limit_reaches_the_server_by_its_variable(
    changes: dict[str, Any], variable: str, value: str
) -> None:
    files = render(pipeline({"serving": changes}))
    assert limits(files)[variable] == value


def test_the_drift_window_reaches_the_server() -> None:
    files = render(pipeline({"monitoring": {"drift": {"window": "2h"}}}))
    assert limits(files)[conventions.VARIABLE_DRIFT_WINDOW_SECONDS] == "7200"
    files = render(pipeline(overrides={"prod": {"monitoring": {"drift": {"window": "2h"}}}}))
    (server,) = patches(files, "prod")["Deployment", "churn"]["spec"]["template"]["spec"]["containers"]
    assert server["env"] == [{"name": conventions.VARIABLE_DRIFT_WINDOW_SECONDS, "value": "7200"}]


def test_every_variable_of_the_server_is_set() -> None:
    variables = {value for name, value in vars(conventions).items() if name.startswith("VARIABLE_")}
    variables.remove(conventions.VARIABLE_CACHE)  # the compiler's own
    assert limits(PLAIN).keys() == variables


def limits(files: dict[str, bytes]) -> dict[str, str]:
    """The server's variables: in no ConfigMap, which could be gone before the last pod that reads it."""
    assert "envFrom" not in container(files)
    return {each["name"]: each["value"] for each in container(files)["env"]}


@pytest.mark.parametrize("timeout", ["100ms", "2s", "2m"])
def test_a_server_is_killed_only_after_it_had_time_to_finish(timeout: str) -> None:
    files = render(pipeline({"serving": {"limits": {"timeout": timeout}}}))
    drain = int(limits(files)[conventions.VARIABLE_DRAIN_SECONDS])
    farewell = container(files)["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert pod(files)["terminationGracePeriodSeconds"] > farewell + drain
    assert drain > float(timeout.rstrip("ms")) * (
        0.001 if timeout.endswith("ms") else 60 if timeout[-1] == "m" else 1
    )


def test_probes_and_ports_are_those_of_the_server() -> None:
    server = container(PLAIN)
    assert server["ports"] == [{"name": "http", "containerPort": conventions.PORT, "protocol": "TCP"}]
    assert server["livenessProbe"]["httpGet"] == {"path": conventions.LIVE_PATH, "port": "http"}
    for probe in ("readinessProbe", "startupProbe"):
        assert server[probe]["httpGet"] == {"path": conventions.READY_PATH, "port": "http"}
    service = one(PLAIN, "base", "Service")["spec"]
    assert service["ports"][0]["targetPort"] == "http"
    assert service["selector"] == one(PLAIN, "base", "Deployment")["spec"]["selector"]["matchLabels"]


def test_pods_keep_to_the_restricted_standard() -> None:
    assert pod(PLAIN)["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": conventions.RUN_AS_USER,
        "runAsGroup": conventions.RUN_AS_USER,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert container(PLAIN)["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
    }
    assert pod(PLAIN)["automountServiceAccountToken"] is False


def test_memory_is_requested_and_limited_alike_and_cpu_is_not_limited() -> None:
    resources = container(PLAIN)["resources"]
    assert resources["requests"]["memory"] == resources["limits"]["memory"] == "512Mi"
    assert resources["requests"]["cpu"] == "500m"
    assert "cpu" not in resources["limits"]


def test_servers_spread_over_zones_and_nodes() -> None:
    topologies = [spread["topologyKey"] for spread in pod(PLAIN)["topologySpreadConstraints"]]
    assert topologies == ["topology.kubernetes.io/zone", "kubernetes.io/hostname"]


def test_only_the_overlay_names_registry_and_tag_and_never_latest() -> None:
    assert container(PLAIN)["image"] == "churn"
    for name in ("dev", "staging", "prod"):
        (image,) = kustomization(PLAIN, f"overlays/{name}")["images"]
        assert image["newName"] == "registry.example.com/ml/churn"
        assert image["newTag"].startswith("spec-")


def test_the_tag_changes_with_what_is_trained_and_with_nothing_else() -> None:
    def tag(**changes: Any) -> str:
        found: str = kustomization(render(pipeline(changes)), "overlays/dev")["images"][0]["newTag"]
        return found

    assert tag(training={"seed": 7}) != tag()
    assert tag(serving={"limits": {"concurrency": 2}}, monitoring={"runbook": None}) == tag()


@pytest.mark.parametrize("name", VARIED)
def test_kustomizations_use_no_deprecated_field(name: str) -> None:
    deprecated = {"commonLabels", "vars", "patchesStrategicMerge", "patchesJson6902", "bases", "imageTags"}
    found = of_kind(render(VARIED[name]), "Kustomization")
    assert found
    assert not [each for each in found if deprecated & each.keys()]


def test_requests_come_from_the_namespace_from_prometheus_and_from_the_gateway() -> None:
    files = render(VARIED["route-in-prod"])
    assert callers(one(files, "base", "NetworkPolicy")) == [None, "monitoring"]
    assert callers(patches(files, "prod")["NetworkPolicy", "churn"]) == [None, "monitoring", "edge"]


def callers(policy: dict[str, Any]) -> list[str | None]:
    """The namespaces that may call; None is the servers' own."""
    found = policy["spec"]["ingress"][0]["from"]
    return [
        caller["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"]
        if "namespaceSelector" in caller
        else None
        for caller in found
    ]


def test_a_route_lets_predictions_in_and_neither_metrics_nor_health() -> None:
    route = one(render(VARIED["route-in-prod"]), "overlays/prod", "HTTPRoute")["spec"]
    paths = [match["path"]["value"] for match in route["rules"][0]["matches"]]
    assert paths == ["/v2/models/churn", conventions.PREDICT_PATH]
    assert route["rules"][0]["timeouts"] == {"request": "121s"}
    assert route["rules"][0]["backendRefs"] == [
        {"group": "", "kind": "Service", "name": "churn", "port": conventions.PORT}
    ]


def test_what_only_one_environment_has_is_labelled_like_the_rest() -> None:
    added = one(render(VARIED["route-in-prod"]), "overlays/prod", "HTTPRoute")
    (labels,) = kustomization(PLAIN, "base")["labels"]
    own = one(PLAIN, "base", "Service")["metadata"]["labels"]
    assert added["metadata"]["labels"] == labels["pairs"] | own


def test_a_canary_takes_over_step_by_step_through_the_gateway() -> None:
    files = render(VARIED["canary"])
    strategy = one(files, "base", "Rollout")["spec"]["strategy"]["canary"]
    assert [step["setWeight"] for step in strategy["steps"] if "setWeight" in step] == [5, 25]
    backends = one(files, "base", "HTTPRoute")["spec"]["rules"][0]["backendRefs"]
    assert [(backend["name"], backend["weight"]) for backend in backends] == [
        ("churn-stable", 100),
        ("churn-canary", 0),
    ]
    assert {strategy["stableService"], strategy["canaryService"]} == {backend["name"] for backend in backends}
    patch = patches(files, "prod")["Rollout", "churn"]["spec"]["strategy"]["canary"]
    assert patch == {"trafficRouting": {"plugins": {"argoproj-labs/gatewayAPI": {"namespace": "ml-prod"}}}}


def test_a_canary_is_judged_by_its_own_servers_and_the_budget() -> None:
    metric = one(render(VARIED["canary"]), "base", "AnalysisTemplate")["spec"]["metrics"][0]
    assert metric["successCondition"].endswith("result[0] <= 0.014400")
    query = metric["provider"]["prometheus"]["query"]
    assert query.count('pod=~"churn-{{args.version}}-.+"') == 2
    assert query.count(conventions.METRIC_REQUESTS) == 2


def test_a_canary_scales_its_rollout() -> None:
    files = render(VARIED["canary"])
    assert one(files, "base", "HorizontalPodAutoscaler")["spec"]["scaleTargetRef"]["kind"] == "Rollout"
    assert "replicas" not in one(files, "base", "Deployment")["spec"]


def test_an_environment_without_the_canary_deletes_all_of_it() -> None:
    files = render(VARIED["canary-not-in-dev"])
    deleted = {key for key, patch in patches(files, "dev").items() if patch.get("$patch") == "delete"}
    assert deleted == {
        ("AnalysisTemplate", "churn"),
        ("HTTPRoute", "churn"),
        ("HorizontalPodAutoscaler", "churn"),
        ("PodDisruptionBudget", "churn"),
        ("Rollout", "churn"),
        ("Service", "churn-canary"),
        ("Service", "churn-stable"),
    }
