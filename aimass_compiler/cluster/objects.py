"""The objects that a model declares in an environment, what they are called, and in which order they go."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aimass_compiler import conventions
from aimass_compiler.cluster.failures import ClusterError
from aimass_compiler.cluster.kustomize import Kustomize

Object = Mapping[str, Any]

#: What other objects need comes first; the objects of one rank are independent of each other.
RANKS: Sequence[tuple[str, ...]] = (
    ("Namespace",),
    ("CustomResourceDefinition",),
    ("ResourceQuota", "LimitRange", "ServiceAccount", "Role", "RoleBinding", "NetworkPolicy", "Secret"),
    ("ConfigMap", "ExternalSecret", "PersistentVolumeClaim"),
    ("Service", "AnalysisTemplate"),
    ("Deployment", "StatefulSet", "Rollout", "InferenceService", "Job", "CronJob", "RayJob", "RayService"),
    ("HorizontalPodAutoscaler", "PodDisruptionBudget", "ScaledObject"),
    ("Ingress", "Gateway", "HTTPRoute", "GRPCRoute"),
)
_DIGEST_LENGTH = 12
_NAMESPACE = re.compile(r"^namespace: (\S+)$", re.MULTILINE)
#: Kinds whose pods run the model, so that their image tells its version.
_SERVING = ("Deployment", "Rollout", "StatefulSet")


@dataclass(frozen=True, order=True)
class ObjectKey:
    """Which object it is, in any version of its API."""

    group: str
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


@dataclass(frozen=True)
class Declared:
    """What git holds of a model for one environment."""

    model: str
    environment: str
    namespace: str
    objects: tuple[Object, ...]
    """In the order in which they are applied."""

    @property
    def version(self) -> str:
        """The tag of the image that serves, or the digest of everything where none does."""
        found = (version_of(document) for document in self.objects if document["kind"] in _SERVING)
        return next(filter(None, found), self.digest)

    @property
    def digest(self) -> str:
        """A short name for all objects together, which changes with any of them."""
        content = json.dumps(self.objects, sort_keys=True, separators=(",", ":")).encode()
        return hashlib.sha256(content).hexdigest()[:_DIGEST_LENGTH]


def version_of(workload: Object) -> str:
    """The tag or the digest of the image of its first container; nothing where it has none."""
    pod = ((workload.get("spec") or {}).get("template") or {}).get("spec") or {}
    image = str((pod.get("containers") or [{}])[0].get("image", ""))
    return image.rpartition("@")[2] if "@" in image else image.rpartition(":")[2]


def key_of(document: Object) -> ObjectKey:
    """The key of an object."""
    metadata = document["metadata"]
    group, _ = group_and_version(document)
    return ObjectKey(group, document["kind"], metadata.get("namespace", ""), metadata["name"])


def group_and_version(document: Object) -> tuple[str, str]:
    """The two parts of an `apiVersion`."""
    group, _, version = str(document["apiVersion"]).rpartition("/")
    return group, version


def rank(kind: str) -> int:
    """Where a kind stands in the order; one that is not named comes last, as what watches does."""
    return next((place for place, kinds in enumerate(RANKS) if kind in kinds), len(RANKS))


def in_ranks(objects: Iterable[Object]) -> Iterator[tuple[Object, ...]]:
    """The objects in groups, each of which needs the ones before it."""
    ranked: dict[int, list[Object]] = {}
    for document in objects:
        ranked.setdefault(rank(document["kind"]), []).append(document)
    for place in sorted(ranked):
        yield tuple(sorted(ranked[place], key=key_of))


def overlay(generated: Path, model: str, environment: str) -> Path:
    """The folder of a model's overlay for an environment."""
    return generated / model / "overlays" / environment


def models_of(generated: Path, environment: str) -> list[str]:
    """The models that have an overlay for an environment, sorted."""
    pattern = f"*/overlays/{environment}/kustomization.yaml"
    return sorted(path.parents[2].name for path in generated.glob(pattern))


def namespace_in(generated: Path, environment: str) -> str:
    """The namespace that overlays of an environment name; nothing where there is none."""
    for path in sorted(generated.glob(f"*/overlays/{environment}/kustomization.yaml")):
        if named := _NAMESPACE.search(path.read_text(encoding="utf-8")):
            return named[1]
    return ""


def declared(kustomize: Kustomize, generated: Path, model: str, environment: str) -> Declared:
    """What a model's overlay stands for.

    Raises KustomizeError, and ClusterError where its objects lie in no namespace, or in several.
    """
    return _declared(model, environment, kustomize.build(overlay(generated, model, environment)))


def declared_together(
    kustomize: Kustomize, generated: Path, overlays: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], Declared]:
    """What several overlays stand for, each a model and an environment, which kustomize builds at once.

    Their objects are told apart by their labels. Raises as `declared` does, and ClusterError where an object
    carries others: nobody could tell which overlay it is from.
    """
    found: dict[tuple[str, str], list[Object]] = {pair: [] for pair in overlays}
    for document in kustomize.build_all([overlay(generated, *pair) for pair in found]):
        if owner_of(document) not in found:
            raise ClusterError(f"{key_of(document)} does not carry the labels of its overlay")
        found[owner_of(document)].append(document)
    return {pair: _declared(*pair, objects) for pair, objects in found.items()}


def _declared(model: str, environment: str, objects: Sequence[Object]) -> Declared:
    namespaces = sorted({str(each["metadata"].get("namespace", "")) for each in objects} - {""})
    if len(namespaces) != 1:
        told = "no namespace" if not namespaces else f"several namespaces: {', '.join(namespaces)}"
        raise ClusterError(
            f"the objects of {model} for {environment} lie in {told}", "compile it anew: `aimass compile`"
        )
    ranked = tuple(document for group in in_ranks(objects) for document in group)
    return Declared(model, environment, namespaces[0], ranked)


def belongs_to(document: Object, model: str, environment: str) -> bool:
    """Whether an object carries our labels for this model in this environment."""
    return owner_of(document) == (model, environment)


def owner_of(document: Object) -> tuple[str, str]:
    """The model and the environment that an object's labels name; empty where they name none."""
    labels = document["metadata"].get("labels") or {}
    return labels.get(conventions.LABEL_MODEL, ""), labels.get(conventions.LABEL_ENVIRONMENT, "")
