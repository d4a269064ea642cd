"""The organisation's settings, `aimass.yaml` at the repository's root."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, PrivateAttr, model_validator
from pydantic_core import PydanticCustomError

from aimass_compiler.catalog.quantities import (
    Bytes,
    Cores,
    Duration,
    Frozen,
    Integer,
    Number,
    Within,
    is_absent,
)
from aimass_compiler.conventions import NO_REGISTRY, VLLM_VERSION
from aimass_compiler.pipeline.accelerator import Accelerator
from aimass_compiler.pipeline.ci import Ci
from aimass_compiler.pipeline.deployer import Deployers
from aimass_compiler.pipeline.gateway_implementation import GatewayImplementation
from aimass_compiler.pipeline.generated_files import (
    GeneratedFiles,
    MonitoringSettings,
    PipelineSettings,
    TrainingSettings,
)
from aimass_compiler.pipeline.gitops import PLACE, Engine, FollowedRepository, require_repository
from aimass_compiler.pipeline.image_signature import ImageSignature
from aimass_compiler.pipeline.model_name import ModelName
from aimass_compiler.pipeline.pod_settings import EnvironmentPods
from aimass_compiler.pipeline.record_store import RecordStore, StoreUrl
from aimass_compiler.pipeline.shared_server import SharedServer, SharingRule
from aimass_compiler.pipeline.team_rules import TeamRules
from aimass_compiler.pipeline.team_settings import TeamSettings
from aimass_compiler.pipeline.waiver import Waiver


def _is_address(value: str) -> str:
    if not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", value):
        message = "{shown} is not an address; write it like {example}"
        raise PydanticCustomError(
            "address", message, {"shown": f"`{value}`", "example": "`http://mimir:9090`"}
        )
    return value


def _is_currency(value: str) -> str:
    if not re.fullmatch(r"[A-Z]{3}", value):
        message = "{shown} is not the code of a currency; write it like {example}"
        raise PydanticCustomError("currency", message, {"shown": f"`{value}`", "example": "`EUR`"})
    return value


class Capacity(Frozen):
    """What a cluster can give to one model; what is left out is not checked."""

    cpu: Cores | None = None
    """Cores, of all nodes together."""
    memory: Bytes | None = None
    """Memory, of all nodes together."""
    gpus: Integer | None = Field(None, ge=0)
    """GPUs that trials may use at once."""


class Revert(Frozen):
    """When a release goes back by itself."""

    within: Annotated[Duration, Within("1m", "7d")] = Duration("1h")
    """How long after a release an error budget that burns fast is taken for its fault."""
    by: Literal["pull_request", "merge"] = "pull_request"
    """What is made of it: a pull request for people, or one that is merged once its checks have passed."""


class EnvironmentSettings(Frozen):
    """Where one environment lies, and who applies to it."""

    namespace: str | None = None
    """The Kubernetes namespace; by default `ml-` and the environment's name."""
    server: str | None = None
    """The address of the cluster's API server, for people; credentials never stand here."""
    deployer: Deployers | None = None
    """Who applies, or a list of all who do, such as CI and those who look for drift; by default the
    ServiceAccount `aimass` in the environment's namespace."""
    oncall: Deployers | None = None
    """Who may roll back at once (`aimass rollback --now`) without the right to apply, or a list of all who
    may: they change the images of a model's pods and nothing else. By default only who applies may."""
    trainer: Deployers | None = None
    """Who may train in the cluster (`aimass train`), or a list of all who may, said of the first environment,
    where models are trained. By default only an administrator may."""
    capacity: Capacity | None = None
    """What the cluster can give to one model, so that specs that ask for more are reported."""
    candidates: Literal["pull_request", "merge"] = Field(
        "pull_request", exclude_if=lambda how: how != "merge"
    )
    """What becomes of a version that was trained for a reason of `monitoring.retrain` and is better: a pull
    request for people, or one that is merged once its checks have passed. Said of the first environment."""
    accelerator: Accelerator | None = Field(None, exclude_if=is_absent)
    """What servers and training workers of language models run on, unless a spec says otherwise for the
    environment; by default CPUs."""
    pods: EnvironmentPods | None = Field(None, exclude_if=is_absent)
    """What holds for the pods of servers and training jobs: nodes, priority, identity, pull secrets, and the
    storage class of volumes; by default all is as the cluster has it."""
    revert: Revert | None = None
    """When `aimass verify` goes back to what ran before because an error budget burns; by default never."""
    secrets: tuple[str, ...] = ()
    """Secrets of the namespace with what the training job needs to read its rows, such as the entries
    `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`: its pods get them as environment variables."""
    store: StoreUrl | None = None
    """The object store through which the training job gets its files and gives its results, such as the URL
    of the DVC remote, `s3://bucket/path`; without it, `aimass train` copies them through a pod. Said of the
    first environment; what the job needs to reach it is in `secrets`, or the identity of its workload."""
    engine: Literal["local", "ray"] = "local"
    """What moves rows in the training job: one process on the head, or all workers, with the same results."""
    soak: Duration | None = None
    """How long a version must have been released in the environment before this one; by default any time."""
    signature: ImageSignature | None = None
    """Whose signature a version's images must have to be promoted here, and its package and statement of
    provenance where it has them; by default none."""
    requires: tuple[Literal["bom", "sbom", "signature", "provenance"], ...] = ()
    """What a version must have to be promoted here: a bill of materials of the model (`bom`) and of the image
    (`sbom`), a `signature` of the package, a signed statement of `provenance`."""
    gateway: GatewayImplementation | None = Field(None, exclude_if=is_absent)
    """What implements the Gateway API there; by default only what is standard is written."""
    applied_by: Engine | None = Field(None, exclude_if=is_absent)
    """Who brings what is released to this environment; by default the `engine` of all."""

    @model_validator(mode="after")
    def _is_signed_by_somebody(self) -> Self:
        """A signature by anyone would be no more than a checksum."""
        signed = sorted({"signature", "provenance"}.intersection(self.requires))
        if signed and self.signature is None:
            message = "`requires: [{name}]` needs `signature`, which says by whom it must be signed"
            raise PydanticCustomError("requires", message, {"name": signed[0]})
        return self


