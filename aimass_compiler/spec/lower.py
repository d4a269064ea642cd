"""A typed spec into a pipeline: defaults that depend on the rest, environments, selectors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from aimass_compiler.catalog import load, name_of
from aimass_compiler.catalog.model import Model
from aimass_compiler.catalog.transform import Transform, Types
from aimass_compiler.diagnostics import Finding, Related, did_you_mean
from aimass_compiler.explanations import Explanation
from aimass_compiler.pipeline import EnvironmentPipeline, Pipeline
from aimass_compiler.pipeline.columns import CategoryColumn, Column, NumberColumn
from aimass_compiler.pipeline.evaluation import Retraining
from aimass_compiler.pipeline.settings import Settings
from aimass_compiler.pipeline.training import Objective
from aimass_compiler.spec.model_spec import ModelSpec, Overrides
from aimass_compiler.task import Task
from aimass_compiler.values import Frozen

EXPLANATIONS = (
    Explanation("AM201", "the target is not a declared column", "The target must stand in `data.columns`, because its type decides between classes and a number."),
    Explanation("AM202", "the target's classes are not declared", "Serving answers with the classes by name and alerts on their shares, so they are part of the contract: `churned: {type: category, values: [\"no\", \"yes\"]}`."),
    Explanation("AM203", "the target has a type that cannot be predicted", "A category is predicted by classification, a number by regression."),
    Explanation("AM204", "the target has one class", "With one class there is nothing to tell apart."),
)  # fmt: skip


def lower(spec: ModelSpec, settings: Settings, file: str) -> tuple[Pipeline | None, list[Finding]]:
    """The pipeline with every default written out; None when there is no task to lower for."""
    task, findings = _task(spec, file)
    if task is None:
        return None, findings
    model = spec.model or _default_model(spec)
    features = _features(spec, model)
    pipeline = Pipeline(
        metadata=spec.metadata,
        data=spec.data,
        task=task,
        features=features,
        model=model,
        objective=spec.objective or Objective(metric=_default_metric(task)),
        search=spec.search,
        training=spec.training,
        evaluation=spec.evaluation,
        retraining=Retraining.of(spec.evaluation),
        serving=spec.serving,
        monitoring=spec.monitoring,
        environments=_environments(spec, settings),
        settings=settings,
    )
    return pipeline, findings


def _task(spec: ModelSpec, file: str) -> tuple[Task | None, list[Finding]]:
    column = spec.data.columns.get(spec.target)
    if column is None:
        hint = did_you_mean(spec.target, spec.data.columns)
        return None, [Finding("AM201", ("target",), f"there is no column `{spec.target}`", help=hint, file=file)]
    if isinstance(column, NumberColumn):
        return Task(kind="regression", target=spec.target), []
    declared = Related(("data", "columns", spec.target), f"`{spec.target}` is declared here")
    if not isinstance(column, CategoryColumn):
        message = f"`{spec.target}` is {column.column_type}, which cannot be predicted"
        hint = "a target is a category or a number"
        return None, [Finding("AM203", ("target",), message, help=hint, related=(declared,), file=file)]
    if column.values is None:
        message = f"the classes of the target `{spec.target}` are not declared"
        hint = f'write them: `{spec.target}: {{type: category, values: ["no", "yes"]}}`; the last one is the positive class'
        return None, [Finding("AM202", ("target",), message, help=hint, related=(declared,), file=file)]
    findings = []
    if len(set(column.values)) == 1:
        message = f"`{spec.target}` has the one class `{column.values[0]}`, so there is nothing to tell apart"
        findings.append(Finding("AM204", ("target",), message, related=(declared,), file=file))
    return Task(kind="classification", target=spec.target, classes=column.values), findings


def _default_model(spec: ModelSpec) -> Model:
    has_image = any(column.type == "image" for column in spec.data.columns.values())
    return load("models", "cnn" if has_image else "xgboost")()  # type: ignore[return-value]  # the family's base class


def _default_metric(task: Task) -> str:
    if not task.is_classification:
        return "root_mean_squared_error"
    return "roc_auc" if task.is_binary else "log_loss"


def input_types(columns: Mapping[str, Column], target: str) -> Types:
    """The columns that transforms start from: all but the target, ids and times."""
    return {
        name: column.column_type
        for name, column in columns.items()
        if name != target and column.type not in ("id", "time")
    }


def _features(spec: ModelSpec, model: Model) -> tuple[Transform, ...]:
    types = dict(input_types(spec.data.columns, spec.target))
    written = spec.features if spec.features is not None else tuple(_default_features(spec, types, model))
    resolved = []
    for transform in written:
        known = transform.resolved(types)
        resolved.append(known)
        if all(name in types for name in known.columns_read):
            _flow(types, known)
    return tuple(resolved)


def _flow(types: dict[str, Any], transform: Transform) -> None:
    for name, kind in transform.produces(types).items():
        if kind is None:
            types.pop(name, None)
        else:
            types[name] = kind


def _default_features(spec: ModelSpec, types: Types, model: Model) -> Iterator[Transform]:
    """What a careful engineer would write: names one by one, text hashed, numbers as the model wants them."""

    def names(kind: str) -> tuple[str, ...]:
        return tuple(name for name, column in types.items() if column.name == kind)

    nullable = tuple(name for name in names("number") if spec.data.columns[name].is_nullable)
    if not model.accepts_missing:
        if nullable:
            yield _transform("impute", columns=nullable, indicator=True)
        if names("number"):
            yield _transform("standardize", columns=names("number"))
    if names("image"):
        yield _transform("standardize", columns=names("image"))
    if names("category"):
        yield _transform("one_hot", columns=names("category"))
    for name in names("text"):
        yield _transform("hash_text", column=name)


def _transform(name: str, **parameters: Any) -> Transform:
    return load("transforms", name).model_validate(parameters)  # type: ignore[return-value]  # the family's base class


R = TypeVar("R", bound=Frozen)


def _environments(spec: ModelSpec, settings: Settings) -> dict[str, EnvironmentPipeline]:
    found = {}
    for name, environment in settings.environments.items():
        overrides = spec.environments.get(name) or Overrides()
        found[name] = EnvironmentPipeline(
            namespace=environment.namespace or f"ml-{name}",
            image_registry=settings.images.registry,
            serving=_overridden(spec.serving, overrides.serving),
            monitoring=_overridden(spec.monitoring, overrides.monitoring),
            training=_overridden(spec.training, overrides.training),
        )
    return found


def _overridden(base: R, override: R | None) -> R:
    if override is None:
        return base
    below = base.model_dump(mode="json", exclude_unset=True)
    above = override.model_dump(mode="json", exclude_unset=True)
    return type(base).model_validate(_merged(below, above))


def _merged(below: Any, above: Any) -> Any:
    if not isinstance(below, Mapping) or not isinstance(above, Mapping):
        return above
    return {key: _merged(below.get(key), above[key]) if key in above else below[key] for key in (*below, *above)}


__all__ = ["input_types", "lower", "name_of"]
