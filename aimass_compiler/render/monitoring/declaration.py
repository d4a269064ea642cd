"""What a model says of itself where rules are the fleet's: annotations of its Service.

They are released and withdrawn with the model, so that the fleet's rules need to know none, and servers need
to export none of it: those of an earlier release, or of vLLM, are watched by what git says now. And a Service
is there when no server is.
"""

from __future__ import annotations

from aimass_compiler import conventions, drift_methods
from aimass_compiler.model_path import team_of
from aimass_compiler.pipeline import Pipeline
from aimass_compiler.render.monitoring.alerts import AlertContext, watched
from aimass_compiler.render.names import annotated

#: The series that Prometheus has of it; its value is 1.
DECLARED = conventions.SERIES_DECLARED
#: The labels of its thresholds, as PromQL writes numbers. Those of objectives of time have the objectives'
#: names, and say the end of the bucket that stands for it.
BUDGET, WAITING = conventions.LABEL_BUDGET, "waiting"
DRIFT_PAGE, DRIFT_WARN, DRIFT_ROWS = "drift_page", "drift_warn", "drift_rows"
#: How drift is measured, where it is not as usual.
DRIFT_METHOD = "drift_method"
#: Of a model that has no server while no request comes.
RESTS = "rests"


def declared_labels(here: AlertContext, team: str) -> dict[str, str]:
    """The labels of the series, but for where it is; `team` is empty where it is of none."""
    labels = {
        "model": here.model,
        "team": team,
        "owner": here.owner,
        conventions.LABEL_RUNBOOK: here.runbook,
        **_thresholds(here),
    }
    return {name: value for name, value in labels.items() if value}


def declared_annotations(pipeline: Pipeline, environment: str) -> dict[str, str]:
    """The labels as annotations of a Service in an environment."""
    here = watched(pipeline.metadata, environment, pipeline.environments[environment])
    found = declared_labels(here, team_of(pipeline.path))
    noted = annotated({conventions.ANNOTATION_DECLARED.format(name): text for name, text in found.items()})
    return noted.get("annotations", {})


def _thresholds(here: AlertContext) -> dict[str, str]:
    found = {BUDGET: f"{here.budget:.9g}"} if here.budget > 0 else {}
    if here.text is None:
        found |= {DRIFT_PAGE: here.page, DRIFT_WARN: here.warn, DRIFT_ROWS: here.rows}
        found |= {} if here.method == drift_methods.USUAL else {DRIFT_METHOD: here.method}
    else:
        found |= {WAITING: f"{here.text.waiting}"}
    if here.may_rest:
        found[RESTS] = "yes"
    return found | {time.name: f"{time.end}" for time in here.times}
