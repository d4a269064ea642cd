"""The kinds of objects that serve a model: how far they are, their pods, whose number they change."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from aimass_compiler.render.object_kind import (
    HealthCheck,
    MadeWorkload,
    Object,
    ObjectKind,
    Pods,
    Rank,
    WorkloadState,
    at,
    templated_pods,
)
from aimass_compiler.render.serving import argo_rollouts, inference_service, llm_inference_service

_KSERVE = "KServe 0.20 (https://kserve.github.io)"
_OF_PODS = (("", "events"), ("", "pods"))


def _deployment_state(live: Object, fewest: int) -> WorkloadState:
    """Source: the rules of `kubectl rollout status` (polymorphichelpers/rollout_status.go)."""
    status = live.get("status") or {}
    wanted = int(live["spec"].get("replicas", 1))
    updated, available = status.get("updatedReplicas", 0), status.get("availableReplicas", 0)
    old = status.get("replicas", 0) - updated
    if live["metadata"].get("generation", 0) > status.get("observedGeneration", 0):
        return WorkloadState("its controller has not seen it yet")
    for condition in status.get("conditions") or ():
        if condition.get("reason") == "ProgressDeadlineExceeded":
            return WorkloadState(
                f"its deadline has passed: {available} of {wanted} are available", has_failed=True
            )
    left = (
        (updated < wanted, f"{updated} of {wanted} are new"),
        (old > 0, f"{old} old to end"),
        (available < updated, f"{available} of {updated} are available"),
        (available < fewest, f"{available} of at least {fewest} are available"),
    )
    summary = next((words for is_so, words in left if is_so), "")
    return WorkloadState(summary or f"{available} of {wanted} are available", is_ready=not summary)


def _health_by(version: str, condition: str) -> HealthCheck:
    """As one of its conditions says."""
    lua = f"""local found = {{}}
for _, each in ipairs(obj.status and obj.status.conditions or {{}}) do
  if each.type == "{condition}" then
    found = each
  end
end
local status = found.status == "True" and "Healthy" or "Progressing"
return {{status = status, message = found.message or "its controller has not seen it yet"}}
"""
    return HealthCheck(
        version, f"status.conditions.exists(e, e.type == '{condition}' && e.status == 'True')", lua=lua
    )


DEPLOYMENT = ObjectKind(
    kind="Deployment",
    group="apps",
    rank=Rank.WORKLOAD,
    state=_deployment_state,
    pods=templated_pods,
    pod_path=("spec", "template", "spec"),
    has_replicas=True,
    serves=True,
    explained_by=(*_OF_PODS, ("apps", "replicasets")),
)
CLAIM_TEMPLATE = ObjectKind(kind="ResourceClaimTemplate", group="resource.k8s.io", rank=Rank.CONFIGURATION)
INTERCEPTOR_ROUTE = ObjectKind(
    kind="InterceptorRoute",
    group="http.keda.sh",
    rank=Rank.ADDRESS,
    operator="KEDA's HTTP add-on (https://keda.sh/http-add-on)",
)
INFERENCE_POOL = ObjectKind(
    kind="InferencePool",
    group="inference.networking.k8s.io",
    rank=Rank.ADDRESS,
    operator="the Gateway API inference extension (https://gateway-api-inference-extension.sigs.k8s.io)",
)


def _conditioned(condition: str) -> Callable[[Object, int], WorkloadState]:
    """Ready as soon as a condition of its own says so."""

    def state(live: Object, fewest: int) -> WorkloadState:
        del fewest
        conditions = (live.get("status") or {}).get("conditions") or ()
        found: Object = next((each for each in conditions if each.get("type") == condition), {})
        is_ready = found.get("status") == "True"
        unsaid = f"it is {condition.lower()}" if is_ready else "its controller has not seen it yet"
        message = found.get("message") or found.get("reason") or unsaid
        return WorkloadState(message, is_ready=is_ready)

    return state


def _group_pods(document: Object) -> Iterable[Pods]:
    """Leaders first, which run the model's API; all pods of a group have the same images."""
    group = at(document, "spec", "leaderWorkerTemplate") or {}
    count = int(at(document, "spec", "replicas") or 1)
    if leader := group.get("leaderTemplate"):
        yield Pods(leader, count)
    if worker := group.get("workerTemplate"):
        yield Pods(worker, count * max(0, int(group.get("size", 1)) - 1))


