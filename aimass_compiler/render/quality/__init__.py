"""The quality of a model in production, in each environment: what measures it by the clock, and alerts."""

from __future__ import annotations

import math
from collections.abc import Iterator

from aimass_compiler import record_names
from aimass_compiler.catalog.quantities import Duration
from aimass_compiler.diagnostics import Example, Explanation, Finding, Path, Severity
from aimass_compiler.pipeline import Pipeline
from aimass_compiler.pipeline.monitoring import Labels
from aimass_compiler.pipeline.override_locations import place_in
from aimass_compiler.pipeline.record_store import RecordStore
from aimass_compiler.pipeline.serving import PredictionLogs
from aimass_compiler.render.emit import emit, emit_json
from aimass_compiler.render.pipeline_json import PipelineJson
from aimass_compiler.render.quality import cron_job
from aimass_compiler.render.quality.alert_rules import prometheus_rule
from aimass_compiler.render.target import Layer, Manifest, Rendered, Target

_LABELS = "monitoring: {labels: {source: data/truth.csv}}"
_SAMPLED = "serving: {logs: {predictions: {sample: 0.1}}}"
_CLOCK = 'monitoring: {labels: {source: "%s", schedule: "@daily"}}\n' + _SAMPLED
_STORE = "logs: {store: s3://acme-predictions/ml}\n"
_FORECAST = (
    "target: tenure\nmodel: lightgbm\n"
    "features: [lags: {column: tenure, lags: [1]}, one_hot: [plan, churned]]\n"
    "task: {forecast: 3}\ndata: {columns: {day: time}}"
)
EXPLANATIONS = (
    Explanation(
        "AM570",
        "no prediction is recorded that the truth could be held against",
        "`monitoring.labels` measures the model on records of its predictions, which servers write only "
        "where `serving.logs.predictions.sample` is above 0, and which are deleted after `retention`, 90 "
        "days by default. Record a share of the requests, and keep them for `delay` and `window`; or leave "
        "`labels` out.",
    ),
    Explanation(
        "AM571",
        "the truth cannot be held against answers of this kind",
        "`aimass truth` measures classifications and regressions, of which each row has one right answer "
        "that is known later. Forecasts, several labels, clusters and texts are not measured yet.",
    ),
    Explanation(
        "AM572",
        "nothing says where the records of predictions are",
        "The truth is held against records of predictions. Without `logs.store` in aimass.yaml, servers "
        "write them into their log, where `aimass truth` cannot read them. Set it to an object store, or to "
        "a folder that every node mounts; docs/logs.md says what brings the records there.",
    ),
    Explanation(
        "AM573",
        "the model is not measured by the clock here",
        "A scheduled pod has no files of the project, and a model's pods may not mount folders of their "
        "node. So `monitoring.labels.source` must be elsewhere, such as `s3://…` or a database, and "
        "`logs.store` an object store, or the environment gets no CronJob. Leave `schedule` out where "
        "`aimass truth` runs by another clock, such as that of a workflow.",
    ),
)
EXAMPLES = (
    Example("AM570", fails=_LABELS, passes=f"{_LABELS}\n{_SAMPLED}"),
    Example(
        "AM571",
        fails=f"{_FORECAST}\n{_LABELS}\n{_SAMPLED}",
        passes=f"{_FORECAST}\n{_SAMPLED}",
    ),
    Example("AM573", fails=_CLOCK % "data/truth.csv", passes=_CLOCK % "s3://lake/truth.csv", settings=_STORE),
    Example("AM572", fails=f"{_LABELS}\n{_SAMPLED}", passes=_SAMPLED),
)
_RULES_FILE = "quality-alerts.yaml"


def render(source: PipelineJson) -> Rendered:
    """The alerts of each environment, and the CronJob where there is a schedule."""
    pipeline = source.pipeline
    overlays = {
        name: _layer(source, name, here.monitoring.labels)
        for name, here in pipeline.environments.items()
        if here.monitoring.labels is not None
    }
    return Rendered(overlays=overlays)


