"""Where in the spec a part of the pipeline stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler.diagnostics import Assign, Fix, Path, Related
from aimass_compiler.expression.formula import Formula
from aimass_compiler.pipeline.override_locations import is_written

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from aimass_compiler.catalog.quantities import Frozen
    from aimass_compiler.pipeline import Pipeline
    from aimass_compiler.pipeline.flow import Step


def place_of_column(record: Frozen, column: str) -> Path:
    """Where a record names a column: below one of its keys, or the record itself."""
    for name, field in type(record).model_fields.items():
        value, key = getattr(record, name), field.alias or name
        if isinstance(value, Formula):
            if column in value.columns:
                return (key,)
        elif value == column:
            return (key,)
        elif isinstance(value, tuple) and column in value:
            return (key, value.index(column))
    return ()


def subject_of(pipeline: Pipeline) -> str:
    """What is predicted, as the end of a sentence about a metric or a model that does not suit it."""
    task = pipeline.task
    if task.is_multilabel:
        return f"the targets {task.subject} are labels"
    if not task.has_target:
        return f"`task` is `{task.kind}`, and there is no target"
    return f"the target `{task.target}` is {pipeline.data.columns[task.target].column_type}"


def declared_target(pipeline: Pipeline) -> tuple[Related, ...]:
    """The notes that show where the target is declared, if there is one, or each label."""
    return tuple(map(declared, pipeline.task.targets))


def path_of(step: Step, column: str) -> Path:
    """Where a transform names a column."""
    return (*step.path, *place_of_column(step.transform, column))


def formulas_in(record: Frozen) -> Iterator[tuple[str, Formula]]:
    """The formulas of a record with the keys that they stand below."""
    for name, value in vars(record).items():
        if isinstance(value, Formula):
            yield type(record).model_fields[name].alias or name, value


def exchanged(path: Path, lower: str, upper: str, record: Frozen) -> Fix:
    """Two numbers below a path, each in the other's place, as people write them."""
    numbers = {lower: getattr(record, upper), upper: getattr(record, lower)}
    edits = [
        Assign((*path, key), int(number) if float(number).is_integer() else number)
        for key, number in numbers.items()
    ]
    return Fix(f"exchange `{lower}` and `{upper}`", tuple(edits))


def noted(pipeline: Pipeline, path: Path, message: str) -> tuple[Related, ...]:
    """The note that shows a value that plays a part, where it was written; a default has no place to show."""
    return (Related(path, message),) if is_written(pipeline, path) else ()


def declared(name: str) -> Related:
    """The note that shows where a column was declared."""
    return Related(("data", "columns", name), f"`{name}` is declared here", at_key=True)


def either(words: Iterable[str]) -> str:
    """The words as a sentence lists them: `a`, `b` or `c`."""
    *others, last = words
    return f"{', '.join(others)} or {last}" if others else last
