"""The custom resource definitions of operators, from the Go modules of their releases."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from scripts.cluster.programs import ProgramMissing, cache

try:
    from yaml import CSafeLoader as _SafeLoader
except ImportError:  # a PyYAML that was built without libyaml
    from yaml import SafeLoader as _SafeLoader  # type: ignore[assignment]  # the same interface


class _Reader(_SafeLoader):
    """YAML as operators write it: a bare `=` is a string, which PyYAML knows no way to make."""


_Reader.add_constructor("tag:yaml.org,2002:value", lambda _, node: node.value)


@dataclass(frozen=True)
class Operator:
    """Whose release brings the definitions: a Go module, and where they lie in it."""

    module: str
    pattern: str
    variant: str = ""
    """What distinguishes it from others of the same module whose files have the same names."""

    @property
    def name(self) -> str:
        """Of a folder of its own."""
        return self.module.replace("/", "-") + self.variant


KUBERAY = Operator("github.com/ray-project/kuberay/ray-operator@v1.6.2", "config/crd/bases/ray.io_*.yaml")
PROMETHEUS = Operator(
    "github.com/prometheus-operator/prometheus-operator@v0.93.0",
    "example/prometheus-operator-crd/monitoring.coreos.com_*.yaml",
)
GATEWAY = Operator("sigs.k8s.io/gateway-api@v1.6.1", "config/crd/standard/gateway.networking.k8s.io_*.yaml")
#: The same with what is not in the standard yet.
GATEWAY_EXPERIMENTAL = Operator(
    "sigs.k8s.io/gateway-api@v1.6.1",
    "config/crd/experimental/gateway.networking.k8s.io_*.yaml",
    "-experimental",
)
ROLLOUTS = Operator("github.com/argoproj/argo-rollouts@v1.9.1", "manifests/crds/*-crd.yaml")
KSERVE = Operator("github.com/kserve/kserve@v0.20.0", "config/crd/full/serving.kserve.io_*.yaml")
TRAINER = Operator("github.com/kubeflow/trainer/v2@v2.3.0", "manifests/base/crds/trainer.kubeflow.org_*.yaml")
JOBSET = Operator("sigs.k8s.io/jobset@v0.12.0", "config/components/crd/bases/jobset.x-k8s.io_*.yaml")
KEDA = Operator("github.com/kedacore/keda/v2@v2.20.2", "config/crd/bases/*keda.sh_*.yaml")
KUEUE = Operator("sigs.k8s.io/kueue@v0.19.2", "config/components/crd/bases/kueue.x-k8s.io_*.yaml")
INFERENCE = Operator(
    "sigs.k8s.io/gateway-api-inference-extension@v1.5.0",
    "config/crd/bases/inference.networking.k8s.io_*.yaml",
)
LEADER_WORKER_SET = Operator("sigs.k8s.io/lws@v0.9.0", "config/crd/bases/leaderworkerset.x-k8s.io_*.yaml")
#: The same module as KServe's, and another folder of it.
KSERVE_LLM = Operator(
    "github.com/kserve/kserve@v0.20.0", "config/crd/full/llmisvc/serving.kserve.io_llminferenceservice*.yaml"
)
FLUX_SOURCE = Operator(
    "github.com/fluxcd/source-controller@v1.9.0", "config/crd/bases/source.toolkit.fluxcd.io_*.yaml"
)
FLUX_KUSTOMIZE = Operator(
    "github.com/fluxcd/kustomize-controller@v1.9.0", "config/crd/bases/kustomize.toolkit.fluxcd.io_*.yaml"
)
ARGOCD = Operator("github.com/argoproj/argo-cd/v3@v3.5.7", "manifests/crds/*-crd.yaml")
ENVOY_GATEWAY = Operator(
    "github.com/envoyproxy/gateway@v1.9.1",
    "charts/gateway-helm/charts/crds/crds/generated/gateway.envoyproxy.io_*.yaml",
)
#: All of its definitions are in one file.
ISTIO = Operator("istio.io/api@v1.32.0", "kubernetes/customresourcedefinitions.gen.yaml")
#: Not among those that all tests may ask for: its versions are converted by a service of its own.
POLICY_CONTROLLER = Operator("github.com/sigstore/policy-controller@v0.13.1", "config/300-*.yaml")
OPERATORS = (
    KUBERAY,
    PROMETHEUS,
    GATEWAY,
    ROLLOUTS,
    KSERVE,
    TRAINER,
    JOBSET,
    KEDA,
    KUEUE,
    INFERENCE,
    LEADER_WORKER_SET,
    KSERVE_LLM,
    FLUX_SOURCE,
    FLUX_KUSTOMIZE,
    ARGOCD,
)

_ISTIO_FILE = "customresourcedefinitions.gen.yaml"
#: The kinds that are rendered, each with its operator and the file that defines it, or what of it behind `#`.
RENDERED = {
    "RayJob": (KUBERAY, "ray.io_rayjobs.yaml"),
    "TrainJob": (TRAINER, "trainer.kubeflow.org_trainjobs.yaml"),
    "TrainingRuntime": (TRAINER, "trainer.kubeflow.org_trainingruntimes.yaml"),
    "PodMonitor": (PROMETHEUS, "monitoring.coreos.com_podmonitors.yaml"),
    "AlertmanagerConfig": (PROMETHEUS, "monitoring.coreos.com_alertmanagerconfigs.yaml"),
    "ScrapeConfig": (PROMETHEUS, "monitoring.coreos.com_scrapeconfigs.yaml"),
    "LocalQueue": (KUEUE, "kueue.x-k8s.io_localqueues.yaml"),
    "PrometheusRule": (PROMETHEUS, "monitoring.coreos.com_prometheusrules.yaml"),
    "HTTPRoute": (GATEWAY, "gateway.networking.k8s.io_httproutes.yaml"),
    "Rollout": (ROLLOUTS, "rollout-crd.yaml"),
    "AnalysisTemplate": (ROLLOUTS, "analysis-template-crd.yaml"),
    "ScaledObject": (KEDA, "keda.sh_scaledobjects.yaml"),
    "InferencePool": (INFERENCE, "inference.networking.k8s.io_inferencepools.yaml"),
    "InferenceService": (KSERVE, "serving.kserve.io_inferenceservices.yaml"),
    "LLMInferenceService": (KSERVE_LLM, "serving.kserve.io_llminferenceservices.yaml"),
    "SecurityPolicy": (ENVOY_GATEWAY, "gateway.envoyproxy.io_securitypolicies.yaml"),
    "BackendTrafficPolicy": (ENVOY_GATEWAY, "gateway.envoyproxy.io_backendtrafficpolicies.yaml"),
    "HTTPRouteFilter": (ENVOY_GATEWAY, "gateway.envoyproxy.io_httproutefilters.yaml"),
    "RequestAuthentication": (ISTIO, f"{_ISTIO_FILE}#requestauthentications.security.istio.io"),
    "AuthorizationPolicy": (ISTIO, f"{_ISTIO_FILE}#authorizationpolicies.security.istio.io"),
    "LeaderWorkerSet": (LEADER_WORKER_SET, "leaderworkerset.x-k8s.io_leaderworkersets.yaml"),
}


def rendered(kinds: Iterable[str] = tuple(RENDERED)) -> list[Path]:
    """Files, each with the definition of one of these kinds. Raises ProgramMissing without Go."""
    places = [(operator, file) for operator, file in (RENDERED[kind] for kind in kinds)]
    return [_kept(operator, file) or _convert(operator, file) for operator, file in places]


def everything() -> list[Path]:
    """Files with every definition of all operators. Raises ProgramMissing without Go."""
    return [path for operator in OPERATORS for path in every_one(operator)]


def every_one(operator: Operator) -> list[Path]:
    """Files with every definition of an operator. Raises ProgramMissing without Go."""
    files = sorted(path for path in source(operator).glob(operator.pattern) if _defines(path))
    return [_kept(operator, path.name) or _convert(operator, path.name) for path in files]


def named(operator: Operator, names: Iterable[str]) -> list[Path]:
    """Files with some of the definitions of an operator that has all of them in one file.

    Raises ProgramMissing without Go.
    """
    files = [f"{Path(operator.pattern).name}#{name}" for name in names]
    return [_kept(operator, file) or _convert(operator, file) for file in files]


def _defines(path: Path) -> bool:
    """Whether a file is a definition; some operators keep policies for an admission beside them."""
    return "\nkind: CustomResourceDefinition\n" in path.read_text(encoding="utf-8")


def source(operator: Operator) -> Path:
    """The folder of the operator's module as released. Raises ProgramMissing without Go."""
    go = shutil.which("go")
    if go is None:
        raise ProgramMissing(
            f"the definitions of {operator.module} come by Go: install it (https://go.dev/dl/)"
        )
    command = [go, "mod", "download", "-json", operator.module]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    told = json.loads(done.stdout or "{}")
    if "Dir" not in told:
        raise ProgramMissing(
            f"Go cannot download {operator.module}: {told.get('Error') or done.stderr.strip()}"
        )
    return Path(told["Dir"])