def _layer(source: PipelineJson, name: str, labels: Labels) -> Layer:
    pipeline, store = source.pipeline, source.pipeline.settings.logs
    rule = prometheus_rule(pipeline, name, labels)
    head = {key: rule[key] for key in ("apiVersion", "kind")}
    head |= {"metadata": {"name": rule["metadata"]["name"]}}
    rules = {_RULES_FILE: Manifest(head, emit(rule, pipeline.path))}
    if labels.schedule is None or store is None or not _is_away(store, labels):
        return Layer(manifests=rules)
    return Layer(
        objects=cron_job.objects(pipeline, name, labels, store.store, labels.schedule),
        manifests=rules,
        config_maps=[{"name": cron_job.name(pipeline), "files": [cron_job.MEASURED_FILE]}],
        files={cron_job.MEASURED_FILE: emit_json(cron_job.measured(source.document, labels))},
    )


def _is_away(store: RecordStore, labels: Labels) -> bool:
    """Whether a pod of the model reaches records and truth."""
    return store.folder is None and not labels.source.dependencies()


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """A truth that nothing can be held against."""
    told: set[tuple[str, Path]] = set()
    for name in pipeline.environments:
        for found in _of(pipeline, name):
            if (found.code, found.path) not in told:
                told.add((found.code, found.path))
                yield found


def _of(pipeline: Pipeline, name: str) -> Iterator[Finding]:
    here, path = pipeline.environments[name], place_in(pipeline, name, "monitoring.labels")
    labels = here.monitoring.labels
    if labels is None:
        return
    if not _is_measured(pipeline):
        message = f"the truth cannot be held against the answers of a {pipeline.task.served_as}"
        yield Finding("AM571", path, message, help="leave `monitoring.labels` out")
        return
    if not here.serving.logs.predictions.sample:
        message = f"no prediction is recorded in `{name}` that the truth could be held against"
        hint = "add `serving: {logs: {predictions: {sample: 0.1}}}`"
        yield Finding("AM570", path, message, help=hint, severity=Severity.WARNING)
    else:
        yield from _deleted(path, name, labels, here.serving.logs.predictions)
    if pipeline.settings.logs is None:
        message = "nothing says where the records are that the truth could be held against"
        hint = "write `logs: {store: s3://…}` in aimass.yaml"
        yield Finding("AM572", path, message, help=hint, severity=Severity.WARNING)
    else:
        yield from _out_of_reach(path, name, labels, pipeline.settings.logs)


def _out_of_reach(path: Path, name: str, labels: Labels, store: RecordStore) -> Iterator[Finding]:
    """A schedule of what no pod could read."""
    if labels.schedule is None or _is_away(store, labels):
        return
    what = f"`{labels.source.shown}` lies in the project"
    if store.folder is not None:
        what = f"`{store.store}` is a folder of the nodes"
    message = f"{what}, which no pod of the model has, so nothing is measured in `{name}` by the clock"
    hint = "name a place elsewhere, such as `s3://…`, or leave `schedule` out"
    yield Finding("AM573", (*path, "schedule"), message, help=hint, severity=Severity.WARNING)


def _deleted(path: Path, name: str, labels: Labels, records: PredictionLogs) -> Iterator[Finding]:
    """Records that are gone when their truth is known."""
    kept, delay = records.retention or Duration(f"{record_names.KEPT_DAYS}d"), labels.delay
    if kept.seconds > delay.seconds:
        return
    needed = math.ceil((delay.seconds + labels.window.seconds) / Duration("1d").seconds)
    message = f"records of `{name}` are deleted after {kept}, and their truth is known after {delay}"
    hint = f"write `serving: {{logs: {{predictions: {{retention: {needed}d}}}}}}`"
    yield Finding("AM570", (*path, "delay"), message, help=hint, severity=Severity.WARNING)


def _is_measured(pipeline: Pipeline) -> bool:
    task = pipeline.task
    return task.has_target and task.forecast is None and not task.is_multilabel and not task.is_written


TARGET = Target(render=render, findings=findings)
