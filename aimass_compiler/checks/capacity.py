"""What a model asks for, the environment has."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from msgspec import Struct

from aimass_compiler.checks._example import Example
from aimass_compiler.conventions import SETTINGS_FILE
from aimass_compiler.diagnostics import Explanation, Finding, Path, Related, Severity
from aimass_compiler.pipeline.override_locations import place_in
from aimass_compiler.pipeline.search_space import at_once, workers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aimass_compiler.pipeline import EnvironmentPipeline, Pipeline
    from aimass_compiler.pipeline.settings import Capacity

NEEDS = ("settings", "model", "search", "training", "serving.replicas", "serving.resources", "environments")
EXPLANATIONS = (
    Explanation(
        "AM300",
        "the environment cannot hold what must always run",
        "`environments.NAME.capacity` in aimass.yaml says what the cluster can give to one model. The least "
        "number of servers, or a single trial of the search, asks for more, so Kubernetes would leave pods "
        "pending for ever. Ask for less, or raise the capacity.",
    ),
    Explanation(
        "AM301",
        "the environment cannot hold all that may run",
        "`environments.NAME.capacity` in aimass.yaml says what the cluster can give to one model. At the "
        "most servers, or with all trials at once, more is asked for: under load new servers stay pending, "
        "and so do workers of the training job, which a queue admits as a whole or not at all.",
    ),
)
_SETTINGS = "environments: {dev: {}, prod: {capacity: {cpu: 4, memory: 8Gi}}}"
_TRAINING = (
    "environments: {dev: {capacity: {cpu: 8, gpus: 2}}, prod: {}}\nimages: {ray: 'rayproject/ray:2.55.1-gpu'}"
)
EXAMPLES = (
    Example(
        "AM300",
        fails="serving: {replicas: {min: 3, max: 3}, resources: {memory: 4Gi}}",
        passes="serving: {replicas: {min: 2, max: 2}, resources: {memory: 4Gi}}",
        settings=_SETTINGS,
    ),
    Example(
        "AM300",
        fails="model: mlp\ntraining: {gpus: 4}",
        passes="model: mlp\ntraining: {gpus: 1}",
        settings=_TRAINING,
    ),
    Example(
        "AM301",
        fails="serving: {replicas: {min: 2, max: 20}}",
        passes="serving: {replicas: {min: 2, max: 8}}",
        settings=_SETTINGS,
    ),
    Example(
        "AM301",
        fails="model: {mlp: {dropout: {uniform: [0, 0.5]}}}\ntraining: {gpus: 1}\nsearch: {concurrency: 4}",
        passes="model: {mlp: {dropout: {uniform: [0, 0.5]}}}\ntraining: {gpus: 1}\nsearch: {concurrency: 2}",
        settings=_TRAINING,
    ),
)


class Demand(Struct, frozen=True):
    """So many of something, each with its amounts of `cpu`, `memory` and `gpus`, and where they stand."""

    noun: str
    least: int
    most: int
    each: Mapping[str, Decimal]
    #: Where the number at least and at most are written, and each amount.
    places: Mapping[str, Path]


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """Servers and trials that an environment with a known capacity cannot hold."""
    first = next(iter(pipeline.environments), "")
    for name, environment in pipeline.environments.items():
        settings = pipeline.settings.environments.get(name)
        if settings is None or settings.capacity is None:
            continue
        yield from _beyond(name, settings.capacity, _servers(pipeline, name, environment))
        if name == first:
            yield from _beyond(name, settings.capacity, _trials(pipeline, name, environment))


def _servers(pipeline: Pipeline, name: str, environment: EnvironmentPipeline) -> Demand:
    serving = environment.serving
    parts = {
        "cpu": "resources.cpu",
        "memory": "resources.memory",
        "least": "replicas.min",
        "most": "replicas.max",
    }
    places = {key: place_in(pipeline, name, f"serving.{part}") for key, part in parts.items()}
    each = {"cpu": serving.resources.cpu.amount, "memory": serving.resources.memory.amount}
    return Demand("server", serving.replicas.min, serving.replicas.max, each, places)


def _trials(pipeline: Pipeline, name: str, environment: EnvironmentPipeline) -> Demand:
    training = environment.training
    parts = {"cpu": "resources.cpu", "memory": "resources.memory", "gpus": "gpus"}
    places = {key: place_in(pipeline, name, f"training.{part}") for key, part in parts.items()}
    each = {
        "cpu": Decimal(str(training.resources.cpu)),
        "memory": training.resources.memory.amount,
        "gpus": Decimal(training.gpus),
    }
    least, most = training.worker_range
    if (least, most) == (1, 1):
        return Demand("trial", 1, at_once(pipeline), each, {**places, "most": ("search", "concurrency")})
    places |= dict.fromkeys(("least", "most"), place_in(pipeline, name, "training.workers"))
    return Demand("worker", least, workers(pipeline, training)[1], each, places)


def _beyond(name: str, capacity: Capacity, demand: Demand) -> Iterator[Finding]:
    """The scarcest amount only: what helps there mostly helps the others."""
    limits = {"cpu": capacity.cpu, "memory": capacity.memory, "gpus": capacity.gpus}
    shares = {
        key: (amount / Decimal(_plain(limit)), limit)
        for key, amount in demand.each.items()
        if (limit := limits[key]) is not None and amount
    }
    if not shares:
        return
    key, (share, limit) = max(shares.items(), key=lambda item: item[1][0])
    noun = {"cpu": "cores", "memory": "of memory", "gpus": "GPUs"}[key]
    note = Related(
        ("environments", name, "capacity", key), f"`{name}` has {limit} {noun}", file=SETTINGS_FILE
    )
    if share * demand.least > 1:
        counted = f"one {demand.noun} asks" if demand.least == 1 else f"{demand.least} {demand.noun}s ask"
        message = f"{counted} for more {noun} than `{name}` has"
        path = demand.places[key] if demand.least == 1 else demand.places["least"]
        yield Finding("AM300", path, message, help=f"`{name}` has {limit} {noun}", related=(note,))
    elif share * demand.most > 1:
        holds = int(1 / share)
        message = (
            f"{demand.most} {demand.noun}s ask for more {noun} than `{name}` has, which is enough for {holds}"
        )
        yield Finding("AM301", demand.places["most"], message, severity=Severity.WARNING, related=(note,))


def _plain(limit: object) -> Decimal | int:
    amount = getattr(limit, "amount", limit)
    return amount if isinstance(amount, (Decimal, int)) else 0
