"""The task of a spec whose target is several columns: labels that are each yes or no."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from aimass_compiler.catalog.task import Label, Task
from aimass_compiler.diagnostics import Explanation, Finding, Related, did_you_mean, respelt
from aimass_compiler.pipeline.columns import CategoryColumn
from aimass_compiler.spec.decode.model_spec import ModelSpec

_TWO = 2
EXPLANATIONS = (
    Explanation(
        "AM366",
        "these columns cannot be predicted as labels",
        "`target: [spam, urgent]` predicts several columns, each of which says yes or no of a row. Each is a "
        'category of two values, `spam: {type: category, values: ["no", "yes"]}`; the last one means yes, or '
        "the one that `positive` names, for all of them. Keys that are about one target, such as `quantile`, "
        "`class_weights` and `sampling`, have no meaning here.",
    ),
)
#: What a spec may say of one target alone.
_OF_ONE_TARGET = (("task",), ("quantile",), ("training", "class_weights"), ("training", "sampling"))


def task_of(spec: ModelSpec, names: Sequence[str], file: str) -> tuple[Task | None, list[Finding]]:
    """The task, or none where a column is no label; and what is wrong."""
    findings = [*_columns(spec, names, file), *_keys(spec, file)]
    if any(finding.path[0] == "target" for finding in findings):
        return None, findings
    labels = tuple(_label(spec, name) for name in names)
    weight: dict[str, Any] = {} if spec.weight is None else {"weight": spec.weight}
    task = Task(kind="multilabel", target="", classes=tuple(names), labels=labels, positive=None, **weight)
    return task, findings


def _label(spec: ModelSpec, name: str) -> Label:
    column = spec.data.columns[name]
    first, last = column.values or ("", "") if isinstance(column, CategoryColumn) else ("", "")
    if spec.positive == first:
        first, last = last, first
    return Label(column=name, negative=first, positive=last)


def _columns(spec: ModelSpec, names: Sequence[str], file: str) -> Iterator[Finding]:
    """Columns that there are not, that stand there twice, or that are neither yes nor no."""
    for place, name in enumerate(names):
        path, column = ("target", place), spec.data.columns.get(name)
        if column is None:
            hint, fix = did_you_mean(name, spec.data.columns), respelt(path, name, spec.data.columns)
            yield Finding("AM201", path, f"there is no column `{name}`", help=hint, file=file, fix=fix)
            continue
        note = (Related(("data", "columns", name), f"`{name}` is declared here"),)
        values = (column.values or ()) if isinstance(column, CategoryColumn) else ()
        form = f'declare it as `{name}: {{type: category, values: ["no", "yes"]}}`'
        if name in names[:place]:
            yield Finding("AM366", path, f"duplicate label `{name}`", help="name it once", file=file)
        elif not isinstance(column, CategoryColumn):
            message = f"`{name}` is {column.column_type}, and a label says yes or no"
            yield Finding("AM366", path, message, help=form, related=note, file=file)
        elif len(set(values)) != _TWO:
            count = f"has {len(set(values))} values" if values else "has no declared values"
            message = f"`{name}` {count}, and a label has two: no and yes"
            yield Finding("AM366", path, message, help=form, related=note, file=file)
        elif spec.positive is not None and spec.positive not in values:
            message = f"`{name}` has no value `{spec.positive}`, which `positive` says is yes in every label"
            hint = "leave `positive` out: then the last of each label's `values` means yes"
            yield Finding("AM366", path, message, help=hint, related=note, file=file)


def _keys(spec: ModelSpec, file: str) -> Iterator[Finding]:
    """Keys that are about one target."""
    for path in _OF_ONE_TARGET:
        owner = spec.training if path[0] == "training" else spec
        if getattr(owner, path[-1]) is not None:
            message = f"`{path[-1]}` is of one target, and `target` names several labels"
            hint = f"leave `{path[-1]}` out"
            yield Finding("AM366", path, message, help=hint, file=file, at_key=True)
