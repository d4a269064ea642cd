"""Tables that the cluster scores by the clock: a CronJob in each environment that has a schedule."""

from __future__ import annotations

from collections.abc import Iterator

from aimass_compiler.diagnostics import Example, Explanation, Finding, Severity
from aimass_compiler.pipeline import Pipeline
from aimass_compiler.pipeline.override_locations import place_in
from aimass_compiler.pipeline.scoring import Scoring
from aimass_compiler.render.emit import emit, emit_json
from aimass_compiler.render.package_job import pod_monitor
from aimass_compiler.render.pipeline_json import PipelineJson
from aimass_compiler.render.scoring import alert_rules, cron_job
from aimass_compiler.render.target import Layer, Manifest, Rendered, Target

_AWAY = 'scoring: {source: "s3://lake/new.parquet", into: "%s", schedule: "@daily"}'
EXPLANATIONS = (
    Explanation(
        "AM594",
        "no table is scored by the clock here",
        "A scheduled pod has no files of the project, and what it writes to its disk is gone with it. So "
        "`source` must be elsewhere, such as `s3://…` or a database, and `into` in an object store, or the "
        "environment gets no CronJob. Write `scoring` for the environment that has such places, or leave "
        "`schedule` out: `aimass run` and `aimass score` score tables of the project.",
    ),
)
EXAMPLES = (
    Example(
        "AM594",
        fails="environments: {prod: {" + _AWAY % "scores" + "}}",
        passes="environments: {prod: {" + _AWAY % "s3://lake/scores" + "}}",
    ),
)
_RULES_FILE = "scoring-alerts.yaml"


def render(source: PipelineJson) -> Rendered:
    """What scores in each environment."""
    pipeline = source.pipeline
    overlays = {
        name: _layer(pipeline, name, here.scoring, here.scoring.schedule)
        for name, here in pipeline.environments.items()
        if here.scoring is not None and here.scoring.schedule is not None and _is_away(here.scoring)
    }
    return Rendered(overlays=overlays)


def _layer(pipeline: Pipeline, name: str, scoring: Scoring, schedule: str) -> Layer:
    rule = alert_rules.prometheus_rule(pipeline, name, scoring, schedule)
    head = {key: rule[key] for key in ("apiVersion", "kind")} | {
        "metadata": {"name": rule["metadata"]["name"]}
    }
    return Layer(
        objects=[
            *cron_job.objects(pipeline, name, scoring, schedule),
            pod_monitor(pipeline, cron_job.name(pipeline)),
        ],
        manifests={_RULES_FILE: Manifest(head, emit(rule, pipeline.path))},
        config_maps=[{"name": cron_job.name(pipeline), "files": [cron_job.SCORING_FILE]}],
        files={cron_job.SCORING_FILE: emit_json(scoring.model_dump(mode="json"))},
    )


def _is_away(scoring: Scoring) -> bool:
    return not scoring.is_kept_here and not scoring.source.dependencies()


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """Schedules of tables that no pod could read, or whose predictions none could hand over."""
    told = set()
    for name, here in pipeline.environments.items():
        scoring = here.scoring
        if scoring is None or scoring.schedule is None or _is_away(scoring):
            continue
        what = f"`{scoring.into}`" if scoring.is_kept_here else f"`{scoring.source.shown}`"
        path = (*place_in(pipeline, name, "scoring"), "schedule")
        if path not in told:
            told.add(path)
            message = f"{what} lies in the project, which no pod has, so nothing is scored in `{name}`"
            hint = "name a place elsewhere, such as `s3://…`, or leave `schedule` out"
            yield Finding("AM594", path, message, help=hint, severity=Severity.WARNING)


TARGET = Target(render=render, findings=findings)
