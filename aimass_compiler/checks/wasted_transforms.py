"""What a transform does reaches the model: nothing throws it away or does it again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler.checks._example import Example
from aimass_compiler.checks._places import path_of
from aimass_compiler.diagnostics import Explanation, Finding, Fix, Path, Related, Remove, Severity
from aimass_compiler.pipeline.columns import NumberColumn

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aimass_compiler.pipeline import Pipeline
    from aimass_compiler.pipeline.flow import Step

NEEDS = ("data", "target", "features", "model")
EXPLANATIONS = (
    Explanation(
        "AM267",
        "what a transform computes is thrown away",
        "A later `drop` removes the column, and nothing reads it in between. Leave out what computes it; "
        "where the column should stay, leave out the `drop`.",
    ),
    Explanation(
        "AM268",
        "a later transform undoes this one",
        "Standardizing or scaling a column that was scaled before gives the same as scaling it once, and a "
        "transform that is repeated with the same parameters is mostly one too many.",
    ),
    Explanation(
        "AM269",
        "the model does not care about the scale of its features",
        "Trees compare a feature with a threshold and learn the same from it however it is shifted and "
        "stretched. Leave the scaling out, and the graph that serves gets smaller. This is reported only "
        "where `min` and `max` are within 16,777,216: models read float32, which keeps steps of two minutes "
        "of milliseconds since 1970, so that larger numbers may need to be scaled.",
    ),
)
#: Up to here, float32 holds every whole number.
_EXACT = 2**24
EXAMPLES = (
    Example(
        "AM267",
        fails="features: [log: charges, drop: charges, standardize: tenure, one_hot: plan]",
        passes="features: [drop: charges, standardize: tenure, one_hot: plan]",
    ),
    Example(
        "AM267",
        fails="features: [compute: {name: sum, formula: tenure + charges}, drop: sum, one_hot: plan]",
        passes="features: [compute: {name: sum, formula: tenure + charges}, drop: tenure, one_hot: plan]",
    ),
    Example(
        "AM268",
        fails="features: [min_max: charges, standardize: [tenure, charges], one_hot: plan]",
        passes="features: [log: charges, standardize: [tenure, charges], one_hot: plan]",
    ),
    Example(
        "AM269",
        fails="model: decision_tree\ndata: {columns: {tenure: {type: number, min: 0, max: 120}}}",
        passes="model: decision_tree\ndata: {columns: {tenure: {type: number, min: 0, max: 2.0e+9}}}",
    ),
)


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """Columns that are computed for nothing."""
    found = pipeline.flow.steps
    for place, step in enumerate(found):
        if step.transform.only_removes:
            continue
        if pipeline.first_model.ignores_scale and step.transform.only_scales:
            yield from _ignored(pipeline, step, found[place + 1 :])
        for name in step.writes:
            reader = next((later for later in found[place + 1 :] if name in later.reads), None)
            if reader is not None and reader.transform.only_removes:
                if _is_all_wasted(step, found[place + 1 :]):
                    yield _thrown_away(step, name, reader)
            elif reader is not None and _is_undone(step, reader, name):
                yield _undone(step, name, reader)


def _is_all_wasted(step: Step, later: Sequence[Step]) -> bool:
    """Whether nothing wants any of the columns that belong together, as a filling and its indicator do."""
    added = [name for name in step.writes if name not in step.reads]
    readers = [next((other for other in later if name in other.reads), None) for name in added]
    return all(reader is not None and reader.transform.only_removes for reader in readers)


def _is_undone(step: Step, reader: Step, name: str) -> bool:
    """Whether the next transform of the column gives the same without this one."""
    if name not in step.reads or name not in reader.writes:
        return False
    if name not in step.after or not reader.transform.takes(step.after[name]):
        return False  # which is told as an error
    if step.transform.only_scales and reader.transform.only_scales:
        return True
    return type(step.transform) is type(reader.transform) and _parameters(step) == _parameters(reader)


def _parameters(step: Step) -> dict[str, object]:
    return {key: value for key, value in step.transform if key != "columns"}


def _thrown_away(step: Step, name: str, reader: Step) -> Finding:
    message = f"`{step.transform.kind}` computes `{name}`, but `{reader.transform.kind}` removes it unread"
    note = Related(path_of(reader, name), f"`{name}` is removed here")
    return _warning("AM267", path_of(step, name), message, note)


def _undone(step: Step, name: str, reader: Step) -> Finding:
    message = f"`{reader.transform.kind}` makes of `{name}` what it would make without this"
    note = Related(path_of(reader, name), f"`{name}` is scaled here")
    if not reader.transform.only_scales:
        message = f"`{name}` goes through `{step.transform.kind}` twice"
        note = Related(path_of(reader, name), f"`{name}` goes through it here again")
        return _warning("AM268", path_of(step, name), message, note)
    return _warning("AM268", path_of(step, name), message, note, fix=_without(step, name))


def _ignored(pipeline: Pipeline, step: Step, later: Sequence[Step]) -> Iterator[Finding]:
    """The columns of a scaling that the model alone reads."""
    read = {name for other in later for name in other.reads}
    names = [
        name
        for name in step.writes
        if name not in read and step.after[name].is_feature and _is_small(pipeline, step, name)
    ]
    if not names:
        return
    listed = ", ".join(f"`{name}`" for name in names)
    message = f"`{pipeline.first_model.kind}` learns the same from {listed} without `{step.transform.kind}`"
    note = Related(("model",), f"`{pipeline.first_model.kind}` only compares", at_key=True)
    is_all = len(names) == len(step.reads)
    edits = [Remove(step.path[:2])] if is_all else [Remove(path_of(step, name)) for name in names]
    fix = Fix(f"leave `{step.transform.kind}` of {listed} out", tuple(edits), is_safe=False)
    path = step.path if is_all else path_of(step, names[0])
    yield _warning("AM269", path, message, note, fix=fix)


def _is_small(pipeline: Pipeline, step: Step, name: str) -> bool:
    """Whether float32 is known to tell the column's numbers apart as they are."""
    column = pipeline.row_columns.get(name)
    if not isinstance(column, NumberColumn) or name in step.changed_by:
        return False
    return None not in (column.min, column.max) and max(abs(column.min), abs(column.max)) <= _EXACT  # type: ignore[arg-type]  # None was ruled out


def _without(step: Step, name: str) -> Fix:
    """The transform without the column, or no transform where it is its only one."""
    path: Path = path_of(step, name) if len(step.reads) > 1 else ("features", step.place)
    return Fix(f"leave `{step.transform.kind}` of `{name}` out", (Remove(path),), is_safe=False)


def _warning(code: str, path: Path, message: str, note: Related, fix: Fix | None = None) -> Finding:
    hint = "leave it out" if code != "AM267" else "leave out either of them"
    return Finding(code, path, message, help=hint, severity=Severity.WARNING, related=(note,), fix=fix)
