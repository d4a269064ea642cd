"""The CronJob that scores: the package of what is released, in a pod that reaches the table."""

from __future__ import annotations

import math

from aimass_compiler import conventions
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.pipeline import Pipeline
from aimass_compiler.pipeline.scoring import Scoring
from aimass_compiler.render.object_kind import Object
from aimass_compiler.render.package_job import FILES, PACKAGE, PackageJob
from aimass_compiler.render.package_job import objects as objects_of_job

#: The part `scoring` of the environment, as pods find it.
SCORING_FILE = "scoring.json"


def name(pipeline: Pipeline) -> str:
    """What everything of it is called."""
    return conventions.SCORING.format(model=pipeline.name)


def objects(pipeline: Pipeline, environment: str, scoring: Scoring, schedule: str) -> list[Object]:
    """The CronJob, its account, and what may reach it."""
    return objects_of_job(pipeline, environment, scores(pipeline, scoring, schedule))


def scores(pipeline: Pipeline, scoring: Scoring, schedule: str) -> PackageJob:
    """What is run in one pod."""
    job = {"fieldRef": {"fieldPath": "metadata.labels['batch.kubernetes.io/job-name']"}}
    return PackageJob(
        name=name(pipeline),
        component=conventions.COMPONENT_SCORING,
        container="score",
        args=("aimass_compiler.runtime.scoring", f"{FILES}/{SCORING_FILE}", PACKAGE),
        schedule=schedule,
        deadline=math.ceil(scoring.deadline.seconds),
        retries=scoring.retries,
        final=(ExitCode.USAGE, ExitCode.DATA, ExitCode.PACKAGE),
        resources=scoring.resources,
        variables=({"name": conventions.SCORING_JOB_VARIABLE, "valueFrom": job},),
    )