def _place(operator: Operator, file: str) -> Path:
    name, _, one = file.partition("#")
    return cache() / "custom-resources" / operator.name / f"{one or Path(name).stem}.json"


def _kept(operator: Operator, file: str) -> Path | None:
    place = _place(operator, file)
    return place if place.exists() else None


def _convert(operator: Operator, file: str) -> Path:
    """Write a definition as JSON, because reading its YAML takes seconds each time."""
    place = _place(operator, file)
    folder = source(operator) / Path(operator.pattern).parent
    name, _, one = file.partition("#")
    text = (folder / name).read_text(encoding="utf-8")
    if one:
        text = next(part for part in text.split("\n---\n") if f"\n  name: {one}\n" in part)
    document = yaml.load(text, Loader=_Reader)  # noqa: S506  # it is a safe one
    for version in document["spec"]["versions"]:
        version["schema"]["openAPIV3Schema"] = _undescribed(version["schema"]["openAPIV3Schema"])
    place.parent.mkdir(parents=True, exist_ok=True)
    half = place.with_suffix(f".{os.getpid()}")
    half.write_text(json.dumps(document, separators=(",", ":")), encoding="utf-8")
    half.replace(place)
    return place


def _undescribed(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema without its prose, which is most of it and says nothing to an API server."""
    kept = {key: value for key, value in schema.items() if key != "description"}
    if "properties" in kept:
        kept["properties"] = {name: _undescribed(part) for name, part in kept["properties"].items()}
    for key in ("items", "additionalProperties"):
        if isinstance(kept.get(key), dict):
            kept[key] = _undescribed(kept[key])
    return kept
