"""The kinds that a cluster serves, and which operator brings those that it lacks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from aimass_compiler.cluster.failures import Refused
from aimass_compiler.cluster.transport import Transport

#: What brings the kinds of a group to a cluster.
OPERATORS: Mapping[str, str] = {
    "argoproj.io": "Argo Rollouts (https://argo-rollouts.readthedocs.io)",
    "external-secrets.io": "the External Secrets Operator (https://external-secrets.io)",
    "gateway.networking.k8s.io": "the Gateway API (https://gateway-api.sigs.k8s.io)",
    "keda.sh": "KEDA (https://keda.sh)",
    "kueue.x-k8s.io": "Kueue (https://kueue.sigs.k8s.io)",
    "monitoring.coreos.com": "the Prometheus operator (https://prometheus-operator.dev)",
    "ray.io": "KubeRay (https://docs.ray.io/en/latest/cluster/kubernetes)",
    "serving.kserve.io": "KServe (https://kserve.github.io)",
    "trainer.kubeflow.org": "Kubeflow Trainer (https://www.kubeflow.org/docs/components/trainer)",
}
#: Groups of the API server itself; a kind of theirs is missing because it is too old, or too new.
_OWN_GROUPS = ("", "apps", "autoscaling", "batch", "policy")
#: Source: KEP-3352, aggregated discovery.
_AGGREGATED = ",".join(
    [
        *(
            f"application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList"
            for version in ("v2", "v2beta1")
        ),
        "application/json",
    ]
)


class KindMissing(Refused):
    """The cluster serves no such kind."""


@dataclass(frozen=True)
class Resource:
    """How the API serves one version of a kind."""

    group: str
    version: str
    kind: str
    plural: str
    is_namespaced: bool

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str = "", name: str = "") -> str:
        """Where the API has an object; all of a namespace, or of the cluster, without a name."""
        start = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        within = f"/namespaces/{quote(namespace)}" if self.is_namespaced and namespace else ""
        return f"{start}{within}/{self.plural}" + (f"/{quote(name)}" if name else "")


@dataclass(frozen=True)
class Kinds:
    """What a cluster serves; the version that it prefers of each group comes first."""

    resources: tuple[Resource, ...]

    def of(self, group: str, kind: str, version: str = "") -> Resource:
        """How to reach a kind, in any version unless one is named. Raises KindMissing."""
        known = [each for each in self.resources if (each.group, each.kind) == (group, kind)]
        for resource in known:
            if version in {"", resource.version}:
                return resource
        raise missing(group, kind, version, [resource.version for resource in known])


def missing(group: str, kind: str, version: str, known: Iterable[str]) -> KindMissing:
    """What to say of a kind that the cluster does not serve, or not in this version."""
    served = ", ".join(known)
    if served:
        return KindMissing(
            f"the cluster serves {kind} of {group or 'the core'} as {served}, not as {version}",
            f"renew {OPERATORS.get(group, 'the cluster')}",
        )
    told = f"the cluster knows no kind {kind}" + (f" ({group})" if group else "")
    if group in _OWN_GROUPS:
        return KindMissing(told, "the cluster is older than what is generated")
    operator = OPERATORS.get(group)
    return KindMissing(told, f"install {operator}" if operator else f"install what brings {group}")


def discover(transport: Transport) -> Kinds:
    """Everything that the cluster serves, in two requests, or in some more from an old API server."""
    return Kinds((*_core(transport), *_groups(transport)))


def _core(transport: Transport) -> Iterator[Resource]:
    found = _ask(transport, "/api")
    if "items" in found:
        yield from _aggregated(found)
    else:
        for version in found["versions"]:
            yield from _listed(_ask(transport, f"/api/{version}"), "", version)


def _groups(transport: Transport) -> Iterator[Resource]:
    found = _ask(transport, "/apis")
    if "items" in found:
        yield from _aggregated(found)
        return
    for group in found["groups"]:
        preferred = group["preferredVersion"]["version"]
        versions = sorted((each["version"] for each in group["versions"]), key=lambda each: each != preferred)
        for version in versions:
            yield from _listed(_ask(transport, f"/apis/{group['name']}/{version}"), group["name"], version)


def _ask(transport: Transport, path: str) -> dict[str, Any]:
    accepted = {"Accept": _AGGREGATED}
    return transport.request("GET", path, about="the list of kinds", headers=accepted).document


def _aggregated(found: Mapping[str, Any]) -> Iterator[Resource]:
    """Resources of an APIGroupDiscoveryList; a group that its own server cannot tell has none."""
    for group in found["items"]:
        name = group["metadata"].get("name", "")
        for version in group.get("versions", ()):
            for each in version.get("resources", ()):
                kind = (each.get("responseKind") or {}).get("kind", "")
                yield Resource(
                    name, version["version"], kind, each["resource"], each["scope"] == "Namespaced"
                )


def _listed(found: Mapping[str, Any], group: str, version: str) -> Iterator[Resource]:
    """Resources of an APIResourceList; subresources such as `pods/log` are none."""
    for each in found.get("resources", ()):
        if "/" not in each["name"]:
            yield Resource(group, version, each["kind"], each["name"], bool(each["namespaced"]))
