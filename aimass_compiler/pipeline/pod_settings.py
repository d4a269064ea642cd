"""What an environment says of the pods that run there: nodes, priority, identity, pull secrets, volumes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import Discriminator, Field, Tag, model_validator
from pydantic_core import PydanticCustomError

from aimass_compiler.catalog.quantities import ONE_OR_SEVERAL, Frozen
from aimass_compiler.catalog.text_form import text_form

_LABEL_NAME = "[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?"
_KEY = f"([a-z0-9]([a-z0-9.-]{{0,251}}[a-z0-9])?/)?{_LABEL_NAME}"
_EFFECTS = "NoSchedule|PreferNoSchedule|NoExecute"

_Name = Annotated[
    str, *text_form("[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?", "name of an object", "`registry-login`")
]
_Value = Annotated[str, *text_form(f"({_LABEL_NAME})?", "value of a label", "`models`")]
#: As `kubectl taint` has it; without a value any value is tolerated, and without an effect any effect.
Toleration = Annotated[
    str,
    *text_form(
        f"{_KEY}(=({_LABEL_NAME})?)?(:({_EFFECTS}))?",
        "taint",
        "`dedicated=models:NoSchedule`, `dedicated=models` or `dedicated`",
    ),
]


#: One, or several of which a node has one.
NodeValues = Annotated[
    Annotated[_Value, Tag("one")] | Annotated[tuple[_Value, ...], Field(min_length=1), Tag("several")],
    ONE_OR_SEVERAL,
]
NodeLabels = Mapping[str, NodeValues]


class Identity(Frozen):
    """Who pods are for the cloud: what its webhooks and agents read, or a ServiceAccount that exists."""

    annotations: Mapping[str, str] | None = None
    """Annotations of the ServiceAccounts that are made, such as
    `eks.amazonaws.com/role-arn: arn:aws:iam::123456789012:role/models`."""
    labels: Mapping[str, str] | None = None
    """Labels of the pods, such as `azure.workload.identity/use: "true"`."""
    service_account: _Name | None = None
    """A ServiceAccount of the namespace that exists already; none is then made."""

    @model_validator(mode="after")
    def _is_ours_to_annotate(self) -> Self:
        if self.service_account is not None and self.annotations is not None:
            message = (
                "`annotations` are those of accounts that are made, and `{name}` is not: annotate it there"
            )
            raise PydanticCustomError("identity", message, {"name": self.service_account})
        return self


class PodSettings(Frozen):
    """What holds for pods; what is left out is as the cluster has it."""

    nodes: NodeLabels | None = None
    """Labels of the nodes that pods may run on, all of which a node must have; a list of values means one of
    them: `{pool: models, zone: [a, b]}`."""
    tolerations: tuple[Toleration, ...] | None = None
    """Taints of nodes that pods may run on nonetheless, written like `dedicated=models:NoSchedule`."""
    priority_class: _Name | None = None
    """The PriorityClass of the pods; Kueue orders training jobs by it, too."""
    pull_secrets: tuple[_Name, ...] | None = None
    """Secrets of the namespace with which the kubelet pulls images."""
    identity: Identity | None = None
    """Who the pods are for the cloud."""

    def over(self, below: Self) -> Self:
        """These settings, and those of others where these say nothing."""
        found = {}
        for name in type(self).model_fields:
            mine, other = getattr(self, name), getattr(below, name)
            is_both = isinstance(mine, PodSettings) and isinstance(other, PodSettings)
            found[name] = mine.over(other) if is_both else (other if mine is None else mine)
        return self.model_copy(update=found)

    def written(self) -> Iterator[tuple[str, ...]]:
        """The path of each key that says something."""
        for name in type(self).model_fields:
            value = getattr(self, name)
            if isinstance(value, PodSettings):
                yield from ((name, *below) for below in value.written())
            elif value is not None:
                yield (name,)


_Kind = TypeVar("_Kind", bound=PodSettings)


class SpotNodes(Frozen):
    """By what nodes are known that the cloud may take back at any time."""

    nodes: NodeLabels = Field(min_length=1)
    """The labels that they have."""
    tolerations: tuple[Toleration, ...] = ()
    """The taints that they have."""


#: What clouds and autoscalers call such nodes. Sources:
#: https://cloud.google.com/kubernetes-engine/docs/concepts/spot-vms,
#: https://learn.microsoft.com/azure/aks/spot-node-pool,
#: https://docs.aws.amazon.com/eks/latest/userguide/managed-node-groups.html,
#: https://karpenter.sh/docs/concepts/nodepools
_KNOWN_SPOT: Mapping[str, SpotNodes] = {
    "gke": SpotNodes.model_construct(
        nodes={"cloud.google.com/gke-spot": "true"},
        tolerations=("cloud.google.com/gke-spot=true:NoSchedule",),
    ),
    "aks": SpotNodes.model_construct(
        nodes={"kubernetes.azure.com/scalesetpriority": "spot"},
        tolerations=("kubernetes.azure.com/scalesetpriority=spot:NoSchedule",),
    ),
    "eks": SpotNodes.model_construct(nodes={"eks.amazonaws.com/capacityType": "SPOT"}),
    "karpenter": SpotNodes.model_construct(nodes={"karpenter.sh/capacity-type": "spot"}),
}


def _form(value: Any) -> str:
    return "cloud" if isinstance(value, str) else "nodes"


class TrainingPodSettings(PodSettings):
    """What differs for the pods of training jobs."""

    spot: (
        Annotated[
            Annotated[Literal["gke", "aks", "eks", "karpenter"], Tag("cloud")]
            | Annotated[SpotNodes, Tag("nodes")],
            Discriminator(_form),
        ]
        | None
    ) = None
    """Run workers on nodes that the cloud may take back: those of `gke`, `aks`, `eks` or `karpenter`, or
    others by their `nodes` and `tolerations`. What coordinates a job stays on other nodes; a trial whose node
    is taken goes on from its last epoch on another, `training.retries` times."""

    @property
    def spot_nodes(self) -> SpotNodes | None:
        """By what nodes are known that workers run on, where they may be taken back."""
        return _KNOWN_SPOT[self.spot] if isinstance(self.spot, str) else self.spot

    @property
    def of_workers(self) -> PodSettings:
        """What holds for workers: the nodes that may be taken back, beside all that holds for the job."""
        spot = self.spot_nodes
        if spot is None:
            return self
        nodes = {**(self.nodes or {}), **spot.nodes}
        return self.filled(nodes=nodes, tolerations=(*(self.tolerations or ()), *spot.tolerations))


class EnvironmentPods(PodSettings):
    """What holds for all pods of an environment, and what differs for servers and for training jobs."""

    storage_class: _Name | None = None
    """The StorageClass of volumes; by default the cluster's. That of a training job must have volumes that
    several nodes can write (ReadWriteMany)."""
    serving: PodSettings | None = None
    """What differs for the pods of servers."""
    training: TrainingPodSettings | None = None
    """What differs for the pods of training jobs."""

    @property
    def of_serving(self) -> PodSettings:
        """What holds for the pods of servers."""
        return (self.serving or PodSettings.default()).over(self._common(PodSettings))

    @property
    def of_training(self) -> TrainingPodSettings:
        """What holds for the pods of training jobs."""
        return (self.training or TrainingPodSettings.default()).over(self._common(TrainingPodSettings))

    def _common(self, kind: type[_Kind]) -> _Kind:
        return kind.default().model_copy(
            update={name: getattr(self, name) for name in PodSettings.model_fields}
        )
