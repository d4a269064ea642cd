"""The CronJob that measures a model in production, in the environment that its records are from."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from aimass_compiler import conventions
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.pipeline import Pipeline
from aimass_compiler.pipeline.monitoring import Labels
from aimass_compiler.render.object_kind import Object
from aimass_compiler.render.package_job import FILES, PACKAGE, PackageJob, pod_monitor
from aimass_compiler.render.package_job import objects as objects_of_job
from aimass_compiler.render.pod_security import TMP_MOUNT
from aimass_compiler.stages import PRODUCTION

#: What the job reads of the pipeline, as pods find it.
MEASURED_FILE = "production.json"
#: What each try would only repeat.
_FINAL = (ExitCode.USAGE, ExitCode.DATA, ExitCode.PACKAGE)
_RETRIES = 2
#: So that the metrics of one run and those of the next one are the same series.
_OF_ANY_POD = {"action": "labeldrop", "regex": "pod|instance|container|endpoint"}


def name(pipeline: Pipeline) -> str:
    """What everything of it is called."""
    return conventions.QUALITY.format(model=pipeline.name)


def objects(pipeline: Pipeline, environment: str, labels: Labels, store: str, schedule: str) -> list[Object]:
    """The CronJob, its account, what may reach it, and what scrapes its pods."""
    namespace = pipeline.environments[environment].namespace
    job = PackageJob(
        name=name(pipeline),
        component=conventions.COMPONENT_QUALITY,
        container="measure",
        args=(
            "aimass_compiler.runtime.production",
            pipeline.path,
            namespace,
            f"--store={store}",
            f"--pipeline={FILES}/{MEASURED_FILE}",
            f"--package={PACKAGE}",
            f"--root={TMP_MOUNT['mountPath']}",
        ),
        schedule=schedule,
        deadline=math.ceil(labels.deadline.seconds),
        retries=_RETRIES,
        final=_FINAL,
        resources=labels.resources,
    )
    monitor = pod_monitor(pipeline, job.name, [_OF_ANY_POD])
    return [*objects_of_job(pipeline, environment, job), monitor]


def measured(document: Mapping[str, Any], labels: Labels) -> dict[str, Any]:
    """The parts of a pipeline, as JSON has it, that measuring reads, with the labels of one environment."""
    found: dict[str, Any] = {"format": document["format"]}
    for key in PRODUCTION.reads:
        *parts, last = key.split(".")
        source, target = document, found
        for part in parts:
            source, target = source.get(part) or {}, target.setdefault(part, {})
        target[last] = source.get(last)
    found["monitoring"]["labels"] = labels.model_dump(mode="json")
    return found
