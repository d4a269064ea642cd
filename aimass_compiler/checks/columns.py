"""What `data.columns` declares can be kept, and can be called by its name."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from aimass_compiler import conventions
from aimass_compiler.checks._example import Example
from aimass_compiler.checks._places import exchanged
from aimass_compiler.diagnostics import Explanation, Finding, Fix, Path, Related, Remove, Severity
from aimass_compiler.pipeline.columns import CategoryColumn, ImageColumn, NumberColumn, SeriesColumn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.pipeline import Pipeline

NEEDS = ("data", "target")
EXPLANATIONS = (
    Explanation(
        "AM252",
        "a category's values are not names that differ",
        "Each value is written once, and none is empty: an empty cell means that the value is missing, which "
        "`missing` allows.",
    ),
    Explanation(
        "AM253", "no number is between the bounds", "`min` is above `max`, so every row would be refused."
    ),
    Explanation(
        "AM254",
        "a column cannot have this name",
        "Columns are called by their names in formulas, in requests and in tables, so a name has characters"
        " that can be seen. An image or a series is a separate tensor in the served model, beside those that "
        "the model has already.",
    ),
    Explanation(
        "AM255",
        "the target may not be missing",
        "A row without a target teaches nothing and cannot be judged. Drop such rows: `clean: "
        "[drop_missing: …]`.",
    ),
    Explanation(
        "AM256",
        "an image has no pixel",
        "The shape of an image is channels, height and width, each at least 1.",
    ),
)
_NO_TABLE = "features: [drop: [tenure, charges, plan]]"
EXAMPLES = (
    Example(
        "AM252",
        fails="data: {columns: {plan: {values: [basic, plus, basic]}}}",
        passes="data: {columns: {plan: {values: [basic, plus, pro]}}}",
    ),
    Example(
        "AM253",
        fails="data: {columns: {tenure: {min: 10, max: 1}}}",
        passes="data: {columns: {tenure: {min: 1, max: 10}}}",
    ),
    Example(
        "AM254",
        fails="data: {columns: {label: {type: image, shape: [1, 8, 8]}}}\nmodel: cnn\n" + _NO_TABLE,
        passes="data: {columns: {photo: {type: image, shape: [1, 8, 8]}}}\nmodel: cnn\n" + _NO_TABLE,
    ),
    Example(
        "AM255",
        fails="data: {columns: {churned: {missing: 0.1}}}",
        passes="data: {clean: [drop_missing: churned]}",
    ),
    Example(
        "AM256",
        fails="data: {columns: {photo: {type: image, shape: [3, 0, 32]}}}\nmodel: cnn\n" + _NO_TABLE,
        passes="data: {columns: {photo: {type: image, shape: [3, 32, 32]}}}\nmodel: cnn\n" + _NO_TABLE,
    ),
)
#: The tensors of a served model, which an image cannot be called like.
_TENSORS = (
    conventions.NUMBERS_TENSOR,
    conventions.STRINGS_TENSOR,
    conventions.PROBABILITIES_OUTPUT,
    conventions.LABEL_OUTPUT,
    conventions.PREDICTION_OUTPUT,
    conventions.LOWER_OUTPUT,
    conventions.UPPER_OUTPUT,
    "features",
    "scores",
)


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """Declarations that no row can keep, or that nobody can name."""
    for name, column in pipeline.data.columns.items():
        path = ("data", "columns", name)
        if not name.strip() or not name.isprintable():
            message = f"a column cannot be called `{name}`"
            yield Finding("AM254", path, message, help="rename it in the data", at_key=True)
        if isinstance(column, CategoryColumn):
            yield from _values(path, name, column)
        if isinstance(column, NumberColumn):
            yield from _bounds(path, name, column)
        if isinstance(column, (ImageColumn, SeriesColumn)) and name in _TENSORS:
            message = f"{column.holds.noun} cannot be called `{name}`: the served model has such a tensor"
            yield Finding("AM254", path, message, help="rename it, such as `photo`", at_key=True)
        if isinstance(column, ImageColumn):
            yield from _image(path, name, column)
        if name in pipeline.task.targets and column.is_nullable:
            message = f"`{name}` is the target, so it may not be missing"
            hint = f"drop such rows: `clean: [drop_missing: {name}]`"
            yield Finding("AM255", (*path, "missing"), message, help=hint, severity=Severity.WARNING)


def _values(path: Path, name: str, column: CategoryColumn) -> Iterator[Finding]:
    values = column.values or ()
    for place, value in enumerate(values):
        where = (*path, "values", place)
        if not value:
            message = f"a value of `{name}` is empty, which means that it is missing"
            yield Finding("AM252", where, message, help="say how often with `missing`, or give it a name")
        elif value in values[:place]:
            message = f"`{value}` stands {Counter(values)[value]} times among the values of `{name}`"
            fix = Fix(f"remove the second `{value}`", (Remove(where),))
            yield Finding("AM252", where, message, help="write it once", fix=fix)


def _bounds(path: Path, name: str, column: NumberColumn) -> Iterator[Finding]:
    if column.min is not None and column.max is not None and column.min > column.max:
        message = f"no number is `{name}`: its `min`, {column.min:g}, is above its `max`, {column.max:g}"
        note = Related((*path, "max"), f"`max` is {column.max:g}")
        fix = exchanged(path, "min", "max", column)
        yield Finding("AM253", (*path, "min"), message, help="exchange them", fix=fix, related=(note,))


def _image(path: Path, name: str, column: ImageColumn) -> Iterator[Finding]:
    for place, size in enumerate(column.shape):
        if size < 1:
            noun = ("channels", "pixels of height", "pixels of width")[place]
            yield Finding(
                "AM256", (*path, "shape", place), f"`{name}` has {size} {noun}, but needs at least 1"
            )
