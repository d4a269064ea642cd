"""What makes some rows count more in training: a column of weights, weights of classes, and sampling."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler.checks._example import Example
from aimass_compiler.checks._places import declared
from aimass_compiler.diagnostics import (
    Assign,
    Explanation,
    Finding,
    Fix,
    Path,
    Remove,
    Severity,
    did_you_mean,
    respelt,
)
from aimass_compiler.pipeline.columns import NumberColumn
from aimass_compiler.pipeline.override_locations import written

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.pipeline import Pipeline

NEEDS = ("data", "target", "training")
EXPLANATIONS = (
    Explanation(
        "AM340",
        "the weights of the rows are not usable",
        "`weight` names the column that says how much each row counts. It is a number that every row has "
        "and that is never negative, which the contract says: `household_weight: {type: number, min: 0}`. "
        "It is no feature, and requests need not have it.",
    ),
    Explanation(
        "AM341",
        "class weights, sampling or calibration without such classes",
        "`class_weights` names classes of the target, in the words of its `values`; with `balanced`, all of "
        "them weigh the same. A number has no classes to weigh, to sample or to calibrate.",
    ),
    Explanation(
        "AM342",
        "classes are weighed and sampled",
        "Weights and sampling are two ways to one end: a rare class counts more. Together, it counts twice "
        "as much as either says; `balanced` sees the classes as they are after sampling, which leaves it "
        "little to do.",
    ),
)
EXAMPLES = (
    Example(
        "AM340",
        fails="data: {columns: {households: number}}\nweight: households",
        passes="data: {columns: {households: {type: number, min: 0}}}\nweight: households",
    ),
    Example(
        "AM341",
        fails="training: {class_weights: {ye: 5}}",
        passes='training: {class_weights: {"yes": 5}}',
    ),
    Example(
        "AM342",
        fails="training: {class_weights: balanced, sampling: {over: 0.5}}",
        passes="training: {class_weights: balanced}",
    ),
)


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """Weights that there are not, that the model cannot take, or that are meant twice."""
    if pipeline.task.weight is not None:
        yield from _column(pipeline, pipeline.task.weight)
    for path, wanted in written(pipeline, "training.class_weights"):
        if wanted is not None:
            yield from _classes(pipeline, path, wanted)
    for part in ("training.sampling", "training.calibration"):
        for path, value in written(pipeline, part):
            if value is not None and not pipeline.task.is_classification:
                yield _without_classes(pipeline, path)
    training = pipeline.training
    if training.class_weights is not None and training.sampling is not None:
        path, message = ("training", "sampling"), "the classes are weighed already: `class_weights`"
        fix = Fix("leave `sampling` out", (Remove(path),))
        yield Finding(
            "AM342", path, message, help="keep one of them", severity=Severity.WARNING, at_key=True, fix=fix
        )


def _column(pipeline: Pipeline, name: str) -> Iterator[Finding]:
    path, columns = ("weight",), pipeline.data.columns
    column = columns.get(name)
    if column is None:
        numbers = [known for known, other in columns.items() if isinstance(other, NumberColumn)]
        hint, fix = did_you_mean(name, numbers), respelt(path, name, numbers)
        yield Finding("AM340", path, f"there is no column `{name}`", help=hint, fix=fix)
        return
    note, place = (declared(name),), ("data", "columns", name)
    if name in pipeline.task.targets:
        yield Finding("AM340", path, f"`{name}` is the target, which is no weight", related=note)
    elif not isinstance(column, NumberColumn):
        yield Finding(
            "AM340", path, f"`{name}` is {column.column_type}, and a weight is a number", related=note
        )
    elif column.is_nullable:
        message = f"`{name}` may be missing, and every row needs its weight"
        yield Finding("AM340", path, message, help="leave `missing` out there", related=note)
    elif column.min is None or column.min < 0:
        message = f"nothing says that the weight `{name}` is never negative"
        fix = Fix(f"write `min: 0` for `{name}`", (Assign((*place, "min"), 0),))
        yield Finding("AM340", path, message, help=fix.message, related=note, fix=fix)


def _classes(pipeline: Pipeline, path: Path, wanted: object) -> Iterator[Finding]:
    task = pipeline.task
    if not task.is_classification:
        yield _without_classes(pipeline, path)
        return
    for name in wanted if isinstance(wanted, dict) else ():
        if name not in task.classes:
            hint = did_you_mean(name, task.classes)
            message = f"`{task.target}` has no class `{name}`"
            note = (declared(task.target),)
            yield Finding("AM341", (*path, name), message, help=hint, related=note, at_key=True)


def _without_classes(pipeline: Pipeline, path: Path) -> Finding:
    message = f"`{pipeline.task.target}` is a number, and `{path[-1]}` is of classes"
    fix = Fix(f"leave `{path[-1]}` out", (Remove(path),))
    return Finding("AM341", path, message, help=fix.message, at_key=True, fix=fix)
