"""A typed spec into a pipeline: defaults that depend on the rest, environments, selectors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from aimass_compiler.catalog import load
from aimass_compiler.catalog.loss import PINBALL
from aimass_compiler.catalog.model import Model
from aimass_compiler.catalog.model_choice import ModelChoice
from aimass_compiler.catalog.quantities import Frozen
from aimass_compiler.catalog.split import SharedSplit
from aimass_compiler.catalog.task import Task
from aimass_compiler.catalog.transform import ColumnsOfType, EachColumn, Transform, Types
from aimass_compiler.diagnostics import Explanation, Finding, Related, did_you_mean, respelt
from aimass_compiler.expression.column_types import DECLARED, ColumnType, Image, Number, NumberSeries
from aimass_compiler.model_path import path_of
from aimass_compiler.pipeline import EnvironmentPipeline, Pipeline
from aimass_compiler.pipeline.accelerator import Accelerator
from aimass_compiler.pipeline.columns import CategoryColumn, NumberColumn, feature_types, row_columns
from aimass_compiler.pipeline.evaluation import Repetition, Retraining
from aimass_compiler.pipeline.flow import Flow
from aimass_compiler.pipeline.language_defaults import generating
from aimass_compiler.pipeline.serving import Serving
from aimass_compiler.pipeline.settings import Settings
from aimass_compiler.pipeline.shared_server import assigned, sharing
from aimass_compiler.pipeline.training import Objective, Search
from aimass_compiler.project import team_of_spec
from aimass_compiler.spec.decode import conversations, forecasts, several_labels, without_target
from aimass_compiler.spec.decode.hints import renamed
from aimass_compiler.spec.decode.model_spec import ModelSpec, Overrides, WrittenTask

EXPLANATIONS = (
    Explanation(
        "AM201",
        "the target is not a declared column",
        "The target must stand in `data.columns`, because its type decides between classes and a number.",
    ),
    Explanation(
        "AM202",
        "the target's classes are not declared",
        "Serving answers with the classes by name and alerts on their shares, so they are part of the "
        'contract: `churned: {type: category, values: ["no", "yes"]}`.',
    ),
    Explanation(
        "AM203",
        "the target has a type that cannot be predicted",
        "A category is predicted by classification, a number by regression.",
    ),
    Explanation("AM204", "the target has one class", "With one class there is nothing to distinguish."),
    Explanation(
        "AM296",
        "there is no target that this could be about",
        "`task: clustering` and `task: anomaly` learn from the features alone: nothing is predicted that is "
        "known of the training rows. A spec that has labels to judge anomalies by names their column as "
        "`target`, without a `task`.",
    ),
    Explanation(
        "AM206",
        "a transform has no columns",
        "The list is empty, or `{type: …}` matches none of the columns that are there when the transform "
        "runs: the target and ids never are, and an earlier transform may have changed the type of "
        "others.",
    ),
    Explanation(
        "AM207",
        "there is no such environment",
        "Environments are declared in aimass.yaml, with their clusters and namespaces; without it they are "
        "dev, staging and prod. A spec says what one of them does differently.",
    ),
)


class LoweredSpec(NamedTuple):
    """The normal form of a spec, and what is wrong with it."""

    pipeline: Pipeline
    findings: list[Finding]
    failed: frozenset[str]
    """The parts of the spec that are not what was meant: a stand-in, or a default that follows from one."""


def lower(
    spec: ModelSpec, settings: Settings, file: str, failed: frozenset[str] = frozenset()
) -> LoweredSpec:
    """The pipeline with every default written out; `failed` are the parts that could not be decoded."""
    chosen: Model | ModelChoice = spec.model or _default_model(spec)
    task, findings, failed = _task_or_stand_in(spec, chosen, file, failed)
    failed = _with_defaults(spec, failed)
    model = chosen.resolved(task)
    spec = forecasts.with_split(spec, task)
    features, problems = _features(spec, task, model, file)
    findings += [] if _tops(failed) & {"data", "target", "features"} else problems
    findings += [] if "settings" in failed else _unknown_environments(spec, settings, file)
    objective = _objective(spec, task, model)
    evaluation = spec.evaluation.filled(metrics=spec.evaluation.metrics or task.usual_metrics)
    team = team_of_spec(file)
    path = path_of(team, spec.metadata.name)
    pipeline = Pipeline(
        metadata=spec.metadata,
        team=team or None,
        data=spec.data,
        task=task,
        features=features,
        model=model,
        objective=objective,
        search=_search(spec, settings),
        training=spec.training,
        evaluation=evaluation,
        retraining=Retraining.of(spec.evaluation, objective.metric),
        repetition=Repetition.of(evaluation, objective.metric),
        quantize=spec.quantize,
        serving=_serving(spec, task, model, _assigned(spec.serving, task, settings, path)),
        monitoring=spec.monitoring.with_limits(),
        scoring=spec.scoring,
        environments=_environments(spec, settings, task, model, path),
        settings=settings,
        waivers=spec.waivers,
    )
    return LoweredSpec(pipeline, findings, failed)


def _task_or_stand_in(
    spec: ModelSpec, model: Model | ModelChoice, file: str, failed: frozenset[str]
) -> tuple[Task, list[Finding], frozenset[str]]:
    """The task, or what stands in for one that is not known; what is wrong with it, and what failed."""
    task, findings = _task_of(spec, model, file)
    if task is None:
        findings = [] if _tops(failed) & {"data", "target"} else findings
        first = spec.target if isinstance(spec.target, str) else spec.target[0]
        task, failed = Task(kind="regression", target=first), failed | {"target"}
    if task.forecast is None and (isinstance(spec.task, WrittenTask) or "task" in _tops(failed)):
        failed |= {"target"}  # what is predicted may be no number of a row
    return task, findings, failed


def _serving(
    spec: ModelSpec,
    task: Task,
    model: Model | ModelChoice,
    written: Serving,
    accelerator: Accelerator | None = None,
) -> Serving:
    """How it is served, with what a language model and a server of several models have beside that."""
    generated = generating(
        written,
        task.conversation,
        model.candidates,
        accelerator,
        spec.training.precision,
        spec.quantize,
    )
    return sharing(generated)


#: What the default of a part follows from.
_FOLLOWS = {"model": ("data",), "objective": ("data", "target"), "features": ("data", "target", "model")}


def _with_defaults(spec: ModelSpec, failed: frozenset[str]) -> frozenset[str]:
    """The parts that failed, and those left out whose defaults follow from one of them."""
    for part, others in _FOLLOWS.items():
        if getattr(spec, part) is None and _tops(failed).intersection(others):
            failed |= {part}
    return failed


def _tops(failed: frozenset[str]) -> frozenset[str]:
    return frozenset(part.partition(".")[0] for part in failed)


def _task_of(spec: ModelSpec, model: Model | ModelChoice, file: str) -> tuple[Task | None, list[Finding]]:
    """The task, or none where it cannot be told; and what is wrong with it."""
    if not isinstance(spec.target, str):
        return several_labels.task_of(spec, spec.target, file)
    if isinstance(spec.task, str):
        return without_target.task_of(spec, model, file)
    return _task(spec, spec.target, model.candidates[0], file)


def _task(spec: ModelSpec, target: str, model: Model, file: str) -> tuple[Task | None, list[Finding]]:
    column = spec.data.columns.get(target)
    roles = {"positive": spec.positive, "weight": spec.weight, "quantile": spec.quantile}
    written: dict[str, Any] = {name: value for name, value in roles.items() if value is not None}
    if column is None:
        hint = did_you_mean(target, spec.data.columns)
        message = f"there is no column `{target}`"
        fix = respelt(("target",), target, spec.data.columns)
        return None, [Finding("AM201", ("target",), message, help=hint, file=file, fix=fix)]
    conversation = conversations.of(spec, model)
    if isinstance(column, NumberColumn):
        forecast, findings = forecasts.resolved(spec, file)
        return Task(kind="regression", target=target, forecast=forecast, **written), findings
    if conversation is not None and isinstance(column, conversations.ANSWERS):
        return Task(kind="generation", target=target, conversation=conversation, **written), []
    declared = Related(("data", "columns", target), f"`{target}` is declared here")
    if not isinstance(column, CategoryColumn):
        message = f"`{target}` is {column.column_type}, which cannot be predicted"
        hint = "a target is a category or a number; texts are answered by a `language_model`"
        return None, [Finding("AM203", ("target",), message, help=hint, related=(declared,), file=file)]
    if column.values is None:
        message = f"the classes of the target `{target}` are not declared"
        example = f'`{target}: {{type: category, values: ["no", "yes"]}}`'
        hint = f"write them: {example}; `positive` says which of two is the one to find"
        return None, [Finding("AM202", ("target",), message, help=hint, related=(declared,), file=file)]
    findings = []
    if len(set(column.values)) == 1:
        message = f"`{target}` has the one class `{column.values[0]}`, so there is nothing to distinguish"
        findings.append(Finding("AM204", ("target",), message, related=(declared,), file=file))
    task = Task(kind="classification", target=target, classes=column.values, **written)
    return task.model_copy(update={"conversation": conversation}), findings


#: What reads columns of these types, where a spec names no model.
_MODELS_OF_ONE_COLUMN: Mapping[type[ColumnType], str] = {Image: "cnn", NumberSeries: "rnn"}


#: What is looked for without a target, where a spec names no model.
_MODELS_WITHOUT_TARGET = {"clustering": "k_means", "anomaly": "isolation_forest"}


def _default_model(spec: ModelSpec) -> Model:
    if isinstance(spec.task, str):
        return load("models", _MODELS_WITHOUT_TARGET[spec.task])()  # type: ignore[return-value]  # the family's base class
    holds = {column.holds for column in spec.data.columns.values()}
    name = next((name for kind, name in _MODELS_OF_ONE_COLUMN.items() if kind in holds), "xgboost")
    return load("models", name)()  # type: ignore[return-value]  # the family's base class


def _search(spec: ModelSpec, settings: Settings) -> Search:
    """The search with what an hour of a trial costs, where a cost is its budget and prices are known."""
    search, training, prices = spec.search, spec.training, settings.prices
    if search.cost is None or search.cost_per_hour is not None or prices is None:
        return search
    gib = training.resources.memory.size / 2**30
    each = training.resources.cpu * prices.cpu_hour + float(gib) * prices.gib_hour
    hour = training.worker_range[1] * (each + training.gpus * prices.gpu_hour)
    return search.filled(cost_per_hour=hour or None)


def _objective(spec: ModelSpec, task: Task, model: Model | ModelChoice) -> Objective:
    """The objective with the loss that the model minimises; None where it learns by a measure of its own, and
    where there are several to choose from that minimise different ones."""
    written = spec.objective or Objective(metric=task.usual_objective)
    own = {next(iter(each.losses_for(task)), None) for each in model.candidates}
    usual = PINBALL if task.quantile else (own.pop() if len(own) == 1 else None)
    return written.filled(loss=written.loss or usual)


def _features(
    spec: ModelSpec, task: Task, model: Model | ModelChoice, file: str
) -> tuple[tuple[Transform, ...], list[Finding]]:
    flow = Flow(feature_types(row_columns(spec.data.columns, task), task.columns))
    written = spec.features
    if written is None and task.forecast is not None:
        written = tuple(forecasts.default_features(task, flow.sources, model.candidates))
    elif written is None and task.conversation is None:
        written = tuple(_default_features(spec, flow.sources, model.candidates))
    resolved, findings = [], []
    for place, transform in enumerate(written or ()):
        types = flow.selectable
        known = transform.resolved(types)
        if getattr(known, "columns", None) == () and known.columns_read == ():
            findings.append(_without_columns(transform, place, types, file))
        resolved.append(known)
        if all(name in types for name in known.columns_read):
            flow = flow.through(known)
    return tuple(resolved), findings


def _without_columns(transform: Transform, place: int, types: Types, file: str) -> Finding:
    path = ("features", place, transform.kind, "columns")
    selector = getattr(transform, "columns", None)
    if not isinstance(selector, ColumnsOfType):
        is_chosen = type(transform).model_fields["columns"].is_required()
        hint = "name at least one" if is_chosen else "turn columns into numbers before it"
        return Finding("AM206", path, f"`{transform.kind}` has no columns", help=hint, file=file)
    message = f"no column is of type `{selector.type}` here, so `{transform.kind}` has none"
    there = ", ".join(f"`{name}` ({kind.name})" for name, kind in types.items())
    return Finding("AM206", path, message, help=f"there are {there}" if there else "", file=file)


def _default_features(spec: ModelSpec, types: Types, models: Sequence[Model]) -> Iterator[Transform]:
    """What a careful engineer would write: names one by one, text hashed, numbers as the model wants them."""
    split = spec.data.split
    of_splits = () if isinstance(split, SharedSplit) else split.columns_read()

    def names(*accepted: type[ColumnType]) -> tuple[str, ...]:
        return tuple(
            name for name, kind in types.items() if isinstance(kind, accepted) and name not in of_splits
        )

    examples = models[0].examples
    if examples.column:
        for kind, encoder in examples.encoders.items():
            yield from _encoded(encoder, names(kind))
        return
    numbers = names(Number)
    nullable = tuple(name for name in numbers if spec.data.columns[name].is_nullable)
    complete = [model for model in models if not model.takes_missing]
    if complete:
        if nullable:
            yield _transform("impute", columns=nullable, indicator=True)
        if numbers and not all(model.ignores_scale for model in complete):
            yield _transform("standardize", columns=numbers)
    for kind in DECLARED:
        if kind.encoder:
            yield from _encoded(kind.encoder, names(kind))


def _encoded(encoder: str, columns: tuple[str, ...]) -> Iterator[Transform]:
    """All columns at once where the transform treats each alone, or one after the other."""
    if not issubclass(load("transforms", encoder), EachColumn):
        yield from (_transform(encoder, column=name) for name in columns)
    elif columns:
        yield _transform(encoder, columns=columns)


def _transform(name: str, **parameters: Any) -> Transform:
    return load("transforms", name).model_validate(parameters)  # type: ignore[return-value]  # the family's base class


R = TypeVar("R", bound=Frozen)


def _unknown_environments(spec: ModelSpec, settings: Settings, file: str) -> Iterator[Finding]:
    for name in spec.environments:
        if name not in settings.environments:
            hint = did_you_mean(name, settings.environments)
            message = f"there is no environment `{name}`"
            path = ("environments", name)
            fix = renamed(path, name, settings.environments, spec.environments)
            yield Finding("AM207", path, message, help=hint, file=file, at_key=True, fix=fix)


def _environments(
    spec: ModelSpec, settings: Settings, task: Task, model: Model | ModelChoice, path: str
) -> dict[str, EnvironmentPipeline]:
    found = {}
    is_accelerated = any(each.artifact.runs_on_accelerators for each in model.candidates)
    for name, here in settings.environments.items():
        overrides = spec.environments.get(name) or Overrides.default()
        accelerator = overrides.accelerator or (here.accelerator if is_accelerated else None)
        serving = _assigned(_overridden(spec.serving, overrides.serving), task, settings, path, name)
        found[name] = EnvironmentPipeline(
            namespace=settings.namespace_of(name),
            image_registry=settings.images.registry,
            serving=_serving(spec, task, model, serving, accelerator),
            monitoring=_overridden(spec.monitoring, overrides.monitoring).with_limits(),
            training=_overridden(spec.training, overrides.training),
            accelerator=accelerator,
            scoring=overrides.scoring or spec.scoring,
        )
    return found


def _assigned(
    serving: Serving, task: Task, settings: Settings, path: str, environment: str | None = None
) -> Serving:
    """The serving in the shared server that the settings give it; what writes text has its own process."""
    if not settings.sharing or task.conversation is not None:
        return serving
    return assigned(serving, settings.sharing, path, environment)


def _overridden(base: R, override: R | None) -> R:
    """The base with what was written in the override, key by key; another kind replaces the whole."""
    changes = {}
    for name in override.model_fields_set if override is not None else ():
        below, above = getattr(base, name), getattr(override, name)
        if name in base.merged_by_name:
            changes[name] = {**below, **_entries_overridden(below, above)}
            continue
        is_same = isinstance(above, Frozen) and type(below) is type(above)
        changes[name] = _overridden(below, above) if is_same else above
    return base.model_copy(update=changes)


def _entries_overridden(below: Mapping[str, R], above: Mapping[str, R]) -> dict[str, R]:
    return {key: _overridden(below[key], value) if key in below else value for key, value in above.items()}
