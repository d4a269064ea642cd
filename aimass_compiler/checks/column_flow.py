"""Every column that a transform reads is there, and of a type that the transform takes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from msgspec import structs

from aimass_compiler.catalog import load, names
from aimass_compiler.catalog.transform import Transform
from aimass_compiler.checks._example import Example
from aimass_compiler.checks._places import declared, either, formulas_in, path_of
from aimass_compiler.diagnostics import Explanation, Finding, Related, did_you_mean, respelt
from aimass_compiler.expression.column_types import UNKNOWN, ColumnType, nouns
from aimass_compiler.pipeline.flow import Step

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.diagnostics import Path
    from aimass_compiler.pipeline import Pipeline

NEEDS = ("data", "target", "features")
EXPLANATIONS = (
    Explanation(
        "AM210",
        "a transform reads a column that does not exist",
        "Transforms read the columns of `data.columns` and what earlier transforms added to them.",
    ),
    Explanation(
        "AM211",
        "a transform reads a column that an earlier one took away",
        "Transforms run in the order in which they are written. `drop` and `select` take columns away, so "
        "what needs them comes before.",
    ),
    Explanation(
        "AM212",
        "a transform cannot take a column of this type",
        "Each transform takes some types of column: only numbers can be standardized, only names one-hot "
        "encoded. A transform that writes to its own column changes the type for those that follow.",
    ),
    Explanation(
        "AM213",
        "the target is used as a feature",
        "The target is what the model predicts. A model that sees it in training has the answer, and "
        "in serving there is none.",
    ),
    Explanation(
        "AM214",
        "an id is used as a feature",
        "An id says which row this is; in new rows it is new. Ids join and split rows, but they are no "
        "features. Declare the column as another type where its value does mean something.",
    ),
    Explanation(
        "AM258",
        "a column that is known only after the fact is used as a feature",
        "The column says `known: after`: in training its value is there, but not yet when a prediction "
        "is asked for. A model that learns from it looks good on old rows and has nothing to go by on new "
        "ones. Leave it out, or write `known: before` where the value is there in time.",
    ),
    Explanation(
        "AM259",
        "a transform cannot do this with its columns",
        "The types of the columns are right, but a parameter does not suit them: a gap in numbers is filled "
        "with a number, a gap in names with a name.",
    ),
    Explanation(
        "AM215",
        "a transform writes over a column that it does not read",
        "The column would silently be lost to everything that follows. Give the result another name.",
    ),
)
EXAMPLES = (
    Example(
        "AM210",
        fails="features: [standardize: tenur, one_hot: plan]",
        passes="features: [standardize: tenure, one_hot: plan]",
    ),
    Example(
        "AM211",
        fails="features: [drop: tenure, log: tenure, one_hot: plan]",
        passes="features: [log: tenure, drop: charges, one_hot: plan]",
    ),
    Example(
        "AM212", fails="features: [log: [tenure, plan]]", passes="features: [log: tenure, one_hot: plan]"
    ),
    Example("AM213", fails="features: [one_hot: [plan, churned]]", passes="features: [one_hot: plan]"),
    Example("AM214", fails="features: [ordinal: [plan, customer_id]]", passes="features: [ordinal: plan]"),
    Example(
        "AM258",
        fails="data: {columns: {refund: {type: number, known: after}}}\n"
        "features: [standardize: [tenure, charges, refund], one_hot: plan]",
        passes="data: {columns: {refund: {type: number, known: after}}}\n"
        "features: [standardize: [tenure, charges], one_hot: plan]",
    ),
    Example(
        "AM259",
        fails="data: {columns: {charges: {type: number, missing: 0.1}}}\n"
        "features: [impute: {columns: charges, with: constant, value: none}, one_hot: plan]",
        passes="data: {columns: {charges: {type: number, missing: 0.1}}}\n"
        "features: [impute: {columns: charges, with: constant, value: 0}, one_hot: plan]",
    ),
    Example(
        "AM215",
        fails="features: [one_hot: plan, bucket: {column: tenure, as: plan}]",
        passes="features: [one_hot: plan, bucket: {column: tenure, as: years}]",
    ),
)


#: A column is no feature anywhere: all its uses are one problem, of which so many are shown.
_OF_COLUMNS = ("AM213", "AM214", "AM258")
_FEW = 6


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """Columns that a transform cannot read, or must not write."""
    uses: dict[str, list[Finding]] = {}
    for finding in _found(pipeline):
        if finding.code in _OF_COLUMNS:
            uses.setdefault(finding.message, []).append(finding)
        else:
            yield finding
    yield from map(_together, uses.values())


def _together(uses: list[Finding]) -> Finding:
    """The first use, with the others as notes."""
    first, *others = uses
    notes = [Related(other.path, "here, too") for other in others[:_FEW]]
    if len(others) > _FEW:
        more = f"here, too, and {len(others) - _FEW} more times"
        notes[-1] = structs.replace(notes[-1], message=more)
    return replace(first, related=(*first.related, *notes))


def _found(pipeline: Pipeline) -> Iterator[Finding]:
    """All of it, in the order of the transforms."""
    never_there: set[str] = set()
    written_over: set[str] = set()
    for step in pipeline.flow.steps:
        for name in step.reads:
            # What an earlier transform made of a column that is not there is not there either.
            if name in never_there or (name not in step.types and name not in step.changed_by):
                never_there.add(name)
                yield _never_there(pipeline, step, name)
            elif name not in step.types:
                yield _taken_away(step, name)
            elif name in written_over:
                continue  # what stands there was not meant to
            elif not step.transform.takes(step.types[name]) and step.types[name] != UNKNOWN:
                yield _unfit(pipeline, step, name)
        for name in step.writes:
            found = [*_written_over(pipeline, step, name)]
            written_over |= {name for _ in found}
            yield from found
        never_there -= set(step.writes) - set(step.reads)
        yield from _parameters(pipeline, step)


def _taken_away(step: Step, name: str) -> Finding:
    earlier = step.changed_by[name]
    message = f"`{name}` is no longer there: `{earlier.transform.kind}` took it away before"
    note = Related(earlier.path, f"`{earlier.transform.kind}` stands here", at_key=True)
    hint = f"put `{step.transform.kind}` before it"
    return Finding("AM211", path_of(step, name), message, help=hint, related=(note,))


def _never_there(pipeline: Pipeline, step: Step, name: str) -> Finding:
    path = path_of(step, name)
    is_part = any(formulas_in(step.transform))
    found = _no_feature(pipeline, path, name)
    if found is None:
        fix = None if is_part else respelt(path, name, step.types)  # in a formula, it is only a part
        hint = did_you_mean(name, step.types)
        found = Finding("AM210", path, f"there is no column `{name}`", help=hint, fix=fix)
    return replace(found, part=name) if is_part else found


def _no_feature(pipeline: Pipeline, path: Path, name: str) -> Finding | None:
    """Why a column that is declared is not there for transforms."""
    column = pipeline.data.columns.get(name)
    if name in pipeline.task.targets:
        message = f"`{name}` is the target, so it cannot be a feature"
        return Finding("AM213", path, message, help="leave it out", related=(declared(name),))
    if name == pipeline.task.weight:
        message = f"`{name}` is the weight of the rows, so it cannot be a feature"
        return Finding("AM213", path, message, help="leave it out", related=(declared(name),))
    if column is not None and column.known == "after":
        message = f"`{name}` is known only after the fact, so it cannot be a feature"
        note = Related(("data", "columns", name, "known"), f"`{name}` is declared here")
        return Finding("AM258", path, message, help="leave it out", related=(note,))
    if column is not None:
        message = f"`{name}` is {column.column_type}, which is never a feature"
        hint = "declare it as another type where its value means something to the model"
        return Finding("AM214", path, message, help=hint, related=(declared(name),))
    return None


def _parameters(pipeline: Pipeline, step: Step) -> Iterator[Finding]:
    """What the transform itself says, once each of its columns is there and of a type that it takes."""
    if step.takes_all:
        problem = step.transform.problem(step.types) or step.transform.unfit(pipeline.task)
        if problem is not None:
            yield Finding("AM259", step.path, problem, at_key=True)


def _unfit(pipeline: Pipeline, step: Step, name: str) -> Finding:
    kind, found = step.transform.kind, step.types[name]
    accepted = either(nouns(step.transform.accepts))
    earlier = step.changed_by.get(name)
    if earlier is None:
        message = f"`{kind}` takes {accepted}, but `{name}` is {found}"
        return Finding(
            "AM212", path_of(step, name), message, help=_for_type(found), related=(declared(name),)
        )
    message = f"`{kind}` takes {accepted}, but `{earlier.transform.kind}` made `{name}` {found}"
    note = Related(earlier.path, f"`{earlier.transform.kind}` stands here", at_key=True)
    original = pipeline.data.columns.get(name)
    suits = original is not None and step.transform.takes(original.column_type)
    hint = f"put `{kind}` before it" if suits else ""
    if earlier.transform.kind == kind:
        hint = f"leave it out: once is enough for `{name}`"
    return Finding("AM212", path_of(step, name), message, help=hint, related=(note,))


def _for_type(found: ColumnType) -> str:
    """The transforms that take a column of this type."""
    kinds = [name for name in names("transforms") if _takes(name, found)]
    return f"{found} can be taken by {either(f'`{name}`' for name in kinds)}" if kinds else ""


def _takes(name: str, found: ColumnType) -> bool:
    kind = load("transforms", name)
    return issubclass(kind, Transform) and kind.takes(found)


def _written_over(pipeline: Pipeline, step: Step, name: str) -> Iterator[Finding]:
    is_free = name not in step.types and (name in step.changed_by or name not in pipeline.data.columns)
    if is_free or name in step.reads:
        return
    message = f"`{step.transform.kind}` writes over `{name}`, which it does not read"
    note = declared(name) if name in pipeline.data.columns else None
    earlier = step.changed_by.get(name)
    if note is None and earlier is not None:
        note = Related(earlier.path, f"`{earlier.transform.kind}` wrote it here", at_key=True)
    related = (note,) if note else ()
    yield Finding("AM215", path_of(step, name), message, help="give the result another name", related=related)