class ImageSettings(Frozen):
    """Where images come from and go to."""

    registry: str = f"{NO_REGISTRY}/ml"
    """The registry and path that the model images are pushed to."""
    python: str = "python:3.11-slim"
    """The base of the serving image; pin it by digest: `python:3.11-slim@sha256:…`."""
    ray: str = "rayproject/ray:2.55.1-py311"
    """The base of the training image; its Python must be the driver's."""
    kubectl: str = "registry.k8s.io/kubectl:v1.36.2"
    """What creates the training job again by the clock; pin it by digest."""
    vllm: str = f"vllm/vllm-openai:v{VLLM_VERSION}"
    """What serves language models on accelerators: vLLM 0.32, whose options are known; pin it by digest."""
    vllm_cpu: str = f"vllm/vllm-openai-cpu:v{VLLM_VERSION}"
    """The same without accelerators."""

    @property
    def has_registry(self) -> bool:
        """Whether there is a registry that images can be pushed to."""
        return self.registry.partition("/")[0] != NO_REGISTRY


class Prometheus(Frozen):
    """How the cluster's Prometheus finds what to watch."""

    labels: Mapping[str, str] = Field(default_factory=lambda: {"release": "kube-prometheus-stack"})
    """Labels of PodMonitor and PrometheusRule that its selectors want."""
    namespace: str = "monitoring"
    """Where Prometheus runs, so that the network policy lets it in."""
    url: Annotated[str, AfterValidator(_is_address)] | None = None
    """Where canaries and `aimass verify` ask, such as Thanos' or Mimir's address with its path; by default
    the Service `prometheus-operated` in its namespace."""
    tenant: str | None = Field(None, min_length=1)
    """What Mimir and Loki call the tenant: canaries ask with it as `X-Scope-OrgID`."""
    secret: str | None = Field(None, min_length=1)
    """The Secret of the model's namespace whose entry `authorization`, such as `Bearer …`, canaries send."""
    retention: Duration | None = None
    """How long it keeps samples, so that alerts which look further back are reported."""

    @property
    def address(self) -> str:
        """Where it is asked."""
        return self.url or f"http://prometheus-operated.{self.namespace}.svc:9090"


