"""What is known of a kind of Kubernetes object: when it is applied, when it is ready, which pods it has."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import IntEnum
from functools import lru_cache
from typing import Any

from msgspec import Struct

Object = Mapping[str, Any]


class Rank(IntEnum):
    """In which order objects are applied: what others need comes first."""

    NAMESPACE = 0
    DEFINITION = 1
    IDENTITY = 2
    CONFIGURATION = 3
    ADDRESS = 4
    WORKLOAD = 5
    SCALER = 6
    ROUTE = 7
    OBSERVER = 8
    """What watches, and every kind that nobody knows."""


class WorkloadState(Struct, frozen=True):
    """How far a workload is."""

    message: str
    is_ready: bool = False
    has_failed: bool = False
    is_started: bool = False
    """Whether a new version has begun to take over step by step, beside the one that serves."""


class Pods(Struct, frozen=True):
    """Pods that an object has: so many of one template, which holds their metadata and spec."""

    template: Object
    count: int


class Scaled(Struct, frozen=True):
    """Whose pods an object counts, and the fewest that it leaves."""

    target: Object
    """A reference with kind and name, within the namespace."""
    fewest: int


class MadeWorkload(Struct, frozen=True):
    """A workload that a controller makes of another object, within its namespace."""

    group: str
    kind: str
    pattern: str
    """What it is called: `{name}-predictor`."""

    def name_of(self, name: str) -> str:
        """What it is called where the object that it is made of has this name."""
        return self.pattern.format(name=name)


class HealthCheck(Struct, frozen=True):
    """How far a live object of a kind is, for engines that do not know the kind."""

    version: str
    """Group and version of the API that it is read in."""
    current: str
    """An expression in CEL that is true once it is ready."""
    failed: str = ""
    """One that is true where it cannot get ready."""
    lua: str = ""
    """The same for Argo CD; nothing where that knows the kind."""


class ForeignField(Struct, frozen=True, kw_only=True):
    """A field that a controller writes in an object of another kind, which git declares."""

    kind: str
    field: str
    """`spec.selector`."""
    manager: str
    """The field manager, in lower case."""
    keep: Callable[[Object, Object, frozenset[str]], Object] | None = None
    """A declared object with what is written into the live one, where requests move between some Services;
    none where git does not say the field."""
    concerns: Callable[[Object, frozenset[str]], bool] = lambda _document, _services: True
    """Whether it is written in this object, where requests move between these Services."""
    outlives: bool = False
    """Whether it may stay when the object goes for which it was written."""


class SharedScaling(Struct, frozen=True):
    """What a scaler's admission asks of another one that counts the same servers until it goes."""

    kind: str
    annotations: Mapping[str, str]


class ObjectKind(Struct, frozen=True, kw_only=True):
    """A kind of object, and what applying, waiting, scanning and estimating must know of it."""

    kind: str
    group: str = ""
    rank: Rank = Rank.OBSERVER
    plural: str = ""
    """What the API calls its objects, where that is not what the usual rule says."""
    operator: str = ""
    """What brings the kind to a cluster that lacks it."""
    state: Callable[[Object, int], WorkloadState] | None = None
    """How far a live object is that needs so many servers at least; none where it is ready at once."""
    pods: Callable[[Object], Iterable[Pods]] | None = None
    finds_pods: Callable[[Object], Mapping[str, str] | None] | None = None
    """The labels of the pods of a live object, where its selector does not say them; none as long as it has
    none."""
    label_path: tuple[str, ...] = ()
    """Where the labels of its pods stand, of a kind whose template Kustomize does not label."""
    pod_path: tuple[str, ...] = ()
    """Where the spec of its pods stands, of a kind whose images can be changed at once."""
    made: MadeWorkload | None = None
    """The workload that its controller makes of it, which says how far its pods are."""
    has_replicas: bool = False
    """Whether `spec.replicas` is the number of its pods, which scalers set."""
    serves: bool = False
    """Whether its pods run the model, so that their image is the version."""
    scales: Callable[[Object], Scaled | None] | None = None
    """Whose number of pods it changes."""
    has_steps: bool = False
    """Whether a new version takes over in steps, past which its status can be told to go."""
    shifts: Callable[[Object], Iterable[str]] | None = None
    """The Services between which it moves requests."""
    writes: tuple[ForeignField, ...] = ()
    """What its controller writes into other objects of the model."""
    after: SharedScaling | None = None
    """What must be said of a scaler whose place it takes."""
    explained_by: tuple[tuple[str, str], ...] = ()
    """Groups and resources whose lists tell why an object is not ready, so that applying must see them."""
    health: HealthCheck | None = None
    """What engines must be told, where the usual conditions do not say how far it is."""
    has_own_rules: bool = False
    """Whether rules of kube-score that begin with its name are about it and not about pods."""

    @property
    def resource(self) -> str:
        """What the API calls its objects."""
        return self.plural or resource_of(self.kind)


@lru_cache(maxsize=256)
def resource_of(kind: str) -> str:
    """What the API calls the objects of a kind, by the rule that Kubernetes and its operators follow.

    Source: UnsafeGuessKindToResource in k8s.io/apimachinery/pkg/api/meta
    """
    word = kind.lower()
    if word.endswith("s"):
        return f"{word}es"
    return f"{word[:-1]}ies" if word.endswith("y") else f"{word}s"


def at(document: Any, *keys: str) -> Any:
    """A part of an object; None where it has none."""
    for key in keys:
        document = document.get(key) if isinstance(document, Mapping) else None
    return document


def templated_pods(document: Object) -> Iterable[Pods]:
    """The pods of what has a template and a number of replicas, as most workloads do."""
    template = at(document, "spec", "template")
    return [Pods(template, int(at(document, "spec", "replicas") or 1))] if template else []
