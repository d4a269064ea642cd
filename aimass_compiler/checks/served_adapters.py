"""An adapter and the model that serves it go together, which no spec shows by itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from aimass_compiler.catalog.language_engine import engine_named
from aimass_compiler.conventions import ARTIFACTS_FOLDER
from aimass_compiler.diagnostics import Example, Explanation, Finding, Path, Related
from aimass_compiler.model_path import beside
from aimass_compiler.stages import artifacts

if TYPE_CHECKING:
    from aimass_compiler.checks.project_code import CheckedSpec
    from aimass_compiler.pipeline import Pipeline

EXPLANATIONS = (
    Explanation(
        "AM457",
        "an adapter does not fit the model that serves it",
        "`serving: {adapter_of: support}` says that the servers of `support` answer for this model, too: its "
        "adapter beside their weights. An adapter is right on exactly the weights that it was trained on, so "
        "its `base` must be what is served: `base: {path: artifacts/support/package/model/weights}`, which "
        "DVC makes first. Both must be written by one chat template; the other spec lists the adapter "
        "(`serving: {adapters: {models: [billing]}}`) with a `rank` that is not below its own, and serves it "
        "by vLLM with a context that is not below its `sequence_length`.",
    ),
)
EXAMPLES = (
    Example(
        "AM457",
        fails="`specs/billing.yaml` has `serving: {adapter_of: support}` and the rank 32, and "
        "`specs/support.yaml` serves adapters up to rank 16.",
        passes="`specs/support.yaml` has `adapters: {models: [billing], rank: 32}`.",
        of="situation",
    ),
)


def findings(specs: Iterable[CheckedSpec]) -> Iterator[Finding]:
    """Adapters that the servers of another spec cannot serve as they are; both specs were compiled."""
    known = {spec.pipeline.path: spec for spec in specs if spec.pipeline is not None}
    for spec in known.values():
        if spec.pipeline is None:
            continue
        served_by = beside(spec.pipeline.path, spec.pipeline.serving.adapter_of or "")
        if served_by in known:
            yield from _of(spec, spec.pipeline, known[served_by])
        yield from _listed(spec, spec.pipeline, known)


def _of(spec: CheckedSpec, own: Pipeline, other: CheckedSpec) -> Iterator[Finding]:
    """What is wrong with an adapter beside what serves it."""
    theirs = other.pipeline
    if theirs is None or own.task.conversation is None:
        return
    note = Related(("serving",) if theirs.serving.adapters else (), "what serves it", file=other.file)
    objections = (*_of_training(own, theirs), *_of_serving(own, theirs, other.file))
    for path, message, hint in objections:
        yield Finding("AM457", path, message, help=hint, related=(note,), file=spec.file)


#: A place, what is wrong there, and the way out.
Objection = tuple[Path, str, str]


def _of_training(own: Pipeline, theirs: Pipeline) -> Iterator[Objection]:
    """What an adapter learned on is not what is served."""
    how, others, model = own.task.conversation, theirs.task.conversation, ("model", own.first_model.kind)
    if how is None or others is None:
        yield ("serving", "adapter_of"), f"`{theirs.name}` is no language model", "name one"
        return
    weights = f"{ARTIFACTS_FOLDER}/{theirs.path}/{artifacts.PACKAGE}/weights"
    if how.base.dependencies != (weights,):
        message = f"the adapter learns on {how.base.shown}, but `{theirs.name}` serves its own weights"
        yield (*model, "base"), message, f"write `base: {{path: {weights}}}`"
    if how.template != others.template:
        message = f"`{theirs.name}` writes conversations by another chat template"
        yield (*model, "template") if how.template else model, message, "give both the same one"
    if own.first_model.learned and not own.first_model.learned.ranks:
        message = "all weights learn, so there is no adapter to serve"
        yield (*model, "adapter"), message, "write `adapter: lora`, or leave `adapter_of` out"


def _of_serving(own: Pipeline, theirs: Pipeline, file: str) -> Iterator[Objection]:
    """What the servers of the other model are not made for."""
    place: Path = ("serving", "adapter_of")
    ranks = own.first_model.learned.ranks if own.first_model.learned else ()
    adapters, how = theirs.serving.adapters, own.task.conversation
    if adapters is None or own.name not in adapters.models:
        message = f"`{theirs.name}` does not list this model, so that nothing serves it"
        yield place, message, f"write `adapters: {{models: [{own.name}]}}` below `serving` in {file}"
    elif ranks and max(ranks) > adapters.rank:
        message = f"the adapter has rank {max(ranks)}, but `{theirs.name}` serves ranks up to {adapters.rank}"
        yield place, message, f"write `adapters: {{rank: {max(ranks)}}}` in {file}"
    for name, environment in theirs.environments.items():
        serving = environment.serving
        if serving.engine is not None and not engine_named(serving.engine).has_adapters:
            message = f"in {name}, `{theirs.name}` is served by `{serving.engine}`, which has no adapters"
            yield place, message, f"write `engine: vllm` in {file}"
            return
        if how is not None and serving.context and serving.context < how.sequence_length:
            message = (
                f"`{theirs.name}` takes requests of {serving.context:,} tokens in {name}, but rows have "
                f"up to {how.sequence_length:,} here"
            )
            yield place, message, f"write `context: {how.sequence_length}` in {file}"
            return


def _listed(spec: CheckedSpec, pipeline: Pipeline, known: Mapping[str, CheckedSpec]) -> Iterator[Finding]:
    """Models that are listed as adapters and do not say so themselves."""
    adapters = pipeline.serving.adapters
    for place, name in enumerate(adapters.models if adapters else ()):
        model = beside(pipeline.path, name)
        other = known[model].pipeline if model in known else None
        if other is not None and other.serving.adapter_of != pipeline.name:
            message = f"`{name}` is no adapter of this model"
            path: Path = ("serving", "adapters", "models", place)
            hint = f"write `serving: {{adapter_of: {pipeline.name}}}` in {known[model].file}"
            yield Finding("AM457", path, message, help=hint, file=spec.file)
