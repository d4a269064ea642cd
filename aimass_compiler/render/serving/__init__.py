"""What serves a model: servers, how they are reached and scaled, and how a new version takes over."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from aimass_compiler import conventions
from aimass_compiler.pipeline import Metadata, Pipeline
from aimass_compiler.pipeline.pod_settings import PodSettings
from aimass_compiler.pipeline.serving import Gateway, Serving
from aimass_compiler.render.names import component_label
from aimass_compiler.render.object_kind import Object
from aimass_compiler.render.pipeline_json import PipelineJson
from aimass_compiler.render.pod_settings import service_accounts
from aimass_compiler.render.serving import (
    analysis,
    autoscaler,
    callers,
    canary,
    devices,
    envoy_gateway,
    event_scaler,
    inference,
    inference_service,
    istio,
    llm_inference_service,
    network,
    route_rule,
    several_nodes,
    shared_entry,
    workload,
)
from aimass_compiler.render.serving.engine import Served, served_in
from aimass_compiler.render.serving.findings import findings
from aimass_compiler.render.serving.kinds import KINDS
from aimass_compiler.render.serving.platforms import KSERVE, PLATFORMS
from aimass_compiler.render.serving.server_platform import ServerPlatform
from aimass_compiler.render.target import Layer, Rendered, Target


def render(source: PipelineJson) -> Rendered:
    """The objects of the base, and those of each environment that serves otherwise."""
    pipeline = source.pipeline
    overlays = {name: Layer(objects=_objects_of(pipeline, name)) for name in pipeline.environments}
    return Rendered(base=Layer(objects=objects(pipeline)), overlays=overlays)


def objects(pipeline: Pipeline, environment: str | None = None) -> list[Object]:
    """Every object that serves the model; the environment is known in an overlay only."""
    served = served_in(pipeline, environment)
    namespace = pipeline.environments[environment].namespace if environment else None
    name, serving, prometheus = pipeline.name, served.serving, pipeline.settings.prometheus.namespace
    if serving.adapter_of is not None:
        return _labelled([*_of_adapter(served, serving.adapter_of)])
    if serving.shared is not None:
        own = [*shared_entry.objects(served, serving.shared), *_own_route(served)]
        return _labelled([*own, *_enforced(served)])
    platform = platform_of(serving)
    found = [
        platform.workload(pipeline.metadata, served),
        *service_accounts(name, served.pods or PodSettings.default()),
        *_addressed(pipeline.metadata, served, prometheus),
        *_scaling(served, namespace),
        *_devices(served),
        *_policy(served),
    ]
    backends: dict[str, int | None] = {name: None}
    if _takes_steps(serving):
        found += [*canary.services(name, serving), canary.rollout(name, serving, namespace)]
        found += analysis.templates(name, serving, pipeline.task, pipeline.settings.prometheus)
        backends = {canary.stable_name(name, serving): 100, canary.canary_name(name): 0}
    if serving.gateway is not None:
        found += _route(served, serving.gateway, backends)
    return _labelled([*found, *_enforced(served)])


def _labelled(objects: Iterable[Object]) -> list[Object]:
    labels = component_label(workload.COMPONENT)
    return [
        {**each, "metadata": {**each["metadata"], "labels": labels | each["metadata"].get("labels", {})}}
        for each in objects
    ]


def _of_adapter(served: Served, base: str) -> Iterator[Object]:
    """An address of its own for what the servers of another model serve, too."""
    yield network.service(base, served.model)
    yield from _own_route(served)


def _own_route(served: Served) -> Iterator[Object]:
    """The route to the model's Service, if there is one."""
    if served.serving.gateway is not None:
        yield from _route(served, served.serving.gateway, {served.model: None})


def _policy(served: Served) -> Iterator[Object]:
    """Who may ask, where the servers are ours and read it."""
    if conventions.VARIABLE_ACCESS in workload.variables(served):
        serving = served.serving
        yield from callers.policy(served.model, serving, served.gateway, serving.replicas.min)


