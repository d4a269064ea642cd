"""The base says what all environments share, an overlay only what is different there."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from aimass_compiler import conventions
from aimass_compiler.render import render
from render.files import below, kustomization, objects, of_kind, one, patches, pod
from render.models import VARIED, language_model, pipeline

PLAIN = render(pipeline())
TRACING = {"endpoint": "http://collector.observability:4318"}
KUSTOMIZATION = "kustomization.yaml"


def container(files: dict[str, bytes]) -> dict[str, Any]:
    found: dict[str, Any] = pod(files)["containers"][0]
    return found


def in_base(files: dict[str, bytes], kind: str) -> list[dict[str, Any]]:
    return [document for document in objects(files, "base") if document["kind"] == kind]


def test_the_base_holds_the_servers_and_what_is_watched_in_all_environments() -> None:
    assert below(PLAIN, "base") == {KUSTOMIZATION, "server.yaml", "dashboard.json"}
    assert [document["kind"] for document in objects(PLAIN, "base")] == [
        "Deployment",
        "ServiceAccount",
        "Service",
        "NetworkPolicy",
        "HorizontalPodAutoscaler",
        "PodDisruptionBudget",
        "PodMonitor",
    ]


def test_an_overlay_without_overrides_holds_its_alerts_and_no_patch() -> None:
    assert below(PLAIN, "overlays/staging") == {KUSTOMIZATION, "alerts.yaml"}
    overlay = kustomization(PLAIN, "overlays/staging")
    assert set(overlay) == {"apiVersion", "kind", "namespace", "resources", "labels", "components"}


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
    variables -= {conventions.VARIABLE_SERVER, conventions.VARIABLE_MEMORY_BYTES}  # of shared servers
    explaining = render(
        pipeline({"serving": {"explanations": {}, "grpc": True, "tracing": TRACING, "workers": 2}})
    )
    promised = {"first_token": {"p95": "800ms"}, "token": {"p95": "60ms"}}
    generating = render(language_model({"structured_output": "none", "objectives": promised}))
    guarding = render(VARIED["callers"])
    personal = {"columns": {"plan": {"type": "category", "pii": "omit"}}}
    drift = {"drift": {"method": "ks"}}
    logged = {"logs": {"predictions": {"sample": 1}}}
    recording = render(pipeline({"data": personal, "serving": logged, "monitoring": drift}))
    rendered = (explaining, generating, guarding, recording)
    assert set().union(*(limits(files) for files in rendered)) == variables


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


def test_grpc_has_a_port_of_its_own_wherever_requests_pass() -> None:
    files = render(
        pipeline(
            {"serving": {"grpc": True, "gateway": {"host": "a.example.com"}, "rollout": {"canary": [100]}}}
        )
    )
    port = conventions.GRPC_PORT
    assert limits(files)[conventions.VARIABLE_GRPC_PORT] == str(port)
    assert container(files)["ports"][1] == {"name": "grpc", "containerPort": port, "protocol": "TCP"}
    assert container(files)["readinessProbe"]["httpGet"]["port"] == "http"
    services = [each for each in objects(files, "base") if each["kind"] == "Service"]
    assert [each["metadata"]["name"] for each in services] == ["churn", "churn-canary"]
    for each in services:
        told = each["spec"]["ports"][1]
        assert (told["port"], told["targetPort"], told["appProtocol"]) == (port, "grpc", "kubernetes.io/h2c")
    ingress = one(files, "base", "NetworkPolicy")["spec"]["ingress"][0]["ports"]
    assert [each["port"] for each in ingress] == ["http", "grpc"]
    rule = one(files, "base", "HTTPRoute")["spec"]["rules"][1]
    assert [match["path"]["value"] for match in rule["matches"]] == ["/inference.GRPCInferenceService"]
    backends = [(each["name"], each["port"], each["weight"]) for each in rule["backendRefs"]]
    assert backends == [("churn", port, 100), ("churn-canary", port, 0)]


@pytest.mark.parametrize(
    ("endpoint", "where", "port"),
    [
        ("http://collector.observability:4318", "observability", 4318),
        ("http://collector.observability.svc.cluster.local:4318/otlp", "observability", 4318),
        ("http://collector", "", 80),
        ("https://otlp.example.com", None, 443),
        ("http://10.0.0.9:4318", None, 4318),
    ],
)
def test_spans_may_leave_to_their_collector(endpoint: str, where: str | None, port: int) -> None:
    files = render(pipeline({"serving": {"tracing": {"endpoint": endpoint, "sample": 0.25}}}))
    told = limits(files)
    assert told[conventions.VARIABLE_TRACES_ENDPOINT] == endpoint
    assert told[conventions.VARIABLE_TRACES_SAMPLE] == "0.25"
    _, rule = one(files, "base", "NetworkPolicy")["spec"]["egress"]
    assert rule["ports"] == [{"port": port, "protocol": "TCP"}]
    namespace = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": where}}}
    assert rule.get("to") == (None if where is None else [namespace if where else {"podSelector": {}}])


def test_an_environment_may_answer_no_grpc() -> None:
    dev = {"dev": {"serving": {"grpc": False}}}
    files = render(pipeline({"serving": {"grpc": True}}, overrides=dev))
    patch = patches(files, "dev")["Service", "churn"]["spec"]["ports"]
    assert [each["name"] for each in patch if "$patch" not in each] in ([], ["http"])
    (server,) = patches(files, "dev")["Deployment", "churn"]["spec"]["template"]["spec"]["containers"]
    assert {"name": conventions.VARIABLE_GRPC_PORT, "$patch": "delete"} in server["env"]


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


def test_only_the_release_of_an_environment_says_which_image_runs() -> None:
    assert container(PLAIN)["image"] == "churn"
    assert container(PLAIN)["imagePullPolicy"] == "IfNotPresent"
    for name in ("dev", "staging", "prod"):
        overlay = kustomization(PLAIN, f"overlays/{name}")
        assert overlay["components"] == [f"../../../../releases/{name}/churn"]
        assert "images" not in overlay


def test_what_is_trained_changes_nothing_that_is_applied() -> None:
    changed = render(pipeline({"training": {"seed": 7}}))
    applied = [path for path in PLAIN if path.startswith(("base/", "overlays/"))]
    assert [path for path in applied if changed[path] != PLAIN[path]] == []


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
        ("churn", 100),
        ("churn-canary", 0),
    ]
    assert {strategy["stableService"], strategy["canaryService"]} == {backend["name"] for backend in backends}
    patch = patches(files, "prod")["Rollout", "churn"]["spec"]["strategy"]["canary"]
    assert patch == {"trafficRouting": {"plugins": {"argoproj-labs/gatewayAPI": {"namespace": "ml-prod"}}}}


def test_a_canary_is_judged_by_its_own_servers_and_the_budget() -> None:
    watched, verdict = in_base(render(VARIED["canary"]), "AnalysisTemplate")
    assert [metric["name"] for metric in watched["spec"]["metrics"]] == ["errors", "answer-time"]
    errors = watched["spec"]["metrics"][0]
    assert errors["failureCondition"].endswith("result[0] > 0.0144")
    query = errors["provider"]["prometheus"]["query"]
    assert query.count('pod=~"churn-{{args.canary}}-.+"') == 2
    assert query.count(conventions.METRIC_REQUESTS) == 2
    judged = [metric["name"] for metric in verdict["spec"]["metrics"]]
    assert judged == ["requests", "errors", "answer-time", "shift"]


def test_each_step_lasts_as_long_as_its_verdict_looks_back() -> None:
    files = render(pipeline({"serving": {"rollout": {"canary": [5, 100], "pause": "1h"}}}))
    steps = one(files, "base", "Rollout")["spec"]["strategy"]["canary"]["steps"]
    assert [next(iter(step)) for step in steps] == ["setWeight", "pause", "analysis"]
    assert steps[1]["pause"]["duration"] == "3600s"
    _, verdict = in_base(files, "AnalysisTemplate")
    queries = [metric["provider"]["prometheus"]["query"] for metric in verdict["spec"]["metrics"]]
    assert all(set(re.findall(r"\[(\w+)\]", query)) == {"3600s"} for query in queries)


def test_an_analysis_asks_the_prometheus_of_the_settings() -> None:
    elsewhere = {"url": "https://mimir.example.com/prometheus", "tenant": "ml", "secret": "mimir"}
    built = pipeline({"serving": {"rollout": {"canary": [50, 100]}}}, settings={"prometheus": elsewhere})
    template, _ = in_base(render(built), "AnalysisTemplate")
    asked = template["spec"]["metrics"][0]["provider"]["prometheus"]
    assert asked["address"] == elsewhere["url"]
    assert {each["key"]: each["value"] for each in asked["headers"]} == {
        "X-Scope-OrgID": "ml",
        "Authorization": "{{args.authorization}}",
    }
    secret = template["spec"]["args"][-1]
    reference = {"secretKeyRef": {"name": "mimir", "key": "authorization"}}
    assert secret == {"name": "authorization", "valueFrom": reference}


def test_callers_in_the_cluster_reach_no_unproven_version_where_a_gateway_divides_the_traffic() -> None:
    services = [each["metadata"]["name"] for each in in_base(render(VARIED["canary"]), "Service")]
    assert services == ["churn", "churn-canary"]
    files = render(VARIED["canary-without-gateway"])
    strategy = one(files, "base", "Rollout")["spec"]["strategy"]["canary"]
    assert strategy["stableService"] == "churn-stable"  # and `churn` is all pods, whose number divides it


def test_going_back_takes_no_steps_and_a_version_that_never_starts_is_given_up() -> None:
    spec = one(render(VARIED["canary"]), "base", "Rollout")["spec"]
    assert (spec["rollbackWindow"], spec["progressDeadlineAbort"]) == ({"revisions": 3}, True)


def test_a_canary_scales_its_rollout() -> None:
    files = render(VARIED["canary"])
    assert one(files, "base", "HorizontalPodAutoscaler")["spec"]["scaleTargetRef"]["kind"] == "Rollout"
    assert "replicas" not in one(files, "base", "Deployment")["spec"]


def test_an_environment_without_the_canary_deletes_all_of_it() -> None:
    files = render(VARIED["canary-not-in-dev"])
    deleted = {key for key, patch in patches(files, "dev").items() if patch.get("$patch") == "delete"}
    assert deleted == {
        ("AnalysisTemplate", "churn"),
        ("AnalysisTemplate", "churn-verdict"),
        ("HTTPRoute", "churn"),
        ("HorizontalPodAutoscaler", "churn"),
        ("PodDisruptionBudget", "churn"),
        ("Rollout", "churn"),
        ("Service", "churn-canary"),
    }


MOUNTED = render(pipeline({"serving": {"model": "volume"}}))
MOUNT = {"name": "model", "mountPath": "/model", "readOnly": True}
PACKAGE = {"name": "model", "image": {"reference": "churn", "pullPolicy": "IfNotPresent"}}


def test_a_package_is_mounted_into_the_server_without_a_model() -> None:
    assert container(MOUNTED)["image"] == conventions.SERVER_IMAGE
    assert container(MOUNTED)["volumeMounts"][-1] == MOUNT
    assert pod(MOUNTED)["volumes"][-1] == PACKAGE


def before_release(files: dict[str, bytes], environment: str) -> dict[str, Any]:
    """The pod of the patch that is there before the release, whose images it replaces."""
    folder = f"overlays/{environment}"
    assert kustomization(files, folder)["components"][0] == "images"
    (found,) = kustomization(files, f"{folder}/images")["patches"]
    spec: dict[str, Any] = yaml.safe_load(found["patch"])["spec"]["template"]["spec"]
    return spec


def test_one_environment_may_mount_what_others_have_in_their_image() -> None:
    spec = before_release(render(VARIED["mounted-in-prod"]), "prod")
    assert spec["volumes"] == [PACKAGE]
    assert spec["containers"][0]["image"] == conventions.SERVER_IMAGE
    spec = before_release(render(VARIED["mounted-but-in-dev"]), "dev")
    assert spec["volumes"] == [{"name": "model", "$patch": "delete"}]
    assert spec["containers"][0]["image"] == "churn"
    assert spec["containers"][0]["volumeMounts"] == [{"mountPath": "/model", "$patch": "delete"}]
