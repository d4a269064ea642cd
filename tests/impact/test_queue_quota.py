"""What a plan says of a training job: what it asks for, of what its queue and its namespace have."""

from __future__ import annotations

from pathlib import Path

from aimass_compiler.cli.views.cost import cost_changes
from aimass_compiler.impact.effects import effects
from aimass_compiler.plan import compare, snapshot_of
from aimass_compiler.project import Project
from impact.specs import SETTINGS, SETTINGS_FILE, SPEC, compiled

TEAM = "quota: {memory: 64Gi}\nqueue: {cluster_queue: research, quota: {cpu: 8, gpus: 2}}\n"


def told(root: Path, team: str) -> list[str]:
    texts = {"specs/growth/churn.yaml": SPEC, SETTINGS_FILE: SETTINGS, "teams/growth.yaml": team}
    _, files = compiled(root, texts)
    plan = compare({path: files[path] for path in files if "inventory" not in path}, snapshot_of({}, {}))
    (model,) = effects(plan, root=Project(root).root, documents={}).models
    return [change.text for change in cost_changes(model) if "asks" in change.text]


def test_a_job_is_held_against_queue_and_quota(tmp_path: Path) -> None:
    assert told(tmp_path, TEAM) == [
        "training job: it asks the queue research for 3 of 8 cores, 0 of 2 GPUs",
        "training job: it asks the quota of growth for 8 of 64 GiB",
    ]


def test_nothing_is_held_against_what_nobody_says(tmp_path: Path) -> None:
    assert told(tmp_path, "queue: {cluster_queue: research}\n") == []
