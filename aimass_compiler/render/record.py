"""`resolved.json`: what the compiler knows of a model, as typed values that two revisions are compared by."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec
from msgspec.structs import replace

from aimass_compiler import conventions
from aimass_compiler.catalog.language_engine import engine_named
from aimass_compiler.pipeline import Pipeline
from aimass_compiler.pipeline.columns import request_columns
from aimass_compiler.pipeline.pod_settings import PodSettings
from aimass_compiler.pipeline.search_space import at_once, is_searched
from aimass_compiler.pipeline.serving import Serving
from aimass_compiler.pipeline.team import QueueQuota, Quota
from aimass_compiler.render.access import deployers
from aimass_compiler.render.dvc import command, reads_unseen
from aimass_compiler.render.facts import (
    Addresses,
    AlertRule,
    Contract,
    DeclaredObject,
    Devices,
    Environment,
    FineTuning,
    ImageSources,
    Job,
    JobBound,
    Promises,
    RequestColumn,
    RequestLimits,
    Resolved,
    SearchSize,
    Servers,
    SharedAccess,
    SharedPlace,
    StageCommand,
    shortened_record,
)
from aimass_compiler.render.image.server_image import digest_of_pins
from aimass_compiler.render.kustomizations import Objects
from aimass_compiler.render.monitoring.alerts import AlertContext, alerts, watched
from aimass_compiler.render.names import digest, own_labels, served_labels, wanted_labels
from aimass_compiler.render.object_kind import Object, at
from aimass_compiler.render.pipeline_json import PipelineJson
from aimass_compiler.render.recorded_settings import recorded
from aimass_compiler.render.serving import callers
from aimass_compiler.render.serving.engine import Served, served_in
from aimass_compiler.render.serving.event_scaler import reasons
from aimass_compiler.render.serving.network import paths
from aimass_compiler.render.serving.workload import engine_of, variables
from aimass_compiler.render.target import Layer, Rendered
from aimass_compiler.render.targets import kind_of_object
from aimass_compiler.render.training.platforms import PLATFORMS
from aimass_compiler.version import __version__

_GIB = 2**30
_DAY_SECONDS = 86_400


def record_file(source: PipelineJson, rendered: Sequence[Rendered], objects: Objects) -> dict[str, bytes]:
    """The record, from the pipeline and what the targets made of it."""
    found = resolved(source, rendered, objects)
    is_short = source.pipeline.settings.generated.layout == "compact"
    text = msgspec.json.format(msgspec.json.encode(shortened_record(found) if is_short else found), indent=2)
    return {conventions.RESOLVED_FILE: text + b"\n"}


def resolved(source: PipelineJson, rendered: Sequence[Rendered], objects: Objects) -> Resolved:
    """What the compiler knows of one model."""
    pipeline, prometheus = source.pipeline, source.pipeline.settings.prometheus
    environments = _environments(pipeline, rendered, objects)
    return Resolved(
        conventions.RESOLVED_FORMAT,
        __version__,
        dict(own_labels(pipeline.settings)),
        dict(wanted_labels(pipeline.settings)),
        prometheus.namespace,
        _images(pipeline),
        _contract(source),
        _search(pipeline),
        _job(pipeline),
        {
            stage.name: StageCommand(command(stage, pipeline.path), reads_unseen(stage, pipeline))
            for stage in pipeline.stages
        },
        environments,
        _fine_tuning(pipeline),
        _record_days(pipeline.serving),
        recorded(pipeline, environments),
    )


def _record_days(serving: Serving) -> int | None:
    retention = serving.logs.predictions.retention
    return None if retention is None else math.ceil(retention.seconds / _DAY_SECONDS)


def _images(pipeline: Pipeline) -> ImageSources:
    images = pipeline.settings.images
    return ImageSources(images.python, images.ray, digest_of_pins(pipeline.first_model.artifact.server))


def _contract(source: PipelineJson) -> Contract:
    task, read = source.pipeline.task, source.pipeline.inputs
    columns = {
        name: RequestColumn(
            column["type"],
            name in read,
            column["missing"],
            column.get("shape"),
            column.get("min"),
            column.get("max"),
            column.get("unit", ""),
            column.get("values"),
        )
        for name, column in _requested(source).items()
    }
    horizon = None if task.forecast is None else task.forecast.horizon
    return Contract(task.served_as, task.target, task.classes, task.positive, columns, horizon)


def _requested(source: PipelineJson) -> dict[str, Any]:
    """The columns of a request as pipeline.json has them; of a forecast, a history and steps ahead."""
    task, declared = source.pipeline.task, source.document["data"]["columns"]
    if task.forecast is None:
        return {name: column for name, column in declared.items() if name not in task.targets}
    columns = request_columns(source.pipeline.data.columns, task)
    return {
        name: column.model_dump(mode="json") | {"shape": list(column.column_type.shape) or None}
        for name, column in columns.items()
    }


def _search(pipeline: Pipeline) -> SearchSize:
    search, searches = pipeline.search, 1 + pipeline.evaluation.on_failure.retrain
    if not is_searched(pipeline.model, pipeline.training):  # one training is no search, without a budget
        return SearchSize(1, 1, searches, None)
    together = at_once(pipeline)
    of_time = search.time.seconds if search.time else None
    of_cost = None if search.trial_seconds is None else search.trial_seconds / together
    limits = [seconds for seconds in (of_time, of_cost) if seconds is not None]
    return SearchSize(search.trials, together, searches, min(limits, default=None))


def _job(pipeline: Pipeline) -> Job | None:
    """The training job, which runs in the first environment."""
    name = next(iter(pipeline.environments), None)
    if name is None or not pipeline.settings.generated.training_job:
        return None
    settings, training = pipeline.settings.environments[name], pipeline.environments[name].training
    groups = PLATFORMS[pipeline.job_target].groups(pipeline, training)
    cpu = float(sum(count * each.cpu for count, each in groups))
    gib = sum(count * each.memory.size for count, each in groups) / _GIB
    gpu = sum(count * each.gpus for count, each in groups)
    pods = pipeline.settings.pods_of(name)
    known = _settings_of_pods(pods.of_training)
    if pods.storage_class is not None:
        known["storage_class"] = pods.storage_class
    secrets, target = tuple(sorted(settings.secrets)), pipeline.job_target
    return Job(name, pipeline.settings.queue, secrets, cpu, gib, gpu, known, target, _bounds(pipeline))


def _bounds(pipeline: Pipeline) -> tuple[JobBound, ...]:
    """The quota of the queue, and that of the namespace."""
    team, found = pipeline.settings.team, []
    if team is not None and team.queue is not None and team.queue.quota is not None:
        found.append(_bound(f"the queue {team.queue.cluster_queue}", team.queue.quota))
    if team is not None and team.quota is not None:
        found.append(_bound(f"the quota of {team.name}", team.quota))
    return tuple(found)


def _bound(name: str, quota: QueueQuota | Quota) -> JobBound:
    memory = None if quota.memory is None else quota.memory.size / _GIB
    gpus = None if quota.gpus is None else float(quota.gpus)
    return JobBound(name, None if quota.cpu is None else float(quota.cpu.amount), memory, gpus)


def _settings_of_pods(pods: PodSettings) -> dict[str, str]:
    """Each key that says something, with what it says."""
    written = pods.model_dump(mode="json", exclude_none=True)
    return {
        key: value if isinstance(value, str) else msgspec.json.encode(value).decode()
        for key, value in written.items()
    }


def _fine_tuning(pipeline: Pipeline) -> FineTuning | None:
    """What training takes of the accelerators of the first environment."""
    how, name = pipeline.task.conversation, next(iter(pipeline.environments), None)
    if how is None or name is None:
        return None
    training, device = pipeline.environments[name].training, pipeline.environments[name].accelerator
    count = training.worker_range[1] * training.gpus
    is_accelerated = device is not None and count > 0
    return FineTuning(
        training.epochs,
        tuple(path for source in pipeline.data.sources.values() for path in source.dependencies()),
        next(iter(how.base.dependencies), ""),
        None if how.base.architecture is None else how.base.architecture.parameters,
        Devices(device.name, count, device.hourly) if device and is_accelerated else None,
        device.peak * count if device and is_accelerated and device.peak else None,
    )


def _devices(pipeline: Pipeline, name: str) -> Devices | None:
    """The accelerators of each server, where its engine runs on them."""
    here, device = pipeline.environments[name].serving, pipeline.environments[name].accelerator
    if device is None or not engine_named(here.engine).runs_on_accelerators:
        return None
    return Devices(device.name, device.count * (here.nodes or 1), device.hourly)


def _environments(
    pipeline: Pipeline, rendered: Sequence[Rendered], objects: Objects
) -> dict[str, Environment]:
    base, found = [each.base for each in rendered], {}
    contents = _Contents(pipeline, base)
    for name, running in pipeline.environments.items():
        here, overlays = objects.environments[name], [each.overlay(name) for each in rendered]
        serving = running.serving
        latency = serving.objectives.latency.model_dump(mode="json", exclude_none=True)
        found[name] = Environment(
            running.namespace,
            deployers(pipeline, name),
            _servers(pipeline, name, here),
            _addresses(pipeline.name, serving, here),
            RequestLimits(serving.limits.concurrency, str(serving.limits.timeout), str(serving.limits.body)),
            Promises(str(serving.objectives.availability), latency),
            _alerts(
                replace(watched(pipeline.metadata, name, running), **_ANYWHERE),
                are_of_fleet=pipeline.settings.monitoring.is_of_fleet,
            ),
            contents.declared(here, overlays),
            _shared(served_in(pipeline, name)),
            None if (days := _record_days(serving)) == _record_days(pipeline.serving) else days,
        )
    return found


def _servers(pipeline: Pipeline, name: str, here: Sequence[Object]) -> Servers:
    running = pipeline.environments[name]
    serving = running.serving
    kinds = ((each, kind_of_object(each)) for each in here)
    served = ((each, kind.pods) for each, kind in kinds if kind.serves and kind.pods is not None)
    template = next((pods.template for each, pods_of in served for pods in pods_of(each)), {})
    own = served_labels(pipeline.name, own_labels(pipeline.settings)) | {conventions.LABEL_ENVIRONMENT: name}
    own_least, own_most = serving.replicas.fewest, serving.replicas.max
    here_served = served_in(pipeline, name)
    startup = engine_of(here_served).startup_seconds(here_served)
    return Servers(
        0 if serving.shared else own_least,
        0 if serving.shared else own_most,
        bool(serving.rollout.canary),
        str(serving.resources.cpu),
        str(serving.resources.memory),
        variables(here_served),
        {**(at(template, "metadata", "labels") or {}), **own},
        digest(msgspec.json.encode(template)),
        _devices(pipeline, name),
        serving.logs.predictions.pii is not None,
        _settings_of_pods(pipeline.settings.pods_of(name).of_serving),
        () if serving.shared else reasons(serving, startup),
    )


def _shared(served: Served) -> SharedPlace | None:
    serving, access = served.serving, served.serving.access
    if serving.shared is None:
        return None
    known = None
    if access is not None:
        secrets, ports = callers.secrets(access, served.gateway), callers.fetched_ports(access)
        known = SharedAccess(tuple(secrets), tuple(ports))
    resources, gateway = serving.resources, serving.gateway
    cpu, memory = float(resources.cpu.amount), resources.memory.size
    return SharedPlace(serving.shared, cpu, memory, gateway.namespace if gateway else None, known)


def _addresses(model: str, serving: Serving, here: Sequence[Object]) -> Addresses:
    ports = {
        each["metadata"]["name"]: tuple(port["port"] for port in each["spec"]["ports"])
        for each in here
        if each["kind"] == "Service"
    }
    gateway = serving.gateway
    return Addresses(ports, gateway.host if gateway else None, paths(model, serving) if gateway else ())


#: What an alert fires on is the same wherever it watches.
_ANYWHERE: Mapping[str, Any] = {"model": "", "environment": "", "namespace": "", "owner": "", "runbook": None}


@lru_cache(maxsize=1024)
def _alerts(watched: AlertContext, *, are_of_fleet: bool) -> tuple[AlertRule, ...]:
    return tuple(
        AlertRule(
            each.name,
            each.severity,
            each.hold,
            each.labels.get("objective", ""),
            tuple(map(float, each.thresholds)),
            "" if are_of_fleet else digest(each.expression.encode()),
        )
        for each in alerts(watched)
    )


class _Contents:
    """Digests of what the environments of one model declare; what they share is encoded once."""

    def __init__(self, pipeline: Pipeline, base: Sequence[Layer]) -> None:
        self._labels = msgspec.json.encode(served_labels(pipeline.name, own_labels(pipeline.settings)))
        # With the object itself, for an id lasts only as long as that.
        self._known: dict[int, tuple[Object, DeclaredObject]] = {}
        self._base = {each.key: each for each in self._beside(base)}

    def declared(self, objects: Sequence[Object], overlays: Sequence[Layer]) -> tuple[DeclaredObject, ...]:
        """All that an environment declares, whatever its release adds."""
        found = self._base | {each.key: each for each in self._beside(overlays)}
        found |= {each.key: each for each in map(self._declared, objects)}
        return tuple(sorted(found.values()))

    def _declared(self, document: Object) -> DeclaredObject:
        if id(document) not in self._known:
            kind, name = document["kind"], document["metadata"]["name"]
            self._known[id(document)] = (
                document,
                self._digested(kind, name, msgspec.json.encode(document)),
            )
        return self._known[id(document)][1]

    def _beside(self, layers: Sequence[Layer]) -> Iterator[DeclaredObject]:
        """What lies in files of its own, or is made by Kustomize."""
        for layer in layers:
            for manifest in layer.manifests.values():
                name = manifest.head["metadata"]["name"]
                yield self._digested(manifest.head["kind"], name, manifest.content)
            for each in layer.config_maps:
                read = (layer.files[entry.rpartition("=")[2]] for entry in each["files"])
                yield self._digested("ConfigMap", each["name"], b"".join((msgspec.json.encode(each), *read)))

    def _digested(self, kind: str, name: str, content: bytes) -> DeclaredObject:
        return DeclaredObject(kind, name, digest(self._labels + content))
