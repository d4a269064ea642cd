"""Tables that the cluster scores by the clock: a CronJob in each environment that has a schedule."""

from __future__ import annotations

from collections.abc import Iterator

from aimass_compiler.diagnostics import Example, Explanation, Finding, Path, Severity
from aimass_compiler.pipeline import Pipeline
from aimass_compiler.pipeline.override_locations import place_in
from aimass_compiler.pipeline.scoring import Scoring
from aimass_compiler.render.emit import emit, emit_json
from aimass_compiler.render.package_job import pod_monitor
from aimass_compiler.render.pipeline_json import PipelineJson
from aimass_compiler.render.scoring import alert_rules, cron_job, ray_job
from aimass_compiler.render.target import Layer, Manifest, Rendered, Target
from aimass_compiler.render.training.job_abilities import KUBERAY

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
    Explanation(
        "AM596",
        "no workers score this table",
        "`scoring.workers` is the number of pods of a scheduled run, in a Ray cluster that KubeRay makes for "
        "it: without a `schedule` there is none. By hand, `aimass score --engine ray` uses all cores, or the "
        "cluster of RAY_ADDRESS. In the namespace of a team the pod that creates such a cluster would need a "
        "Role that a team does not have, and where Kubeflow Trainer runs the training jobs there may be no "
        "KubeRay.",
    ),
)
EXAMPLES = (
    Example(
        "AM594",
        fails="environments: {prod: {" + _AWAY % "scores" + "}}",
        passes="environments: {prod: {" + _AWAY % "s3://lake/scores" + "}}",
    ),
    Example(
        "AM596",
        fails="scoring: {source: new.parquet, into: scores, workers: 2}",
        passes="scoring: {source: new.parquet, into: scores}",
    ),
)
_RULES_FILE = "scoring-alerts.yaml"


def render(source: PipelineJson) -> Rendered:
    """What scores in each environment."""
    pipeline = source.pipeline
    overlays = {
        name: _layer(pipeline, name, here.scoring, here.scoring.schedule)
        for name, here in pipeline.environments.items()
        if here.scoring is not None and here.scoring.schedule is not None and here.scoring.is_of_cluster
    }
    return Rendered(overlays=overlays)


def _layer(pipeline: Pipeline, name: str, scoring: Scoring, schedule: str) -> Layer:
    rule = alert_rules.prometheus_rule(pipeline, name, scoring, schedule)
    head = {key: rule[key] for key in ("apiVersion", "kind")} | {
        "metadata": {"name": rule["metadata"]["name"]}
    }
    rules = {_RULES_FILE: Manifest(head, emit(rule, pipeline.path))}
    monitor = pod_monitor(pipeline, cron_job.name(pipeline))
    if scoring.workers is not None:
        return Layer(objects=[*ray_job.objects(pipeline, name, scoring, schedule), monitor], manifests=rules)
    return Layer(
        objects=[*cron_job.objects(pipeline, name, scoring, schedule), monitor],
        manifests=rules,
        config_maps=[{"name": cron_job.name(pipeline), "files": [cron_job.SCORING_FILE]}],
        files={cron_job.SCORING_FILE: emit_json(scoring.model_dump(mode="json"))},
    )


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """Schedules and workers of tables that come to nothing."""
    found: dict[Path, Finding] = {}
    for name, here in pipeline.environments.items():
        if here.scoring is not None:
            for each in (
                *_out_of_reach(pipeline, name, here.scoring),
                *_workers(pipeline, name, here.scoring),
            ):
                found.setdefault(each.path, each)
    yield from found.values()


def _out_of_reach(pipeline: Pipeline, name: str, scoring: Scoring) -> Iterator[Finding]:
    """Tables that no pod could read, or whose predictions none could hand over."""
    if scoring.schedule is None or scoring.is_of_cluster:
        return
    what = f"`{scoring.into}`" if scoring.is_kept_here else f"`{scoring.source.shown}`"
    path = (*place_in(pipeline, name, "scoring"), "schedule")
    message = f"{what} lies in the project, which no pod has, so nothing is scored in `{name}`"
    hint = "name a place elsewhere, such as `s3://…`, or leave `schedule` out"
    yield Finding("AM594", path, message, help=hint, severity=Severity.WARNING)


def _workers(pipeline: Pipeline, name: str, scoring: Scoring) -> Iterator[Finding]:
    """Workers of which there are none, or may be none."""
    if scoring.workers is None:
        return
    path = (*place_in(pipeline, name, "scoring"), "workers")
    if scoring.schedule is None:
        message = "`workers` are those of a scheduled run, and there is no `schedule`"
        hint = "leave it out; `aimass score --engine ray` uses all cores, or a Ray cluster"
        yield Finding("AM596", path, message, help=hint, severity=Severity.WARNING)
    elif pipeline.settings.team is not None:
        message = (
            f"the namespace of a team has no Role that creates Ray clusters, so `{name}` cannot score by them"
        )
        yield Finding("AM596", path, message, help="leave `workers` out: one pod scores block after block")
    elif pipeline.job_target != KUBERAY.name:
        message = (
            f"`training.target` is `{pipeline.job_target}`, but it is KubeRay that makes workers that score"
        )
        hint = "install KubeRay there, too, and accept this by a waiver; or leave `workers` out"
        yield Finding("AM596", path, message, help=hint, severity=Severity.WARNING)


TARGET = Target(render=render, findings=findings)
