"""How the model is served: replicas, resources, objectives, limits, rollout, logs and tests."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from aimass_compiler.catalog.quantities import (
    Bytes,
    Cores,
    Duration,
    Frozen,
    Integer,
    Memory,
    Number,
    Percentage,
    Within,
    is_absent,
)
from aimass_compiler.pipeline.access import Access
from aimass_compiler.pipeline.model_name import ModelName
from aimass_compiler.pipeline.scheduled_servers import Idle, ScheduledServers
from aimass_compiler.pipeline.text_engine import (
    Adapters,
    EndpointPicker,
    StructuredOutput,
    TokenTimes,
    Vllm,
)
from aimass_compiler.pipeline.trace_export import Tracing


class Replicas(Frozen):
    """How many servers run, and what makes it more or fewer."""

    min: Integer = Field(2, ge=1, le=1000)
    """The servers that always run."""
    max: Integer = Field(4, ge=1, le=1000)
    """The most servers that load may start."""
    cpu: Percentage = Percentage("70%")
    """The share of the requested CPU above which servers are added."""
    zones: Integer | None = Field(None, ge=2, le=100, exclude_if=is_absent)
    """In how many zones servers must be: until there is one in each, none starts beside another. By default
    they are spread where there is room."""

    @property
    def fewest(self) -> int:
        """How many run when no request comes."""
        return self.min

    @property
    def is_fixed(self) -> bool:
        """Whether nothing changes their number."""
        return self.fewest == self.max


def _is_empty(value: tuple[ScheduledServers, ...]) -> bool:
    return not value


class ServedReplicas(Replicas):
    """How many servers of a model run, and what makes it more or fewer."""

    requests: Integer | None = Field(None, ge=1, le=10_000, exclude_if=is_absent)
    """How many requests in flight a server may have before servers are added, too; KEDA asks Prometheus for
    them. By default CPU alone counts, and of a language model its queue."""
    schedule: tuple[ScheduledServers, ...] = Field((), max_length=10, exclude_if=_is_empty)
    """Hours in which more servers than `min` run, such as those before people come to work; by KEDA."""
    idle: Idle | None = Field(None, exclude_if=is_absent)
    """That no server runs while no request comes, and when; by default `min` servers always run."""

    @property
    def fewest(self) -> int:
        """How many run when no request comes."""
        return self.min if self.idle is None else 0

    @property
    def by_events(self) -> bool:
        """Whether something else than CPU changes their number."""
        return self.requests is not None or bool(self.schedule) or self.idle is not None


class Resources(Frozen):
    """What one server asks for and may not exceed."""

    cpu: Cores = Cores("500m")
    """Cores."""
    memory: Memory = Bytes("512Mi")
    """Memory; requested and limited alike, so that a node's pressure never evicts a server first."""


class Latency(Frozen):
    """Upper ends of the answer time; each percentile is a separate objective."""

    p50: Duration | None = None
    """Half of the answers come within this time."""
    p95: Duration | None = None
    """95 of 100 answers come within this time."""
    p99: Duration | None = Duration("100ms")
    """99 of 100 answers come within this time."""


class Objectives(Frozen):
    """What users may rely on; the alerts and the service tests come from these."""

    availability: Percentage = Percentage("99.9%")
    """The share of requests over 30 days that must not fail on our side."""
    latency: Latency = Field(default_factory=Latency.default)
    """How long answers may take."""
    first_token: TokenTimes | None = Field(None, exclude_if=is_absent)
    """Of a language model: how long callers may wait for the first token of an answer."""
    token: TokenTimes | None = Field(None, exclude_if=is_absent)
    """Of a language model: how long each further token may take."""


class Limits(Frozen):
    """What one server accepts before it says no."""

    concurrency: Integer = Field(64, ge=1, le=10_000)
    """How many requests of the largest body there is room for at once. Smaller ones are taken as long as they
    can be answered within `timeout`; what cannot is answered 503 before it is begun."""
    timeout: Annotated[Duration, Within("1ms", "30m")] = Duration("2s")
    """How long a request may take; a longer one is answered 504."""
    body: Annotated[Bytes, Within("1", "2Gi")] = Bytes("1Mi")
    """The largest request body in bytes; a larger one is answered 413."""


