"""What servers used of CPU and memory, by Prometheus or a file, and what they should then ask for.

The busiest server counts, as all of them ask for the same.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

from aimass_compiler.diagnostics import HintedError
from aimass_compiler.pipeline.serving import Resources
from aimass_compiler.programs.prometheus import ask

#: How often Prometheus looks back in the period, and over how long CPU is averaged.
_STEP_SECONDS = 300
_STEP = "5m"
#: What is added to what was used: memory that is exceeded ends a server, CPU only makes it slower.
_SPARE_MEMORY, _SPARE_CPU = 1.2, 1.15
_MEMORY_PARTS, _CPU_PARTS = 16 * 2**20, 0.01
_LEAST_MEMORY = 64 * 2**20
#: A request that is right within this share stays as it is.
_CLOSE = 0.2
#: What of the period must have been measured, so that what was seen is usual.
ENOUGH = 0.5


class NotMeasured(HintedError):  # noqa: N818  # it reads as what is the case
    """There is nothing to go by."""


class ResourceUsage(Struct, frozen=True, forbid_unknown_fields=True):
    """What the busiest server used: cores, or bytes."""

    p95: float
    """In 95 of 100 intervals no more than this."""
    max: float


class MeasuredUse(Struct, frozen=True, forbid_unknown_fields=True):
    """What the servers of a model used in an environment."""

    cpu: ResourceUsage
    memory: ResourceUsage
    share: float = 1.0
    """How much of the period was measured."""


class SizeProposal(Struct, frozen=True):
    """What the servers of a model should ask for in an environment."""

    model: str
    environment: str
    asked: Resources
    used: MeasuredUse
    cpu: str | None
    """None where what is asked for is right, as of memory."""
    memory: str | None


def by_file(path: Path) -> Mapping[str, Mapping[str, MeasuredUse]]:
    """What a file says, by models and environments. Raises NotMeasured."""
    form = '{"churn": {"prod": {"cpu": {"p95": 0.2, "max": 0.6}, "memory": {"p95": 3.1e8, "max": 3.4e8}}}}'
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, dict[str, MeasuredUse]])
    except (OSError, msgspec.MsgspecError) as error:
        raise NotMeasured(f"{path} cannot be read: {error}", f"it is JSON like `{form}`") from None


def by_prometheus(
    address: str, tenant: str | None, model: str, namespace: str, seconds: float
) -> MeasuredUse | None:
    """What Prometheus knows of a model's servers; None where it has nothing. Raises PrometheusError."""
    own = f'namespace="{namespace}"'
    up = f'and on (namespace, pod) up{{job="{model}",{own}}}'
    in_pods = f'{{{own},container=~"server|main|kserve-container"}}'
    of_itself = f'{{job="{model}",{own}}}'
    cpu = (
        f"rate(container_cpu_usage_seconds_total{in_pods}[{_STEP}]) {up}",
        f"rate(process_cpu_seconds_total{of_itself}[{_STEP}])",
    )
    memory = (
        f"container_memory_working_set_bytes{in_pods} {up}",
        f"process_resident_memory_bytes{of_itself}",
    )
    cores, _ = _used(address, tenant, cpu, math.ceil(seconds))
    held, share = _used(address, tenant, memory, math.ceil(seconds))
    return None if cores is None or held is None else MeasuredUse(cores, held, share)


def _used(
    address: str, tenant: str | None, measures: tuple[str, ...], seconds: int
) -> tuple[ResourceUsage | None, float]:
    """By the first of several measures that is there: the kubelet's, or what servers say of themselves."""
    for measure in measures:
        each = f"max({measure})[{seconds}s:{_STEP}]"
        found = [
            _value(address, tenant, query)
            for query in (
                f"quantile_over_time(0.95, {each})",
                f"max_over_time({each})",
                f"count_over_time({each})",
            )
        ]
        p95, most, count = found
        if p95 is not None and most is not None:
            return ResourceUsage(p95, most), min(1.0, (count or 0.0) * _STEP_SECONDS / seconds)
    return None, 0.0


def _value(address: str, tenant: str | None, query: str) -> float | None:
    answers = ask(address, query, tenant)
    value = answers[0].value if answers else math.nan
    return value if math.isfinite(value) else None


def proposal(model: str, environment: str, asked: Resources, used: MeasuredUse) -> SizeProposal:
    """Memory for the most that was used and a fifth more, CPU for 95 of 100 intervals and a little more."""
    memory = max(_LEAST_MEMORY, _up(used.memory.max * _SPARE_MEMORY, _MEMORY_PARTS))
    cores = max(_CPU_PARTS, _up(used.cpu.p95 * _SPARE_CPU, _CPU_PARTS))
    has_memory = _is_close(memory, float(asked.memory.size))
    has_cores = _is_close(cores, float(asked.cpu.amount))
    return SizeProposal(
        model,
        environment,
        asked,
        used,
        None if has_cores else cores_text(cores),
        None if has_memory else memory_text(memory),
    )


def _up(amount: float, parts: float) -> float:
    return math.ceil(amount / parts - 1e-9) * parts


def _is_close(wanted: float, asked: float) -> bool:
    """Too little is told sooner than too much: memory that is short ends servers."""
    return asked * (1 - _CLOSE) <= wanted <= asked


def cores_text(cores: float) -> str:
    """Cores as Kubernetes writes them."""
    return f"{round(cores * 1000)}m"


def memory_text(size: float) -> str:
    """Bytes as Kubernetes writes them, to whole MiB."""
    return f"{math.ceil(size / 2**20)}Mi"
