"""The folder of a base is one that can be used, and is what the spec says of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from aimass_compiler.catalog.base_config import BaseFacts
from aimass_compiler.checks._example import Example
from aimass_compiler.diagnostics import Explanation, Finding, Path

if TYPE_CHECKING:
    from aimass_compiler.catalog.architecture import Architecture
    from aimass_compiler.catalog.conversation import Conversation
    from aimass_compiler.pipeline import Pipeline

EXPLANATIONS = (
    Explanation(
        "AM451",
        "a base that cannot be used",
        "A base is a folder with config.json of a causal language model, its weights as safetensors and its "
        "tokenizer. Weights in pickles (`.bin`, `.pt`) run what is in them when they are read, and modules "
        "(`.py`, `auto_map`) are run where remote code is trusted, in training and in every server: neither "
        "is ever loaded, so convert the weights, and remove the code. A base without an end token writes "
        "until the context ends.",
    ),
    Explanation(
        "AM452",
        "a base is not what the spec says of it",
        "`architecture` in the spec is held against the config.json of the base's folder. Memory and cost "
        "follow from it, so correct what differs, or leave it out: of a folder it is read.",
    ),
)
EXAMPLES = (
    Example(
        "AM451",
        fails="`base: {path: models/base}`, and `models/base` has pytorch_model.bin and no safetensors.",
        passes="It has model.safetensors.",
        of="situation",
    ),
    Example(
        "AM452",
        fails="`base: {path: models/base, architecture: {layers: 32, …}}`, and config.json has 16 layers.",
        passes="It has 32.",
        of="situation",
    ),
)


#: What is known of a folder of the project; None where it is no base, or not there.
Bases = Callable[[str], BaseFacts | None]


def no_base(folder: str) -> None:
    """What is known of a folder where no file is looked at."""
    del folder


def is_folder(pipeline: Pipeline) -> bool:
    """Whether the base is a folder of the project, whose files tell more than the spec."""
    how = pipeline.task.conversation
    return how is not None and bool(how.base.dependencies)


def with_folder(pipeline: Pipeline, bases: Bases, file: str) -> tuple[Pipeline, list[Finding]]:
    """The pipeline with the numbers of its base, where that is a folder which is there, and what is wrong
    with the folder."""
    how = pipeline.task.conversation
    folders = () if how is None else how.base.dependencies
    found = bases(folders[0]) if folders else None
    if how is None or found is None:
        return pipeline, []
    findings = [
        Finding(code, _place(pipeline), f"{how.base.shown}: {message}", help=hint, file=file)
        for code, message, hint in _objections(found, how.base.architecture)
    ]
    return _known(pipeline, how, found.architecture), findings


def _place(pipeline: Pipeline) -> Path:
    return ("model", pipeline.first_model.kind, "base")


def _objections(found: BaseFacts, declared: Architecture | None) -> Iterator[tuple[str, str, str]]:
    """Codes, messages and ways out."""
    if found.problem:
        yield "AM451", found.problem, "name the folder of a causal language model of transformers"
        return
    if found.runnable:
        names = ", ".join(found.runnable)
        yield "AM451", f"it brings code that a loader could run: {names}", "remove it, and keep safetensors"
    if not found.has_weights:
        hint = "convert the weights: `model.save_pretrained(FOLDER)` writes model.safetensors"
        yield "AM451", "there are no weights as safetensors", hint
    if not found.has_end:
        hint = "write `eos_token_id` into its generation_config.json"
        yield "AM451", "neither its configuration nor its tokenizer names a token that ends answers", hint
    if declared is not None and found.architecture is not None:
        for name, here, there in differences(declared, found.architecture):
            message = f"`{name}` is {there:,} in its config.json, not {here:,}"
            yield "AM452", message, "correct `architecture`, or leave it out"


def differences(declared: Architecture, found: Architecture) -> Iterator[tuple[str, int, int]]:
    """The numbers that were written and are others in the folder; what was left out is no claim."""
    for name in sorted(declared.model_fields_set):
        here, there = getattr(declared, name), getattr(found, name)
        if isinstance(here, int) and isinstance(there, int) and here != there:
            yield name, here, there


def _known(pipeline: Pipeline, how: Conversation, found: Architecture | None) -> Pipeline:
    """The same pipeline with what its base is made of, where the spec does not say it."""
    if found is None or how.base.architecture is not None:
        return pipeline
    base = how.base.model_copy(update={"architecture": found})
    task = pipeline.task.model_copy(update={"conversation": how.model_copy(update={"base": base})})
    return pipeline.model_copy(update={"task": task})