class Analysis(Frozen):
    """What a new version must show at the end of each step."""

    requests: Integer = Field(100, ge=1, le=1_000_000)
    """The fewest requests in a step that allow a verdict; with fewer, people decide."""
    errors: Percentage | None = None
    """The share of requests that may fail; by default 14.4 times what `objectives.availability` allows."""
    slower: Number = Field(1.5, ge=1, le=100)
    """How many times as long as those of the stable version the slowest answers (p99) may take, where that
    is more than `objectives.latency.p99`."""
    shift: Number = Field(0.25, gt=0, le=10)
    """How far predictions may be from those of the stable version: of labels, the population stability
    index; of numbers, the largest move of a quartile, as a share of the range of the middle 80 %."""


class Rollout(Frozen):
    """How a new version takes over."""

    canary: tuple[Annotated[Number, Field(gt=0, le=100)], ...] = Field((), max_length=10)
    """The percentages of traffic that the new version gets, step by step, ending with 100."""
    pause: Annotated[Duration, Within("2m", "7d")] = Duration("10m")
    """How long each step of the canary lasts; what its servers did meanwhile is judged then."""
    analysis: Analysis = Field(default_factory=Analysis.default)
    """How the canary is judged."""
    surge: Percentage = Percentage("25%")
    """How many servers more than wanted may run during an update."""


class PredictionLogs(Frozen):
    """Of which predictions there are records, with inputs and outputs."""

    sample: Number = Field(0.0, ge=0, le=1)
    """The share of requests whose inputs and outputs are recorded: in the store that `logs` of aimass.yaml
    names, else among the lines of the server's log."""
    retention: Annotated[Duration, Within("1d", "3650d")] | None = Field(None, exclude_if=is_absent)
    """How long the store keeps records, by default 90 days."""
    pii: Literal["reviewed"] | None = Field(None, exclude_if=is_absent)
    """`reviewed`, once someone made sure that the personal data in the inputs may be logged. It changes
    nothing but what policies say; columns that have `pii` themselves never leave a server as they are."""


class Logs(Frozen):
    """What servers log beside one line a request."""

    predictions: PredictionLogs = Field(default_factory=PredictionLogs.default)
    """The sample of predictions."""


class LoadTest(Frozen):
    """The short load that the test stage holds, with bad requests mixed in."""

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)

    rps: Integer = Field(50, ge=1, le=100_000)
    """Requests a second."""
    duration: Duration = Field(Duration("5s"), alias="for")
    """How long."""


class ServingTests(Frozen):
    """The tests of the served model: correct, efficient, stable."""

    tolerance: Number = Field(1e-5, gt=0, le=0.1)
    """How far the served prediction of a row may be from the batch prediction: of a number, as a share of
    the range of the target."""
    load: LoadTest = Field(default_factory=LoadTest.default)
    """The load of the pipeline's test stage."""
    soak: Duration | None = None
    """How long `aimass soak` holds the load, by default ten minutes; not part of the pipeline."""


class Mirror(Frozen):
    """Requests that another model gets a copy of; what it answers is thrown away."""

    model: ModelName
    """The model of this project, released in the same environments, whose Service gets the copies."""
    share: Percentage = Percentage("100%")
    """The share of requests that are copied."""


class Gateway(Frozen):
    """The route from outside, through the Kubernetes Gateway API."""

    host: str
    """The host name of the route."""
    name: str = "gateway"
    """The Gateway that the route attaches to."""
    namespace: str = "gateway-system"
    """The namespace of that Gateway."""
    endpoint_picker: EndpointPicker | None = Field(None, exclude_if=is_absent)
    """Of a language model: what chooses the server for each request, so that the route leads to an
    InferencePool; by default the servers take turns."""
    retries: Annotated[Integer, Field(ge=1, le=5)] | None = Field(None, exclude_if=is_absent)
    """How often the gateway asks another server where one could not be reached or answered 503, within
    `limits.timeout`; by default never. Needs `gateway.implementation` of the environment in aimass.yaml."""
    mirror: Mirror | None = Field(None, exclude_if=is_absent)
    """Another model that gets a copy of the requests, to be compared before it replaces this one."""


