"""What the compiler knows of one model beside its values, as `resolved.json` keeps it for those who compare.

No stage and no server reads it. Two of them, of two revisions, say what a change means.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import Struct

from aimass_compiler import conventions
from aimass_compiler.partial_values import difference, filled_in


class RequestColumn(Struct, frozen=True, omit_defaults=True):
    """One column that a request may name."""

    type: str
    is_read: bool
    """Whether its values reach the model; others may be sent and change nothing."""
    missing: float = 0.0
    """The share of rows that may lack a value; 0 means that requests must have one."""
    shape: tuple[int, ...] | None = None
    min: float | None = None
    max: float | None = None
    unit: str = ""
    values: tuple[str, ...] | None = None
    """The names that are accepted; None where any is."""


class Contract(Struct, frozen=True, omit_defaults=True):
    """What callers send and get, wherever the model serves."""

    task: str
    target: str
    classes: tuple[str, ...]
    positive: str | None
    columns: dict[str, RequestColumn]
    horizon: int | None = None
    """How many steps ahead a forecast answers; None where it is none."""


class RequestLimits(Struct, frozen=True):
    """What one server accepts, amounts as a spec has them."""

    concurrency: int
    timeout: str
    body: str


class Promises(Struct, frozen=True):
    """What users may rely on."""

    availability: str
    latency: dict[str, str]


class Addresses(Struct, frozen=True):
    """Where requests go."""

    ports: dict[str, tuple[int, ...]]
    """By the name of the Service."""
    host: str | None
    paths: tuple[str, ...]
    """Where the route from outside leads; none without a host."""


class Devices(Struct, frozen=True, omit_defaults=True):
    """The accelerators of one server or one training job."""

    name: str
    count: int
    hourly: float | None = None
    """What one costs in an hour; None where it is not known."""


class Servers(Struct, frozen=True, omit_defaults=True):
    """What serves in one environment."""

    least: int
    most: int
    is_canary: bool
    """Whether Argo Rollouts runs them."""
    cpu: str
    memory: str
    variables: dict[str, str]
    labels: dict[str, str]
    pods: str
    """A digest of their whole manifest."""
    devices: Devices | None = None
    """The accelerators of each; None where it has none."""
    is_reviewed: bool = False
    """Whether someone made sure that what they log of requests may be logged."""
    settings: dict[str, str] = {}
    """What the environment says of their pods, by its keys in aimass.yaml."""
    scaled_by: tuple[str, ...] = ()
    """What changes their number beside CPU, in words."""

    @property
    def is_automatic(self) -> bool:
        """Whether load decides how many there are."""
        return self.least < self.most


class AlertRule(Struct, frozen=True, omit_defaults=True):
    """One alert rule; those of one name differ in objective or severity."""

    name: str
    severity: str
    hold: str
    """How long that must last."""
    objective: str = ""
    thresholds: tuple[float, ...] = ()
    """What it fires above; for several burn rates the threshold of each."""
    condition: str = ""
    """A digest of its expression, but for where it runs; none where the rule is the fleet's."""


class DeclaredObject(Struct, frozen=True, order=True):
    """One Kubernetes object that an environment declares."""

    kind: str
    name: str
    content: str
    """A digest of all of it but the namespace."""

    @property
    def key(self) -> tuple[str, str]:
        return self.kind, self.name


class SharedAccess(Struct, frozen=True):
    """What a shared server reads and reaches to know the callers of a model."""

    secrets: tuple[str, ...]
    ports: tuple[int, ...]
    """Those at which keys of issuers are fetched."""


class SharedPlace(Struct, frozen=True, omit_defaults=True):
    """The server that a model shares with others, and what it takes of it."""

    server: str
    cpu: float
    """Cores, of all servers of the name together."""
    memory: int
    """Bytes, of each of them."""
    gateway_namespace: str | None
    """Where the gateway runs that lets callers in; None where there is none."""
    access: SharedAccess | None = None
    """None where anyone may ask."""


