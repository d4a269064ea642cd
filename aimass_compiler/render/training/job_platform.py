"""Whose operator runs a training job on Kubernetes, and what it must be given."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from aimass_compiler.pipeline import Pipeline
from aimass_compiler.pipeline.training import Training
from aimass_compiler.render.object_kind import Object, ObjectKind
from aimass_compiler.render.training.cluster import PodGroup, TrainingRun

#: Pods of an operator by their labels, and a port.
Peer = tuple[Mapping[str, str], int]


class JobPlatform(Struct, frozen=True, kw_only=True):
    """An operator that runs training jobs of its own kind."""

    kind: ObjectKind
    """The job's."""
    longest_name: int
    """Of a job, as names of its pods are made of it."""
    once: Callable[[TrainingRun], Object]
    """The job, named by its content: one that has ended never runs again."""
    again: Callable[[TrainingRun, str], Object]
    """The same under a name that stays, for the clock to replace."""
    beside: Callable[[TrainingRun], Sequence[Object]]
    """What the job refers to."""
    groups: Callable[[Pipeline, Training], Sequence[PodGroup]]
    """Its pods and what they ask for."""
    stages_in: tuple[tuple[str, str], ...]
    """The container that runs the stages: what Prometheus discovers of a pod, each with its pattern."""
    ray_in: tuple[tuple[str, str], ...]
    """The containers where Ray shows what a node uses, in the same way."""
    watched_by: Peer | None = None
    """Who asks its pods how the job goes, and at which port."""
    reports_to: Peer | None = None
    """Whom its pods report to, and at which port."""
    made_beside: tuple[ObjectKind, ...] = ()
    """The kinds of what the job refers to."""
