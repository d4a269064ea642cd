"""The layers of a language model can be split over the accelerators of a server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler.catalog.language_engine import engine_named
from aimass_compiler.checks._example import Example
from aimass_compiler.diagnostics import Explanation, Finding, Path, Related
from aimass_compiler.pipeline.override_locations import place_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.catalog.architecture import Architecture
    from aimass_compiler.pipeline import Pipeline

NEEDS = ("settings", "model", "data", "target", "serving", "environments")
EXPLANATIONS = (
    Explanation(
        "AM453",
        "a model's heads cannot be shared by so many accelerators",
        "The accelerators of one server share each layer: every one computes some of its attention heads, so "
        "that their number must divide `heads`, and divide `kv_heads` or be a multiple of it. vLLM stops "
        "otherwise. By default all that a server has share each layer (`accelerator.count`); "
        "`serving.vllm.tensor_parallel` says another number, and those that are left over would be idle.",
    ),
)
_PLACED = "environments: {dev: {}, prod: {accelerator: {name: nvidia-l4, memory: 24Gi, count: %d}}}"
_ENGINE = "serving: {engine: vllm, resources: {memory: 64Gi}%s}"
EXAMPLES = (
    Example(
        "AM453",
        fails=_ENGINE % "" + "\n" + "environments: {prod: {accelerator: {name: a, memory: 24Gi, count: 3}}}",
        passes=_ENGINE % "" + "\n" + "environments: {prod: {accelerator: {name: a, memory: 24Gi, count: 4}}}",
        of="language",
    ),
    Example(
        "AM453",
        fails=_ENGINE % ", vllm: {tensor_parallel: 2}",
        passes=_ENGINE % ", vllm: {tensor_parallel: 4}",
        of="language",
        settings=_PLACED % 4,
    ),
)


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """Environments whose servers have a number of accelerators that does not go with the heads."""
    conversation = pipeline.task.conversation
    base = None if conversation is None else conversation.base.architecture
    for name, environment in pipeline.environments.items():
        device, serving = environment.accelerator, environment.serving
        if device is None or not engine_named(serving.engine).runs_on_accelerators:
            continue
        together = (serving.vllm.tensor_parallel if serving.vllm else None) or device.count
        path = _place(pipeline, name)
        note = (Related(path, f"{device.count} accelerators"),) if path[0] == "environments" else ()
        if together != device.count:
            idle = device.count - together
            told = f"{idle} of them would be idle" if idle > 0 else f"{-idle} are missing"
            message = f"{together} share each layer, but a server in {name} has {device.count}: {told}"
            where = place_in(pipeline, name, "serving.vllm.tensor_parallel")
            yield Finding("AM453", where, message, help="leave `tensor_parallel` out", related=note)
        elif base is not None and not _divides(base, together):
            message = (
                f"{together} accelerators cannot share the {base.heads} heads and the "
                f"{base.kv_heads or base.heads} heads of keys and values of this base"
            )
            fitting = ", ".join(str(each) for each in range(1, 65) if _divides(base, each))
            yield Finding("AM453", path, message, help=f"{fitting} of them can")


def _divides(base: Architecture, together: int) -> bool:
    """As vLLM has it: each has whole heads; heads of keys and values are split, or copied."""
    kv_heads = base.kv_heads or base.heads
    return base.heads % together == 0 and (kv_heads % together == 0 or together % kv_heads == 0)


def _place(pipeline: Pipeline, name: str) -> Path:
    """Where the number is written: in the spec, or in aimass.yaml, for which the model stands."""
    own = pipeline.environments[name].accelerator
    settings = pipeline.settings.environments.get(name)
    is_own = settings is None or settings.accelerator != own
    return ("environments", name, "accelerator") if is_own else ("model",)
