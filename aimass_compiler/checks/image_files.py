"""Image files are read into a column that can hold them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler.checks._example import Example
from aimass_compiler.checks._places import declared
from aimass_compiler.diagnostics import Explanation, Finding, Related
from aimass_compiler.pipeline.columns import ImageColumn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.pipeline import Pipeline

NEEDS = ("data",)
EXPLANATIONS = (
    Explanation(
        "AM365",
        "image files do not fit their column",
        "The files of a source `image_folder` are read into a column of type `image`, whose shape is "
        "channels, height and width: 1 channel of greys, 3 of colours, or 4 with opacity.",
    ),
)


def _photos(column: str) -> str:
    return (
        "data:\n  sources: {customers: {image_folder: data/photos}}\n"
        f"  columns: {{image: {column}, label: {{type: category, values: [cat, dog]}}}}\n"
        "target: label\nfeatures: [standardize: image, drop: [tenure, charges, plan, churned]]\nmodel: cnn\n"
    )


EXAMPLES = (
    Example(
        "AM365",
        fails="data: {sources: {customers: {image_folder: {path: data/photos, image: plan}}}}",
        passes="data: {sources: {customers: {image_folder: {path: data/photos, label: plan}}}}",
    ),
    Example(
        "AM365",
        fails=_photos("{type: image, shape: [64, 64, 3]}"),
        passes=_photos("{type: image, shape: [3, 64, 64]}"),
    ),
)
#: Greys, colours, colours with opacity.
_CHANNELS = (1, 3, 4)


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """Columns of image files that are no images, or have channels that no file has."""
    columns = pipeline.data.columns
    for source_name, source in pipeline.data.sources.items():
        for name in [name for _, part in source.parts() for name in part.image_columns()]:
            column, path = columns.get(name), ("data", "columns", name)
            note = Related(("data", "sources", source_name), "its files are read from here")
            if isinstance(column, ImageColumn) and column.shape[0] not in _CHANNELS:
                message = f"an image file has 1, 3 or 4 channels, not {column.shape[0]}"
                hint = "a shape is channels, height and width, such as [3, 64, 64]"
                yield Finding("AM365", (*path, "shape", 0), message, help=hint, related=(note,))
            elif column is not None and not isinstance(column, ImageColumn):
                message = f"`{name}` holds image files, and is declared as {column.column_type}"
                hint = f"declare it: `{name}: {{type: image, shape: [3, 64, 64]}}`"
                path = ("data", "sources", source_name)
                yield Finding("AM365", path, message, help=hint, related=(declared(name),))
