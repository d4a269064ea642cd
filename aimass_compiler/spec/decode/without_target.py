"""The task of a spec without a target: its classes are the groups that the model looks for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from aimass_compiler.catalog.model import Model
from aimass_compiler.catalog.model_choice import ModelChoice
from aimass_compiler.catalog.task import Task
from aimass_compiler.diagnostics import Finding, Path
from aimass_compiler.pipeline.search_space import is_searched
from aimass_compiler.spec.decode.model_spec import ModelSpec, WithoutTarget

_OF_A_TARGET = (
    ("positive",),
    ("quantile",),
    ("training", "class_weights"),
    ("training", "sampling"),
    ("training", "calibration"),
)


def task_of(spec: ModelSpec, model: Model | ModelChoice, file: str) -> tuple[Task, list[Finding]]:
    """The task, and what the spec says that only a target could answer."""
    kind: WithoutTarget = spec.task if isinstance(spec.task, str) else "clustering"
    weight: dict[str, Any] = {} if spec.weight is None else {"weight": spec.weight}
    task = Task(kind=kind, target="", classes=model.names_found, **weight)
    return task, list(_findings(spec, model, kind, file))


def _findings(spec: ModelSpec, model: Model | ModelChoice, kind: str, file: str) -> Iterator[Finding]:
    if spec.target:
        message = f"`task: {kind}` has no target, but `target` is `{spec.target}`"
        hint = "leave `target` out"
        if kind == "anomaly":
            hint += ", or `task`: `isolation_forest` is then judged by the target, and never learns from it"
        yield Finding("AM296", ("target",), message, help=hint, file=file)
    for path in _OF_A_TARGET:
        owner = spec.training if path[0] == "training" else spec
        if getattr(owner, path[-1]) is not None:
            message = f"`{path[-1]}` is about a target, and `task: {kind}` has none"
            yield Finding("AM296", path, message, help=f"leave `{path[-1]}` out", file=file)
    decision = spec.evaluation.decision
    if decision is not None and decision.rule is not None and decision.rule.top is None:
        place: Path = ("evaluation", "decision", "threshold")
        message = f"without a target, nothing says which threshold has {decision.rule}"
        hint = "write a number, or the share of rows that are anomalies: `{top: 0.01}`"
        yield Finding("AM296", place, message, help=hint, file=file)
    if kind == "anomaly" and is_searched(model, spec.training):
        message = "without a target, nothing says which trial finds the right anomalies"
        hint = "give each parameter a value, or name a column with labels as `target` and leave `task` out"
        yield Finding("AM296", ("model",), message, help=hint, file=file)