class Explanations(Frozen):
    """Explanations of single predictions: which columns moved an answer, and by how much.

    They are Shapley values against rows of the test split, which become part of the package.
    """

    background: Integer = Field(64, ge=8, le=1000)
    """How many rows a prediction is compared with, at most; wide tables have fewer. More rows make the
    numbers more precise and each explanation slower."""
    rows: Integer = Field(10, ge=0, le=1000)
    """How many rows one request may have explained; 0 turns explanations off in an environment."""
    scale: Literal["probability", "log_odds"] = "probability"
    """What contributions to a class add up to: its `probability`, or the logarithm of its odds (`log_odds`),
    which boosted trees and logistic regressions add up themselves, so that they are explained exactly."""


class Serving(Frozen):
    """How the model is served."""

    replicas: ServedReplicas = Field(default_factory=ServedReplicas.default)
    """How many servers run."""
    model: Literal["image", "volume"] = "image"
    """Where servers get the model: as the last layer of their `image`, or as a `volume` that the kubelet
    mounts beside the server's image. `volume` needs Kubernetes 1.35 and Kustomize 5.7."""
    resources: Resources = Field(default_factory=Resources.default)
    """What each server needs."""
    objectives: Objectives = Field(default_factory=Objectives.default)
    """What users may rely on."""
    limits: Limits = Field(default_factory=Limits.default)
    """What one server accepts."""
    rollout: Rollout = Field(default_factory=Rollout.default)
    """How a new version takes over."""
    logs: Logs = Field(default_factory=Logs.default)
    """What is logged."""
    tests: ServingTests = Field(default_factory=ServingTests.default)
    """How the served model is tested."""
    explanations: Explanations | None = Field(None, exclude_if=is_absent)
    """Whether servers explain predictions (`POST /explain`, `aimass predict --explain`); by default not."""
    shared: ModelName | None = Field(None, exclude_if=is_absent)
    """The server of `servers` in aimass.yaml that serves this model beside others; by default servers of its
    own. `resources` are then what the model takes of it, by default 25m and 8Mi."""
    engine: Literal["onnx", "vllm"] | None = Field(None, exclude_if=is_absent)
    """What runs a language model: `onnx`, on a CPU, or `vllm`; by default `vllm` in environments with an
    `accelerator`, else `onnx`."""
    target: Literal["kubernetes", "kserve"] | None = Field(None, exclude_if=is_absent)
    """What the servers are deployed as: objects of Kubernetes, or an InferenceService of KServe (of a
    language model, an LLMInferenceService). docs/targets.md says what each can do."""
    context: Integer | None = Field(None, ge=16, le=10_000_000, exclude_if=is_absent)
    """The most tokens of prompt and answer together; by default the model's `sequence_length`."""
    concurrent: Integer | None = Field(None, ge=1, le=4096, exclude_if=is_absent)
    """How many answers one server writes at once; further requests wait, as many as `limits.concurrency`
    allows."""
    structured_output: StructuredOutput | None = Field(None, exclude_if=is_absent)
    """What answers of a language model must look like: `from target`, as its declaration says, `none`, or a
    JSON `schema`."""
    adapter_of: ModelName | None = Field(None, exclude_if=is_absent)
    """The model of this project whose servers serve this one, as an adapter on the base that both have."""
    adapters: Adapters | None = Field(None, exclude_if=is_absent)
    """The adapters that these servers serve beside their base."""
    nodes: Integer | None = Field(None, ge=2, le=64, exclude_if=is_absent)
    """How many nodes one server spans, with the environment's accelerators on each; by default one."""
    vllm: Vllm | None = Field(None, exclude_if=is_absent)
    """Options of vLLM."""
    workers: Integer | None = Field(None, ge=1, le=64, exclude_if=is_absent)
    """How many processes answer in each server, side by side on one port; by default one. `resources` and
    `limits` are those of all together."""
    tracing: Tracing | None = Field(None, exclude_if=is_absent)
    """Where servers export the spans of requests; by default nowhere."""
    grpc: bool | None = Field(None, exclude_if=is_absent)
    """Whether servers answer the Open Inference Protocol over gRPC, too, on port 8081; by default not."""
    access: Access | None = Field(None, exclude_if=is_absent)
    """Who may ask, and how much; by default all who reach the servers, as much as these answer."""
    gateway: Gateway | None = None
    """The route from outside; without it the service is reachable inside the cluster only."""

    @property
    def is_of_text(self) -> bool:
        """Whether its model writes text: a context is filled in for those alone."""
        return self.context is not None