class Environment(Struct, frozen=True, omit_defaults=True):
    """What one environment gets."""

    namespace: str
    deployers: tuple[str, ...]
    """Who may apply to it."""
    servers: Servers
    addresses: Addresses
    limits: RequestLimits
    promises: Promises
    alerts: tuple[AlertRule, ...]
    objects: tuple[DeclaredObject, ...]
    shared: SharedPlace | None = None
    """None where it has servers of its own."""
    record_days: int | None = None
    """How long records of its predictions are kept, where that differs from other environments."""


class SearchSize(Struct, frozen=True):
    """How much is searched."""

    trials: int
    concurrency: int
    searches: int
    """How many there may be, with those that follow a missed gate."""
    seconds: float | None
    """After this no new trial starts."""


class JobBound(Struct, frozen=True, omit_defaults=True):
    """What a training job shares with others: a queue, or a namespace; None where it is not known."""

    name: str
    cpu: float | None = None
    gib: float | None = None
    gpu: float | None = None


class Job(Struct, frozen=True, omit_defaults=True):
    """One training job on a cluster; cores, GiB of memory and GPUs of all its pods together."""

    environment: str
    queue: str | None
    secrets: tuple[str, ...]
    cpu: float
    gib: float
    gpu: float
    settings: dict[str, str] = {}
    """What the environment says of their pods and volumes, by its keys in aimass.yaml."""
    target: str = "kuberay"
    """Whose operator runs it."""
    bounds: tuple[JobBound, ...] = ()
    """What it may use, where the team says so."""


class FineTuning(Struct, frozen=True, omit_defaults=True):
    """What of a language model decides how long its training takes."""

    epochs: int
    sources: tuple[str, ...]
    """The files of its rows that are in the project."""
    folder: str = ""
    """The base's folder in the project; empty where it is elsewhere."""
    parameters: int | None = None
    """How many weights it has, where the spec says so."""
    devices: Devices | None = None
    """The accelerators that train it, all workers together."""
    teraflops: float | None = None
    """Their dense peak in 16-bit floats, all together."""


class StageCommand(Struct, frozen=True):
    """How DVC runs one stage."""

    command: str
    is_always_run: bool
    """Whether it runs each time, because it reads what DVC cannot watch."""


class ImageSources(Struct, frozen=True):
    """What the images are made from."""

    serving_base: str
    training_base: str
    packages: str
    """A digest of the pins of what the server needs."""


class Resolved(Struct, frozen=True, omit_defaults=True):
    """All of it, for one model."""

    format: Literal[conventions.RESOLVED_FORMAT]  # type: ignore[valid-type]  # the constant's value
    compiler: str
    """The compiler's version."""
    labels: dict[str, str]
    """The organisation's labels of every object."""
    monitor_labels: dict[str, str]
    """Those by which Prometheus finds what to watch."""
    monitor_namespace: str
    """Where Prometheus runs, which the network lets in."""
    images: ImageSources
    contract: Contract
    search: SearchSize
    job: Job | None
    stages: dict[str, StageCommand]
    environments: dict[str, Environment]
    fine_tuning: FineTuning | None = None
    """None where no language model is trained."""
    record_days: int | None = None
    """How long records of its predictions are kept; None where the spec does not say it."""
    settings: dict[str, Any] = {}
    """What aimass.yaml says that its files follow and that nothing else here shows, without defaults."""


#: What a shortened record calls the environments behind the first, by what is not as in that.
_FURTHER = "further"


def decoded(content: bytes) -> Resolved:
    """What a record says, shortened or not. Raises msgspec.MsgspecError for another format."""
    found = msgspec.json.decode(content)
    if isinstance(found, dict) and _FURTHER in found:
        (name, first), *_ = found["environments"].items()
        whole = {other: filled_in(first, here) for other, here in found.pop(_FURTHER).items()}
        found["environments"] = {name: first, **whole}
    return msgspec.convert(found, type=Resolved)


def shortened_record(resolved: Resolved) -> dict[str, Any]:
    """The record, in which environments behind the first one say only what is not as in that."""
    found: dict[str, Any] = msgspec.to_builtins(resolved)
    (name, first), *others = found["environments"].items() or [("", {})]
    further = {other: difference(first, here) for other, here in others}
    return {**found, "environments": {name: first}, _FURTHER: further} if others else found
