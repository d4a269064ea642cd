"""Models for images get one image, and models for tables get none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler.checks._example import Example
from aimass_compiler.checks._flow import outcome
from aimass_compiler.checks._models import suitable
from aimass_compiler.checks._places import declared, either
from aimass_compiler.diagnostics import Finding
from aimass_compiler.explanations import Explanation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.pipeline import Pipeline

EXPLANATIONS = (
    Explanation(
        "AM218",
        "the model and the features do not go together",
        "Some models read tables of numbers, others an image. An image cannot be a cell of a table.",
    ),
    Explanation(
        "AM219",
        "there is more than one image",
        "A model for images reads one image of each row. Leave the others out with `drop`.",
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
    """Images where a table is wanted, a table where an image is, and too many images."""
    images = [name for name, kind in outcome(pipeline).items() if kind.name == "image"]
    kind, path = pipeline.model.kind, ("model",)
    if pipeline.model.accepts == "image" and not images:
        message = f"`{kind}` learns from an image, but there is no column of type `image`"
        yield Finding("AM218", path, message, help=_others(pipeline, "table"))
    if pipeline.model.accepts == "table" and images:
        message = f"`{kind}` learns from a table, but `{images[0]}` is an image"
        hint = f"{_others(pipeline, 'image')}, or leave the image out: `drop: {images[0]}`"
        yield Finding("AM218", path, message, help=hint, related=(declared(images[0]),))
    if pipeline.model.accepts == "image" and len(images) > 1:
        message = f"`{kind}` learns from one image, but `{images[0]}` and `{images[1]}` are images"
        notes = tuple(declared(name) for name in images)
        yield Finding("AM219", path, message, help=f"leave one out: `drop: {images[1]}`", related=notes)


def _others(pipeline: Pipeline, accepts: str) -> str:
    return f"choose {either(f'`{name}`' for name in suitable(pipeline.task, accepts))}"
