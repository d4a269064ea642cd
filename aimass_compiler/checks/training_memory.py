"""A language model can be trained in the memory that there is."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from msgspec.structs import replace

from aimass_compiler.catalog.architecture import BYTES
from aimass_compiler.catalog.language_memory import (
    ACCELERATOR_RUNTIME,
    TRAINING_PROCESS,
    Learning,
    Memory,
    activation_bytes,
    training_memory,
)
from aimass_compiler.catalog.quantities import shown_bytes
from aimass_compiler.checks._example import Example
from aimass_compiler.diagnostics import Explanation, Finding, Path, Related, Severity
from aimass_compiler.pipeline.override_locations import place_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.catalog.architecture import Architecture
    from aimass_compiler.catalog.model import Model
    from aimass_compiler.pipeline import EnvironmentPipeline, Pipeline
    from aimass_compiler.pipeline.training import Training

NEEDS = ("settings", "model", "data", "target", "training", "environments")
EXPLANATIONS = (
    Explanation(
        "AM442",
        "a language model cannot be trained in this memory",
        "Training keeps the weights, a gradient and the optimizer's numbers for each weight that learns, and "
        "what the backward pass needs of the forward pass: it grows with the tokens of all rows that are "
        "computed at once. What is counted is certain, so that training would end for want of memory. It is "
        "held against the accelerator of the first environment, where models are trained, or against "
        "`training.resources.memory` where `training.gpus` is 0. What helps: let fewer weights "
        "learn (`adapter: lora`, or `base_precision: nf4`), compute fewer tokens at once (a smaller "
        "`batch_size` with `gradient_accumulation`, a shorter `sequence_length`), or train where there is "
        "more memory. Where only rows as long as `sequence_length` do not fit, it is a warning.",
    ),
)
_SETTINGS = (
    "environments: {dev: {accelerator: {name: nvidia-a100, memory: 80Gi}}}\n"
    "images: {ray: 'rayproject/ray:2.55.1-py311-gpu'}"
)
_GPU = "training: {gpus: 1, batch_size: %d, precision: bf16}\nmodel: {language_model: {adapter: %s}}"
EXAMPLES = (
    Example("AM442", fails=_GPU % (4, "full"), passes=_GPU % (4, "lora"), of="language", settings=_SETTINGS),
    Example("AM442", fails=_GPU % (64, "lora"), passes=_GPU % (2, "lora"), of="language", settings=_SETTINGS),
    Example(
        "AM442",
        fails="training: {resources: {memory: 16Gi}}",
        passes="training: {resources: {memory: 80Gi}}",
        of="language",
    ),
)


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """Where one worker of the first environment needs more than it has."""
    conversation, name = pipeline.task.conversation, next(iter(pipeline.environments), None)
    if conversation is None or conversation.base.architecture is None or name is None:
        return
    base, here = conversation.base.architecture, pipeline.environments[name]
    how = _learning(pipeline.first_model, here.training, conversation.sequence_length)
    room = _room(here)
    if how is None or room is None:
        return
    needed = training_memory(base, how)
    if needed.size > room:
        yield _finding(pipeline, name, base, how, needed, room)


def _learning(model: Model, training: Training, tokens: int) -> Learning | None:
    """What decides about memory, of the smallest that a search may try; None where there is no base."""
    adapter = model.learned
    if adapter is None:
        return None
    precision = training.precision or "float32"
    return Learning(
        rank=(min(adapter.ranks) if adapter.is_everywhere else 0) if adapter.ranks else None,
        weight_bytes=adapter.weight_bytes(precision),
        number_bytes=int(BYTES[precision]),
        states=training.optimizer.states,
        rows=math.ceil(training.batch_size / training.worker_range[1]),
        tokens=tokens,
    )


def _room(here: EnvironmentPipeline) -> int | None:
    """The bytes that there are for a model; None where they are not known."""
    if not here.training.gpus:
        return here.training.resources.memory.size - TRAINING_PROCESS
    return None if here.accelerator is None else here.accelerator.memory.size - ACCELERATOR_RUNTIME


def _finding(
    pipeline: Pipeline, name: str, base: Architecture, how: Learning, needed: Memory, room: int
) -> Finding:
    here = pipeline.environments[name]
    where: Path = ("model", pipeline.first_model.kind)
    device = here.accelerator if here.training.gpus else None
    has = f"`{device.name}` has" if device else "`training.resources.memory` leaves"
    parts = ", ".join(f"{part.name} {shown_bytes(part.size)}" for part in needed.parts)
    is_certain = needed.without("activations") > room
    rows = "" if is_certain else f" with {how.rows:,} rows of {how.tokens:,} tokens at once"
    message = (
        f"training takes {shown_bytes(needed.size)}{rows}, and {has} {shown_bytes(room)} for it: {parts}"
    )
    memory = () if device else (Related(place_in(pipeline, name, "training.resources.memory"), "this much"),)
    return Finding(
        "AM442",
        where,
        message,
        help="; or ".join(_hints(base, how, needed, room)),
        severity=Severity.ERROR if is_certain else Severity.WARNING,
        related=memory if here.training.resources.model_fields_set else (),
    )


def _hints(base: Architecture, how: Learning, needed: Memory, room: int) -> Iterator[str]:
    """Fewer weights that learn, fewer tokens at once, more memory; each with what comes of it."""
    if how.rank is None:
        adapted = training_memory(base, replace(how, rank=16))
        yield f"train an adapter (`adapter: lora` takes {shown_bytes(adapted.size)})"
    free = max(0, room - needed.without("activations"))
    tokens = free // activation_bytes(base, how)
    if rows := tokens // how.tokens:
        yield f"compute {rows:,} rows at once by `batch_size`, and sum up batches by `gradient_accumulation`"
    elif tokens:
        yield f"write `sequence_length: {tokens}` or less, with one row at once"
    yield f"train where there are {shown_bytes(needed.size)} and more"
