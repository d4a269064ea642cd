"""The organisation's settings, `aimass.yaml` at the repository's root."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator
from pydantic_core import PydanticCustomError

from aimass_compiler.pipeline.waiver import Waiver
from aimass_compiler.values import Bytes, Cores, Duration, Frozen, Integer, Number


def _is_record(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}@sha256:[0-9a-f]{64}", value):
        told = "{shown} is not a tag with its digest, such as `spec-296b6b097776@sha256:…`"
        raise PydanticCustomError("record", told, {"shown": f"`{value}`"})
    return value


def _is_currency(value: str) -> str:
    if not re.fullmatch(r"[A-Z]{3}", value):
        told = "{shown} is not the code of a currency; write it like {example}"
        raise PydanticCustomError("currency", told, {"shown": f"`{value}`", "example": "`EUR`"})
    return value


class Capacity(Frozen):
    """What a cluster can give to one model; what is left out is not checked."""

    cpu: Cores | None = None
    """Cores, of all nodes together."""
    memory: Bytes | None = None
    """Memory, of all nodes together."""
    gpus: Integer | None = Field(None, ge=0)
    """GPUs that trials may use at once."""


class Account(Frozen):
    """A ServiceAccount of the cluster."""

    name: str = "aimass"
    """Its name."""
    namespace: str | None = None
    """Where it stands; by default in the environment's own namespace."""


class Deployer(Frozen):
    """Who applies: a ServiceAccount, or a user or a group as the API server knows them."""

    service_account: Account | None = None
    """A ServiceAccount, such as that of a runner inside of the cluster."""
    user: str | None = Field(None, min_length=1)
    """A user, such as `github:repo:acme/models:environment:prod` with GitHub's identity tokens."""
    group: str | None = Field(None, min_length=1)
    """A group of users."""

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if sum(part is not None for part in (self.service_account, self.user, self.group)) != 1:
            raise PydanticCustomError(
                "deployer", "`deployer` must be exactly one of `service_account`, `user` and `group`"
            )
        return self


def _how_many(value: Any) -> str:
    return "several" if isinstance(value, (list, tuple)) else "one"


#: One, or a list of them.
Deployers = Annotated[
    Annotated[Deployer, Tag("one")] | Annotated[tuple[Deployer, ...], Field(min_length=1), Tag("several")],
    Discriminator(_how_many),
]


class EnvironmentSettings(Frozen):
    """Where one environment lies, and who applies to it."""

    namespace: str | None = None
    """The Kubernetes namespace; by default `ml-` and the environment's name."""
    server: str | None = None
    """The address of the cluster's API server, for people; credentials never stand here."""
    deployer: Deployers | None = None
    """Who applies, or a list of all who do, such as CI and whoever looks for drift; by default the
    ServiceAccount `aimass` in the environment's namespace."""
    capacity: Capacity | None = None
    """What the cluster can give to one model, so that specs that ask for more are told."""
    secrets: tuple[str, ...] = ()
    """Secrets of the namespace with what the training job needs to read its rows, such as the entries
    `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`: its pods get them as environment variables."""


class Images(Frozen):
    """Where images come from and go to."""

    registry: str = "registry.example.com/ml"
    """The registry and path that the model images are pushed to."""
    python: str = "python:3.11-slim"
    """The base of the serving image; pin it by digest: `python:3.11-slim@sha256:…`."""
    ray: str = "rayproject/ray:2.55.1-py311"
    """The base of the training image; its Python must be the driver's."""
    kubectl: str = "registry.k8s.io/kubectl:v1.36.2"
    """What creates the training job again by the clock; pin it by digest."""
    digests: Mapping[str, Annotated[str, AfterValidator(_is_record)]] = Field(default_factory=dict)
    """What the registry answered when an image was pushed, `churn: spec-296b6b097776@sha256:…`; `churn-train`
    is the image that trains. It holds as long as the manifests name this tag."""


class Prometheus(Frozen):
    """How the cluster's Prometheus finds what to watch."""

    labels: Mapping[str, str] = Field(default_factory=lambda: {"release": "kube-prometheus-stack"})
    """Labels of ServiceMonitor and PrometheusRule that its selectors want."""
    namespace: str = "monitoring"
    """Where Prometheus runs, so that the network policy lets it in."""
    retention: Duration | None = None
    """How long it keeps samples, so that alerts which look further back are told."""


class Prices(Frozen):
    """What an hour costs, so that a plan tells money beside hours."""

    cpu_hour: Number = Field(0.0, ge=0)
    """One core for an hour."""
    gib_hour: Number = Field(0.0, ge=0)
    """One GiB of memory for an hour."""
    gpu_hour: Number = Field(0.0, ge=0)
    """One GPU for an hour."""
    currency: Annotated[
        str, AfterValidator(_is_currency), Field(json_schema_extra={"pattern": "^[A-Z]{3}$"})
    ] = "USD"
    """The currency's code in ISO 4217."""


class Settings(Frozen):
    """What holds for every model of the repository."""

    environments: Mapping[str, EnvironmentSettings] = Field(
        default_factory=lambda: {name: EnvironmentSettings.default() for name in ("dev", "staging", "prod")},
        min_length=1,
    )
    """The environments, in the order of promotion."""
    images: Images = Field(default_factory=Images.default)
    """Where images come from and go to."""
    prometheus: Prometheus = Field(default_factory=Prometheus.default)
    """How Prometheus finds the servers."""
    labels: Mapping[str, str] = Field(default_factory=dict)
    """Labels that every Kubernetes object gets."""
    prices: Prices | None = None
    """What an hour costs; without it, plans tell hours only."""
    users: Literal["fixed", "assigned"] = "fixed"
    """Whom pods run as: `fixed` numbers, or users and groups that are `assigned` by the platform, as by
    OpenShift, whose `restricted-v2` refuses any others."""
    queue: str | None = None
    """The Kueue queue that training jobs wait in."""
    waivers: tuple[Waiver, ...] = ()
    """The warnings that are accepted in every spec and in this file, each with the reason."""

    def namespace_of(self, environment: str) -> str:
        """The Kubernetes namespace of one of the environments."""
        return self.environments[environment].namespace or f"ml-{environment}"