class Prices(Frozen):
    """What an hour costs, so that a plan shows money beside hours."""

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
    images: ImageSettings = Field(default_factory=ImageSettings.default)
    """Where images come from and go to."""
    prometheus: Prometheus = Field(default_factory=Prometheus.default)
    """How Prometheus finds the servers."""
    monitoring: MonitoringSettings = Field(default_factory=MonitoringSettings.default)
    """How models are watched."""
    training: TrainingSettings = Field(default_factory=TrainingSettings.default)
    """Where models are trained on a cluster."""
    pipeline: PipelineSettings = Field(default_factory=PipelineSettings.default)
    """What runs the stages one after the other."""
    generated: GeneratedFiles = Field(default_factory=GeneratedFiles.default)
    """What is generated for each model, and how it is laid out."""
    labels: Mapping[str, str] = Field(default_factory=dict)
    """Labels that every Kubernetes object gets."""
    servers: Mapping[ModelName, SharedServer] = Field(default_factory=dict)
    """Servers that several small models share, by their names. Each team has its own of a name."""
    sharing: tuple[SharingRule, ...] = Field((), exclude_if=lambda rules: not rules)
    """Which models share one of them without saying so; the first that is about a model holds."""
    logs: RecordStore | None = Field(None, exclude_if=is_absent)
    """Where records of predictions are kept; without it they are lines of the servers' logs."""
    prices: Prices | None = None
    """What an hour costs; without it, plans show hours only."""
    users: Literal["fixed", "assigned"] = "fixed"
    """Whom pods run as: `fixed` numbers, or users and groups that are `assigned` by the platform, as by
    OpenShift, whose `restricted-v2` refuses any others."""
    queue: str | None = None
    """The Kueue queue that training jobs wait in."""
    engine: Engine = Field("apply", exclude_if=lambda engine: engine == "apply")
    """Who brings what is released to the clusters: `aimass apply`, by people and the compiled workflows, or
    `argocd` or `flux`, for which the compiler writes `generated/fleet/`."""
    repository: FollowedRepository | None = Field(None, exclude_if=is_absent)
    """Where such an engine reads this repository."""
    engine_namespace: str | None = Field(None, pattern=PLACE, exclude_if=is_absent)
    """Where the engine itself runs; by default `argocd` or `flux-system`."""
    ci: Ci = Field(default_factory=Ci.default)
    """Which workflows the compiler writes for this repository; by default none."""
    teams: TeamSettings = Field(default_factory=TeamSettings.default)
    """What holds for the teams of the repository, which are the folders of specs/."""
    waivers: tuple[Waiver, ...] = ()
    """The warnings that are accepted in every spec and in this file, each with the reason."""
    #: What holds for the models of the one team that these are the settings of.
    _team: TeamRules | None = PrivateAttr(None)

    @model_validator(mode="after")
    def _is_job_generated(self) -> Self:
        is_needed = self.ci.github is not None and self.ci.github.training.where == "cluster"
        if is_needed and not self.generated.training_job:
            message = "`ci.github.training.where: cluster` needs `generated.training_job: true`"
            raise PydanticCustomError("training_job", message)
        return self

    @model_validator(mode="after")
    def _are_merges_delivered(self) -> Self:
        """GitHub starts no workflow for what a workflow's own token opens or merges."""
        merging = [
            f"environments.{name}.{key}: merge"
            for name, each in self.environments.items()
            for key, how in (("revert.by", each.revert and each.revert.by), ("candidates", each.candidates))
            if how == "merge"
        ]
        if merging and self.ci.github and self.ci.github.pull_requests == "token":
            message = (
                "`{place}` needs `ci.github.pull_requests: app`: what a workflow merges by its own token is "
                "neither checked nor delivered"
            )
            raise PydanticCustomError("revert", message, {"place": merging[0]})
        return self

    @property
    def team(self) -> TeamRules | None:
        """What holds for the models of one team, where these are its settings; else None."""
        return self._team

    def with_team(self, rules: TeamRules | None, **own: Any) -> Self:
        """The settings of a team: these, with what is the team's own."""
        found = self.model_copy(update=own)
        found._team = rules  # noqa: SLF001  # no one has seen the copy yet
        return found

    @model_validator(mode="after")
    def _is_repository_known(self) -> Self:
        require_repository(self.repository, {name: self.engine_of(name) for name in self.environments})
        return self

    def engine_of(self, environment: str) -> Engine:
        """Who brings what is released to one of the environments."""
        own = self.environments.get(environment)
        return (own.applied_by if own else None) or self.engine

    @property
    def delivered(self) -> tuple[str, ...]:
        """The environments that `aimass apply` brings what is released to."""
        return tuple(name for name in self.environments if self.engine_of(name) == "apply")

    @property
    def followed_repository(self) -> FollowedRepository:
        """Where an engine reads this repository; settings with an engine and without it are refused."""
        assert self.repository is not None  # noqa: S101  # as said
        return self.repository

    @property
    def signers(self) -> frozenset[str]:
        """The ways in which environments want images to be signed: by a `key`, by an `identity`, or both."""
        wanted = [each.signature for each in self.environments.values() if each.signature]
        return frozenset("key" if each.key else "identity" for each in wanted)

    def pods_of(self, environment: str) -> EnvironmentPods:
        """What holds for the pods of one of the environments."""
        return self.environments[environment].pods or EnvironmentPods.default()

    def environment_before(self, environment: str) -> str | None:
        """The one before it in the order of promotion; None for the first."""
        names = list(self.environments)
        place = names.index(environment)
        return names[place - 1] if place else None

    def namespace_of(self, environment: str) -> str:
        """The Kubernetes namespace of one of the environments."""
        return self.environments[environment].namespace or f"ml-{environment}"