def _enforced(served: Served) -> Iterator[Object]:
    """What a gateway or a mesh enforces before the servers do."""
    implementation, serving, gateway = served.gateway, served.serving, served.serving.gateway
    if implementation is None:
        return
    if implementation.is_mesh and serving.shared is not None:
        return  # a mesh's policies are of pods, which other models have as well
    if implementation.is_mesh:
        yield from istio.policies(served.model, serving)
    elif gateway is not None:
        yield from envoy_gateway.policies(served.model, serving, gateway, implementation)


def _takes_steps(serving: Serving) -> bool:
    """Whether a new version takes over step by step."""
    return bool(serving.rollout.canary) and platform_of(serving).takes_steps


def _addressed(about: Metadata, served: Served, prometheus: str) -> Iterator[Object]:
    name, serving, platform = served.model, served.serving, platform_of(served.serving)
    yield platform.service(network.service(name, name, grpc=bool(serving.grpc)), about)
    yield platform.policy(network.network_policy(name, serving, prometheus), about)


def _route(served: Served, gateway: Gateway, backends: Mapping[str, int | None]) -> Iterator[Object]:
    name, serving, implementation = served.model, served.serving, served.gateway
    rules = [route_rule.ANY]
    if implementation is not None and implementation.is_mesh:
        rules = istio.route_rules(gateway, implementation)
    elif implementation is not None:
        rules = envoy_gateway.route_rules(name, serving, implementation)
    if gateway.endpoint_picker is not None:
        yield inference.inference_pool(name, gateway.endpoint_picker)
        yield network.route(name, serving, gateway, [inference.pool_backend(name)], rules)
    elif serving.replicas.idle is not None and platform_of(serving).scaled is not None:
        startup = workload.engine_of(served).startup_seconds(served)
        holding = [event_scaler.holding_backend(serving.replicas.idle)]
        yield network.route(name, serving, gateway, holding, rules, startup)
    else:
        services = (network.service_backend(service, weight) for service, weight in backends.items())
        yield network.route(name, serving, gateway, [*services], rules)


def _scaling(served: Served, namespace: str | None) -> Iterator[Object]:
    yield from _scalers(served, namespace)
    if served.serving.replicas.min >= autoscaler.FEWEST_FOR_BUDGET:
        yield autoscaler.disruption_budget(served.model)


def _scalers(served: Served, namespace: str | None) -> Iterator[Object]:
    name, serving, replicas = served.model, served.serving, served.serving.replicas
    platform = platform_of(serving)
    if platform.scaled is None:
        return
    target = canary.scaled(name) if _takes_steps(serving) else platform.scaled(name)
    if event_scaler.is_used(serving):
        prometheus = served.settings.prometheus
        yield event_scaler.scaled_object(name, serving, target, prometheus, namespace)
        if replicas.idle is not None and serving.gateway is not None:
            startup = workload.engine_of(served).startup_seconds(served)
            yield event_scaler.interceptor_route(name, serving, serving.gateway, startup)
    elif replicas.min < replicas.max and not platform.counts_by_cpu:
        yield autoscaler.horizontal_pod_autoscaler(name, replicas, target)


def _devices(served: Served) -> Iterator[Object]:
    device = served.accelerator
    if device is not None and device.device_class is not None:
        yield devices.claim_template(served.model, device)


def _objects_of(pipeline: Pipeline, name: str) -> Sequence[Object] | None:
    """What serves there; none of its own where it serves as all do, and no object names the environment."""
    here, usual = served_in(pipeline, name), served_in(pipeline, None)
    is_alike = here.serving == usual.serving and workload.variables(here) == workload.variables(usual)
    is_named = bool(pipeline.serving.rollout.canary) or event_scaler.is_used(here.serving)
    is_placed = here.accelerator is not None or any(here.pods.written() if here.pods else ())
    is_elsewhere = is_placed or here.gateway is not None
    return None if is_alike and not is_named and not is_elsewhere else objects(pipeline, name)


def platform_of(serving: Serving) -> ServerPlatform:
    """The platform, by what a spec says and by what its model writes."""
    if serving.target == KSERVE:
        return llm_inference_service.PLATFORM if serving.is_of_text else inference_service.PLATFORM
    return workload.PLATFORM if serving.nodes is None else several_nodes.PLATFORM


TARGET = Target(render=render, findings=findings, kinds=KINDS, platforms=PLATFORMS)
