"""vLLM: its command line and its environment, which are written here and nowhere else, and its container.

No flag can be handed through: each follows from the spec. Options and metrics are those of vLLM 0.32.
Source: https://docs.vllm.ai/en/latest/cli/serve/
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from aimass_compiler import conventions
from aimass_compiler.pipeline.text_engine import Vllm
from aimass_compiler.render.pod_security import PULL, TMP_MOUNT, tmp_volume
from aimass_compiler.render.serving.devices import claim_name
from aimass_compiler.render.serving.engine import Served, ServingEngine, served_in
from aimass_compiler.render.serving.own_server import PACKAGE_MOUNT, READ_BYTES, package_volume
from aimass_compiler.render.serving.token_times import all_ends, further_ends

if TYPE_CHECKING:
    from aimass_compiler.pipeline import Pipeline
    from aimass_compiler.pipeline.serving import Serving
    from aimass_compiler.pipeline.text_engine import Adapters

HEALTH_PATH = "/health"
WEIGHTS = f"{conventions.IMAGE_PACKAGE_FOLDER}/weights"
CHAT_TEMPLATE = f"{WEIGHTS}/chat_template.jinja"
#: Below it, the package of each adapter by its model's name.
ADAPTERS_FOLDER = "/adapters"
#: Ranks for which vLLM has kernels. Source: MaxLoRARanks in vllm/config/lora.py
RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)
#: Where workers of one server find each other.
_MASTER_PORT = 29_500
#: To import everything, and to compile graphs: a machine that does other things takes minutes.
_IMPORT_SECONDS, _COMPILE_SECONDS = 240, 360
_PROBE_SECONDS = 10
_SHARED_MEMORY = {"name": "shared-memory", "mountPath": "/dev/shm"}  # noqa: S108  # the container's, an emptyDir
_API_KEY = "api-key"
#: LeaderWorkerSet sets these in each pod of a server that spans several.
_LEADER, _RANK = "$(LWS_LEADER_ADDRESS)", "$(LWS_WORKER_INDEX)"


def command(pipeline: Pipeline, environment: str) -> tuple[list[str], dict[str, str]]:
    """The arguments and the environment variables with which vLLM serves a model in an environment.

    The package is at `conventions.IMAGE_PACKAGE_FOLDER`, each adapter's below `ADAPTERS_FOLDER`.
    """
    served = served_in(pipeline, environment)
    return ["vllm", "serve", *arguments(served)], variables(served)


def arguments(served: Served) -> tuple[str, ...]:
    """What follows `vllm serve`."""
    return (WEIGHTS, *(word for flag, value in _flags(served) for word in (flag, value) if word))


def _flags(served: Served) -> Iterator[tuple[str, str]]:
    """Each flag with its value, which is empty where it has none."""
    serving = served.serving
    yield "--served-model-name", served.model
    yield "--host", "0.0.0.0"  # noqa: S104  # of a pod, which its network policy keeps apart
    yield "--port", str(conventions.PORT)
    yield "--max-model-len", str(serving.context)
    yield "--max-num-seqs", str(serving.concurrent)
    yield "--max-num-queued-reqs", str(max(serving.limits.concurrency, serving.concurrent or 1))
    yield "--shutdown-timeout", str(drain_seconds(serving))
    yield "--generation-config", "auto"
    # What is measured and certified are the likeliest tokens; OpenAI's own default is a temperature of 1.
    yield "--override-generation-config", '{"temperature":0}'
    yield "--chat-template", CHAT_TEMPLATE
    yield "--disable-access-log-for-endpoints", f"{HEALTH_PATH},{conventions.METRICS_PATH}"
    yield "--logging-config.formatter", "json"
    # Within JSON a small model may write white space until its tokens are used up.
    yield "--structured-outputs-config.backend", "xgrammar"
    yield "--structured-outputs-config.disable_any_whitespace", "true"
    yield from _buckets(serving)
    yield from _options(served, serving.vllm or Vllm.default())
    if serving.adapters is not None:
        yield from _adapters(serving.adapters)


def _buckets(serving: Serving) -> Iterator[tuple[str, str]]:
    """So that what is promised is an end of a bucket, and alerts watch it exactly."""
    more, every = further_ends(serving.objectives), all_ends(serving.objectives)
    families = {
        **({"time_to_first_token": every.first_token} if more.first_token else {}),
        **({"inter_token_latency": every.token} if more.token else {}),
    }
    if families:
        yield "--custom-histogram-buckets", msgspec.json.encode(families).decode()


def _options(served: Served, options: Vllm) -> Iterator[tuple[str, str]]:
    yield "--dtype", options.dtype or "auto"
    if options.quantization is not None:
        yield "--quantization", options.quantization
    if options.cache_dtype != "auto":
        yield "--kv-cache-dtype", options.cache_dtype
    yield ("--enable-prefix-caching" if options.prefix_caching else "--no-enable-prefix-caching"), ""
    if options.eager:
        yield "--enforce-eager", ""
    if served.accelerator is not None:
        yield "--gpu-memory-utilization", f"{options.gpu_memory_utilization:g}"
        yield "--tensor-parallel-size", str(options.tensor_parallel or served.accelerator.count)
    if served.serving.nodes is not None:
        yield "--pipeline-parallel-size", str(served.serving.nodes)
        yield "--nnodes", str(served.serving.nodes)
        yield "--node-rank", _RANK
        yield "--master-addr", _LEADER
        yield "--master-port", str(_MASTER_PORT)


def _adapters(adapters: Adapters) -> Iterator[tuple[str, str]]:
    yield "--enable-lora", ""
    yield "--max-lora-rank", str(allowed_rank(adapters.rank))
    yield "--max-loras", str(adapters.at_once or len(adapters.models))
    yield "--max-cpu-loras", str(len(adapters.models))
    yield "--lora-modules", f"{adapters.models[0]}={adapter_folder(adapters.models[0])}"
    for name in adapters.models[1:]:
        yield f"{name}={adapter_folder(name)}", ""


def allowed_rank(rank: int) -> int:
    """The smallest rank that vLLM has room for and that is at least this one."""
    return next(each for each in RANKS if each >= rank)


def adapter_folder(model: str) -> str:
    """Where the files of an adapter are in the container."""
    return f"{ADAPTERS_FOLDER}/{model}/adapter"


def variables(served: Served) -> dict[str, str]:
    """The environment variables of vLLM: nothing is fetched or told, and all that it writes is below /tmp."""
    found = {
        "HOME": TMP_MOUNT["mountPath"],
        "USER": "vllm",  # PyTorch names a cache after the user, whose number no file of the image knows
        "HF_HOME": _below_tmp("huggingface"),
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "VLLM_NO_USAGE_STATS": "1",
        "VLLM_CACHE_ROOT": _below_tmp("vllm"),
        "VLLM_CONFIG_ROOT": _below_tmp("vllm"),
        "VLLM_LOGGING_COLOR": "0",
    }
    if served.accelerator is None:
        resources = served.serving.resources
        found |= {
            "VLLM_CPU_KVCACHE_SPACE": str(max(1, resources.memory.size // 2**31)),
            "VLLM_CPU_OMP_THREADS_BIND": "nobind",  # the kubelet says which cores there are
            "OMP_NUM_THREADS": str(math.ceil(resources.cpu.amount)),
        }
    return found


def _below_tmp(name: str) -> str:
    return f"{TMP_MOUNT['mountPath']}/{name}"


def drain_seconds(serving: Serving) -> int:
    """How long answers that were begun may take when a server is asked to stop."""
    return math.ceil(serving.limits.timeout.seconds)


def startup_seconds(served: Served) -> int:
    """When a server that does not answer is given up: imports, graphs, and all weights that fit read once."""
    memory = served.serving.resources.memory.size
    if served.accelerator is not None:
        memory = served.accelerator.memory.size * served.accelerator.count
    is_eager = served.accelerator is None or (served.serving.vllm or Vllm.default()).eager
    return math.ceil(memory / READ_BYTES) + _IMPORT_SECONDS + (0 if is_eager else _COMPILE_SECONDS)


def image(served: Served) -> str:
    """The image of vLLM for what the environment has."""
    images = served.settings.images
    return images.vllm_cpu if served.accelerator is None else images.vllm


def _container(served: Served) -> Mapping[str, Any]:
    return {
        "image": image(served),
        "command": ["vllm", "serve"],
        "args": [*arguments(served)],
        "resources": _resources(served),
        **_probes(served),
        "volumeMounts": [TMP_MOUNT, PACKAGE_MOUNT, _SHARED_MEMORY, *_adapter_mounts(served.serving)],
    }


def secrets(served: Served) -> Iterator[dict[str, Any]]:
    """The environment variables whose values a Secret has."""
    options = served.serving.vllm or Vllm.default()
    if options.api_key is not None:
        source = {"secretKeyRef": {"name": options.api_key, "key": _API_KEY}}
        yield {"name": "VLLM_API_KEY", "valueFrom": source}


def _resources(served: Served) -> dict[str, Any]:
    """Devices by their number, or by claims of the pod where the environment has a class of them."""
    resources = served.serving.resources
    memory, device = str(resources.memory), served.accelerator
    found: dict[str, Any] = {
        "requests": {"cpu": str(resources.cpu), "memory": memory, "ephemeral-storage": "1Gi"},
        "limits": {"memory": memory, "ephemeral-storage": "16Gi"},
    }
    if device is not None and device.device_class is not None:
        found["claims"] = [{"name": conventions.DEVICE_CLAIM}]
    elif device is not None:
        found["limits"][device.resource] = str(device.count)
    return found


def _probes(served: Served) -> dict[str, Any]:
    """It binds its port once the weights are loaded, so that who answers is ready.

    A server that has died inside answers 503, and is restarted after a minute.
    """
    healthy = {"httpGet": {"path": HEALTH_PATH, "port": conventions.PORT_NAME}}
    tries = math.ceil(startup_seconds(served) / _PROBE_SECONDS)
    return {
        "startupProbe": {
            **healthy,
            "periodSeconds": _PROBE_SECONDS,
            "timeoutSeconds": 5,
            "failureThreshold": tries,
        },
        "readinessProbe": {**healthy, "periodSeconds": 5, "timeoutSeconds": 5, "failureThreshold": 2},
        "livenessProbe": {**healthy, "periodSeconds": 10, "timeoutSeconds": 10, "failureThreshold": 6},
    }


def _volumes(served: Served) -> Iterator[dict[str, Any]]:
    yield tmp_volume("12Gi")
    yield package_volume(served.model)
    yield {"name": "shared-memory", "emptyDir": {"medium": "Memory", "sizeLimit": _shared_memory(served)}}
    if served.serving.adapters is not None:
        for name in served.serving.adapters.models:
            yield {"name": f"adapter-{name}", "image": {"reference": name, "pullPolicy": PULL}}


def _shared_memory(served: Served) -> str:
    """Part of the container's memory: through it the workers of one server exchange tensors."""
    return "1Gi" if served.accelerator is None else "2Gi"


def _adapter_mounts(serving: Serving) -> Iterator[dict[str, Any]]:
    if serving.adapters is not None:
        for name in serving.adapters.models:
            path = f"{ADAPTERS_FOLDER}/{name}"
            yield {"name": f"adapter-{name}", "mountPath": path, "readOnly": True}


def _pod(served: Served) -> Mapping[str, Any]:
    """Nodes with the accelerator, and the claim on it."""
    device, found = served.accelerator, {}
    if device is None:
        return {}
    if device.label is not None:
        found["nodeSelector"] = {device.label: device.name}
    if device.device_class is not None:
        claim = {"name": conventions.DEVICE_CLAIM, "resourceClaimTemplateName": claim_name(served.model)}
        return found | {"resourceClaims": [claim]}
    tainted = {"key": device.resource, "operator": "Exists", "effect": "NoSchedule"}
    return found | {"tolerations": [tainted]}


ENGINE = ServingEngine(
    container=_container,
    volumes=_volumes,
    drain_seconds=drain_seconds,
    startup_seconds=startup_seconds,
    variables=variables,
    secrets=secrets,
    arguments=arguments,
    pod=_pod,
)