def _predictor_pods(document: Object) -> Iterable[Pods]:
    """Its template is what its controller makes of the object's own labels and of the predictor."""
    predictor = at(document, "spec", "predictor")
    metadata = {"labels": at(predictor, "labels") or {}}
    return (
        [Pods({"metadata": metadata, "spec": predictor}, int(predictor.get("minReplicas", 1)))]
        if predictor
        else []
    )


def _kserve_pods(document: Object) -> Iterable[Pods]:
    """Its template is what its controller makes of the object's labels and of the pod."""
    pod = at(document, "spec", "template")
    metadata = {"labels": at(document, "spec", "labels") or {}}
    template = {"metadata": metadata, "spec": pod}
    return [Pods(template, int(at(document, "spec", "replicas") or 1))] if pod else []


LEADER_WORKER_SET = ObjectKind(
    kind="LeaderWorkerSet",
    group="leaderworkerset.x-k8s.io",
    rank=Rank.WORKLOAD,
    operator="LeaderWorkerSet (https://lws.sigs.k8s.io)",
    state=_conditioned("Available"),
    health=_health_by("leaderworkerset.x-k8s.io/v1", "Available"),
    pods=_group_pods,
    has_replicas=True,
    serves=True,
    explained_by=(*_OF_PODS, ("apps", "replicasets")),
)
LLM_INFERENCE_SERVICE = ObjectKind(
    kind="LLMInferenceService",
    group="serving.kserve.io",
    rank=Rank.WORKLOAD,
    operator=_KSERVE,
    state=_conditioned("Ready"),
    health=_health_by("serving.kserve.io/v1alpha2", "Ready"),
    pods=_kserve_pods,
    label_path=("spec", "labels"),
    pod_path=("spec", "template"),
    made=MadeWorkload("apps", "Deployment", llm_inference_service.MADE),
    serves=True,
    explained_by=(*_OF_PODS, ("apps", "deployments"), ("apps", "replicasets")),
)
INFERENCE_SERVICE = ObjectKind(
    kind="InferenceService",
    group="serving.kserve.io",
    rank=Rank.WORKLOAD,
    operator=_KSERVE,
    state=_conditioned("Ready"),
    health=_health_by("serving.kserve.io/v1beta1", "Ready"),
    pods=_predictor_pods,
    pod_path=("spec", "predictor"),
    made=MadeWorkload("apps", "Deployment", inference_service.MADE),
    serves=True,
    explained_by=(*_OF_PODS, ("apps", "deployments"), ("apps", "replicasets")),
)
_ENVOY_GATEWAY = "Envoy Gateway 1.9 (https://gateway.envoyproxy.io)"
#: What a gateway and a mesh enforce: before the route that they stand beside, so that it is never open.
ENFORCED = tuple(
    ObjectKind(kind=kind, group=group, rank=Rank.SCALER, operator=operator)
    for kind, group, operator in (
        ("SecurityPolicy", "gateway.envoyproxy.io", _ENVOY_GATEWAY),
        ("BackendTrafficPolicy", "gateway.envoyproxy.io", _ENVOY_GATEWAY),
        ("HTTPRouteFilter", "gateway.envoyproxy.io", _ENVOY_GATEWAY),
        ("RequestAuthentication", "security.istio.io", "Istio 1.30 (https://istio.io)"),
        ("AuthorizationPolicy", "security.istio.io", "Istio 1.30 (https://istio.io)"),
    )
)
KINDS = (
    *ENFORCED,
    DEPLOYMENT,
    argo_rollouts.ROLLOUT,
    argo_rollouts.ANALYSIS_TEMPLATE,
    CLAIM_TEMPLATE,
    INFERENCE_POOL,
    INTERCEPTOR_ROUTE,
    LEADER_WORKER_SET,
    LLM_INFERENCE_SERVICE,
    INFERENCE_SERVICE,
)
