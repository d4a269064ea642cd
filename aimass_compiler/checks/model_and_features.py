"""Models that read one column, an image or a sequence, get one, and models for tables get none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler.catalog.examples import ALONE, Images, Matrix, Sequences
from aimass_compiler.checks._catalog import suitable_models
from aimass_compiler.checks._example import Example
from aimass_compiler.checks._places import declared, either
from aimass_compiler.diagnostics import Explanation, Finding, Related

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.catalog.examples import Read
    from aimass_compiler.expression.column_types import ColumnType
    from aimass_compiler.pipeline import Pipeline

NEEDS = ("data", "target", "features", "model")
EXPLANATIONS = (
    Explanation(
        "AM218",
        "the model and the features do not go together",
        "Some models read tables of numbers, others an image, others a sequence, such as the words of a text "
        "in their order. Neither an image nor a sequence can be a cell of a table.",
    ),
    Explanation(
        "AM219",
        "there is more than one image or sequence",
        "A model for images or sequences reads one of each row. Leave the others out with `drop`.",
    ),
)
_TABLE = "data: {columns: {photo: {type: image, shape: [3, 32, 32]}}}"
EXAMPLES = (
    Example(
        "AM218",
        fails=f"{_TABLE}\nfeatures: [one_hot: plan, standardize: photo]",
        passes=f"{_TABLE}\nmodel: cnn\nfeatures: [standardize: photo, drop: [tenure, charges, plan]]",
    ),
    Example(
        "AM219",
        fails="""\
data:
  columns:
    front: {type: image, shape: [3, 32, 32]}
    back: {type: image, shape: [3, 32, 32]}
model: cnn
features: [drop: [tenure, charges, plan]]
""",
        passes="""\
data:
  columns:
    front: {type: image, shape: [3, 32, 32]}
    back: {type: image, shape: [3, 32, 32]}
model: cnn
features: [drop: [tenure, charges, plan, back]]
""",
    ),
)


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """What a table cannot have in a table, nothing to read for a model of one column, and too much."""
    if pipeline.first_model.conversation(()) is not None:
        return  # `checks/language_model` tells
    kind, examples, path = pipeline.first_model.kind, pipeline.first_model.examples, ("model",)
    alone = {name: found for name, found in pipeline.flow.outcome.items() if isinstance(found, ALONE)}
    fitting = [name for name, found in alone.items() if isinstance(found, examples.reads)]
    if examples.column is None and alone:
        name, found = next(iter(alone.items()))
        message = f"`{kind}` learns from a table, but `{name}` is {found}"
        hint = f"{_others(pipeline, _reader_of(found))}, or leave it out: `drop: {name}`"
        yield Finding("AM218", path, message, help=hint, related=_declared(pipeline, name))
    if examples.column and not fitting:
        message = f"`{kind}` learns from {examples.noun}, but there is none"
        yield Finding("AM218", path, message, help=f"{_made(pipeline)}{_others(pipeline, Matrix)}")
    if fitting and len(alone) > 1:
        name = next(name for name in alone if name != fitting[0])
        message = f"`{kind}` reads one column, `{fitting[0]}`, but `{name}` is {alone[name]} as well"
        notes = (*_declared(pipeline, fitting[0]), *_declared(pipeline, name))
        yield Finding("AM219", path, message, help=f"leave one out: `drop: {name}`", related=notes)


def _reader_of(found: ColumnType) -> type[Read]:
    return next(examples for examples in (Images, Sequences) if isinstance(found, examples.reads))


def _declared(pipeline: Pipeline, name: str) -> tuple[Related, ...]:
    return (declared(name),) if name in pipeline.data.columns else ()


def _made(pipeline: Pipeline) -> str:
    """How a column becomes one that the model reads, where there is one that can."""
    for name, found in pipeline.flow.outcome.items():
        for kind, encoder in pipeline.first_model.examples.encoders.items():
            if isinstance(found, kind):
                return f"make one with `{encoder}: {name}`, or "
    return ""


def _others(pipeline: Pipeline, examples: type[Read]) -> str:
    return f"choose {either(f'`{name}`' for name in suitable_models(pipeline.task, examples))}"
