"""What each way to serve can do of what a spec can ask for."""

from __future__ import annotations

from aimass_compiler.diagnostics import Example, Explanation, Severity
from aimass_compiler.pipeline.serving import Serving
from aimass_compiler.render.platform import Answer, Has, Lacks, NotApplicable, Platform, of_serving

KSERVE = "kserve"
EXPLANATIONS = (
    Explanation(
        "AM500",
        "KServe's InferenceService does not say this",
        "With `target: kserve` a model of rows is an InferenceService. KServe 0.20 starts servers of a "
        "second version beside the first where one is written (`spec.canary`), but divides no requests "
        "between them: its routes know nothing of it, and nothing judges the new version. So a canary is one "
        "of Argo Rollouts, which needs a Deployment: leave `target` out there. And who shares a server has "
        "none that KServe could run.",
    ),
    Explanation(
        "AM437",
        "KServe's LLMInferenceService does not say this",
        "KServe 0.20 counts the servers of an LLMInferenceService by a controller of llm-d, and divides "
        "requests between two services and not between versions of one. With `target: kserve`, as many "
        "servers run as `replicas.min` says. Leave `target` out for a Deployment that has all of it.",
    ),
)
EXAMPLES = (
    Example(
        "AM500",
        fails="serving: {target: kserve, rollout: {canary: [10, 100]}, gateway: {host: churn.example.com}}",
        passes="serving: {target: kserve, gateway: {host: churn.example.com}}",
    ),
    Example(
        "AM437",
        fails="serving: {engine: vllm, target: kserve, replicas: {min: 2, max: 4}}",
        passes="serving: {engine: vllm, target: kserve, replicas: {min: 2, max: 2}}",
        of="language",
    ),
)
_HAS, _NOT_APPLICABLE = Has(), NotApplicable()


def _is_plain(serving: Serving) -> bool:
    return serving.target != KSERVE and serving.shared is None


_OF_ALL_SERVERS: dict[str, Answer] = {
    "serving.resources": _HAS,
    "serving.limits": Has("the server"),
    "serving.logs": Has("the server"),
    "serving.objectives": Has("Prometheus"),
    "serving.tests": _HAS,
    "environments": _HAS,
    "serving.replicas.min": _HAS,
}


def _not_for(key: str, others: str) -> Lacks:
    """What ways of serving have no such thing (`checks/own_servers`)."""
    return Lacks(because=f"`{key}` is not for {others}", instead=f"leave `{key}` out", code="AM560")


_OF_ROWS: dict[str, Answer] = {
    **_OF_ALL_SERVERS,
    "serving.grpc": Has("the server"),
    "serving.workers": _HAS,
    "serving.tracing": Has("the server"),
    "serving.explanations": Has("the server"),
    "monitoring.drift": Has("the server, Prometheus"),
    "serving.gateway.endpoint_picker": _NOT_APPLICABLE,
    "serving.nodes": _NOT_APPLICABLE,
    "serving.adapters": _NOT_APPLICABLE,
}
_OF_TEXT: dict[str, Answer] = {
    **_OF_ALL_SERVERS,
    "serving.grpc": _not_for("grpc", "servers of language models"),
    "serving.workers": _not_for("workers", "servers of language models"),
    "serving.tracing": Has("our server"),
    "serving.shared": _NOT_APPLICABLE,
    "serving.explanations": _NOT_APPLICABLE,
    "monitoring.drift": _NOT_APPLICABLE,
}
_BY_DEPLOYMENT: dict[str, Answer] = {
    "serving.replicas.zones": _HAS,
    "serving.model": _HAS,
    "serving.rollout.surge": _HAS,
    "serving.rollout.canary": Has("Argo Rollouts"),
    "serving.rollout.analysis": Has("Argo Rollouts"),
    "serving.gateway.host": Has("HTTPRoute"),
    "serving.gateway.retries": Has("Envoy Gateway, or Istio with the experimental definitions"),
    "serving.gateway.mirror": Has("HTTPRoute"),
    "serving.access": Has("the server, and Envoy Gateway or Istio before it"),
}
_BY_EVENTS: dict[str, Answer] = {
    "serving.replicas.requests": Has("KEDA"),
    "serving.replicas.schedule": Has("KEDA"),
    "serving.replicas.idle": Has("KEDA and its HTTP add-on"),
}


def _without_events(because: str, other: str) -> dict[str, Answer]:
    """Where nothing but CPU changes the number of servers."""
    keys = [key.rpartition(".")[2] for key in _BY_EVENTS]
    return {
        f"serving.replicas.{key}": Lacks(because=because, instead=f"leave `{key}` out, or `{other}`")
        for key in keys
    }


KUBERNETES = Platform(
    area="serving",
    name="kubernetes",
    title="A Deployment of our server, or a Rollout of Argo Rollouts where there is a canary",
    chosen_by="the usual one",
    is_chosen=of_serving(lambda serving: not serving.is_of_text and _is_plain(serving)),
    code="",
    answers={
        **_OF_ROWS,
        **_BY_DEPLOYMENT,
        "serving.replicas.max": Has("HorizontalPodAutoscaler, by CPU"),
        **_BY_EVENTS,
        "serving.shared": Has("`servers` in aimass.yaml"),
    },
)
_OF_THE_SERVER = Has("said of the server, in aimass.yaml")
SHARED = Platform(
    area="serving",
    name="shared server",
    title="A server of aimass.yaml that serves this model beside others",
    chosen_by="`serving: {shared: NAME}`",
    is_chosen=of_serving(lambda serving: serving.shared is not None),
    code="AM480",
    answers={
        **_OF_ROWS,
        "serving.grpc": _not_for("grpc", "a model that shares a server"),
        "serving.workers": _not_for("workers", "a model that shares a server"),
        "serving.tracing": _not_for("tracing", "a model that shares a server"),
        "serving.resources": Has("a share of the server"),
        "serving.replicas.min": _OF_THE_SERVER,
        "serving.replicas.max": _OF_THE_SERVER,
        **_without_events("a shared server is counted by its CPU alone", "shared"),
        "serving.replicas.zones": _OF_THE_SERVER,
        "serving.model": Has("always, as a ConfigMap that names the package"),
        "serving.rollout.surge": _OF_THE_SERVER,
        "serving.rollout.canary": Lacks(
            because="a canary needs its own servers, and this model shares those of others",
            instead="leave `canary` out, or `shared`",
        ),
        "serving.rollout.analysis": Has("golden rows are asked before a version is taken"),
        "serving.gateway.host": Has("HTTPRoute"),
        "serving.gateway.retries": Has("Envoy Gateway, or Istio with the experimental definitions"),
        "serving.gateway.mirror": Has("HTTPRoute"),
        "serving.access": Has("the server, and Envoy Gateway before it"),
        "serving.shared": _HAS,
    },
)
_VLLM_OR_OWN: dict[str, Answer] = {
    "serving.adapters": Has("vLLM"),
    "serving.access": Has("our server; before vLLM, Envoy Gateway"),
    "serving.limits": Has("the engine; vLLM knows no `body`"),
    "serving.logs": Has("the engine; vLLM samples no predictions"),
}
KUBERNETES_OF_TEXT = Platform(
    area="serving",
    name="kubernetes, language model",
    title="A Deployment of our server of text or of vLLM, or a LeaderWorkerSet on several nodes",
    chosen_by="the usual one",
    is_chosen=of_serving(lambda serving: serving.is_of_text and _is_plain(serving)),
    code="",
    answers={
        **_OF_TEXT,
        **_BY_DEPLOYMENT,
        **_VLLM_OR_OWN,
        "serving.replicas.max": Has("KEDA, by queue and cache"),
        **_BY_EVENTS,
        "serving.gateway.endpoint_picker": Has("InferencePool"),
        "serving.nodes": Has("LeaderWorkerSet"),
    },
)


def _not_by_kserve(key: str, instead: str) -> Lacks:
    return Lacks(
        because=f"KServe would not know of `{key}`",
        instead=f"{instead}, or leave `target` out",
        severity=Severity.WARNING,
    )


KSERVE_OF_ROWS = Platform(
    area="serving",
    name="kserve",
    title="An InferenceService of KServe 0.20 in Standard mode, whose container is our server",
    chosen_by="`serving: {target: kserve}`",
    is_chosen=of_serving(lambda serving: not serving.is_of_text and serving.target == KSERVE),
    code="AM500",
    answers={
        **_OF_ROWS,
        "serving.replicas.zones": _HAS,
        "serving.model": _HAS,
        "serving.rollout.surge": _HAS,
        "serving.replicas.max": Has("KServe's HorizontalPodAutoscaler, by CPU"),
        **_BY_EVENTS,
        "serving.rollout.canary": Lacks(
            because="KServe divides no requests between two versions of an InferenceService",
            instead="leave `canary` out, or `target`",
        ),
        "serving.rollout.analysis": _NOT_APPLICABLE,
        "serving.gateway.host": Has("HTTPRoute"),
        "serving.gateway.retries": Has("Envoy Gateway, or Istio with the experimental definitions"),
        "serving.gateway.mirror": Has("HTTPRoute"),
        "serving.access": Has("the server, and Envoy Gateway or Istio before it"),
        "serving.shared": Lacks(
            because="a model that shares a server has none that KServe could run",
            instead="leave `shared` out, or `target`",
        ),
    },
)
KSERVE_OF_TEXT = Platform(
    area="serving",
    name="kserve, language model",
    title="An LLMInferenceService of KServe 0.20, with the pods that a Deployment would have",
    chosen_by="`serving: {target: kserve}`",
    is_chosen=of_serving(lambda serving: serving.is_of_text and serving.target == KSERVE),
    code="AM437",
    answers={
        **_OF_TEXT,
        **_BY_DEPLOYMENT,
        **_VLLM_OR_OWN,
        "serving.replicas.max": _not_by_kserve("replicas.max", "let `max` be what `min` is"),
        **_without_events("KServe runs as many servers as `min` says", "target"),
        "serving.rollout.surge": Has("as KServe does"),
        "serving.rollout.canary": _not_by_kserve("rollout.canary", "leave `canary` out"),
        "serving.rollout.analysis": _NOT_APPLICABLE,
        "serving.gateway.endpoint_picker": Has("InferencePool"),
        "serving.nodes": Lacks(
            because="KServe would run the first of the nodes alone, which waits for the others",
            instead="leave `nodes` out, or `target`",
        ),
    },
)
PLATFORMS = (KUBERNETES, KSERVE_OF_ROWS, SHARED, KUBERNETES_OF_TEXT, KSERVE_OF_TEXT)
