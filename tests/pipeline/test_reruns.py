"""A change of the spec or the data runs the stages that read it, and no others."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from harness.version_records import recorded, released

from pipeline.projects import MODEL, SPEC, STAGES, Project, customers

pytestmark = pytest.mark.pipeline

L2 = ("l2: 1.0", "l2: 0.5")
GATE = ("min: 0.6}", "min: 0.65}")
#: What is edited → the value that the plan names, and the stages that it and DVC run again.
EDITS = {
    "a parameter of the model": (*L2, "model.logistic_regression.l2", "train evaluate package test"),
    "a transform": (
        "[age, charges]\n",
        "age\n",
        "features[0].standardize.columns",
        "features train evaluate package test",
    ),
    "a gate": (*GATE, "evaluation.gates[0].min", "evaluate package"),
    "what the data must be": (
        "max: 120",
        "max: 130",
        "data.columns.age.max",
        "prepare features evaluate package test",
    ),
    "the load of the service test": ("rps: 2", "rps: 3", "serving.tests.load.rps", "test"),
    "the replicas": ("{min: 1, max: 3}", "{min: 1, max: 4}", "serving.replicas.max", ""),
}
#: The longest; by day the tests of edits that are undone and of searches that go on have trained again.
TRAINED_AGAIN = ("a parameter of the model", "a transform")


def again(planned: dict[str, Any]) -> list[str]:
    """The stages that a plan says run again, or may."""
    return [stage["stage"] for stage in planned["stages"] if stage["state"] in ("runs", "follows")]


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param(edit, id=name, marks=pytest.mark.nightly if name in TRAINED_AGAIN else ())
        for name, edit in EDITS.items()
    ],
)
def test_an_edit_reruns_what_reads_it(project: Project, edit: tuple[str, str, str, str]) -> None:
    before, after, key, stages = edit
    project.edit(before, after)
    planned = json.loads(project.aimass("plan", "--format", "json").out)["models"][0]
    assert key in [value["key"] for value in planned["values"]]
    done = project.aimass("run", MODEL)
    assert done.code == 0, done.told
    assert done.stages == stages.split()
    assert set(done.stages) <= set(again(planned))
    assert done.stages[:1] == again(planned)[:1]
    states = {stage["stage"]: stage["state"] for stage in planned["stages"]}
    assert {states[name] for name in STAGES if name not in again(planned)} <= {"cached"}, "it ran here"


def test_an_edit_that_is_undone_is_restored_without_running(project: Project) -> None:
    results = project.results()
    project.edit(*L2)
    assert project.aimass("run", MODEL, "--until", "train").stages == ["train"]
    assert project.results()["train/model.onnx"] != results["train/model.onnx"]
    project.edit(*reversed(L2))
    done = project.aimass("run", MODEL)
    assert done.code == 0, done.told
    assert done.stages == []
    assert "✓ train was run before with the same data and spec" in done.out
    assert "nothing changed" not in done.out
    assert project.results() == results


def test_a_second_run_has_nothing_to_do(project: Project) -> None:
    results = project.results()
    done = project.aimass("run", MODEL)
    assert done.code == 0, done.told
    assert "nothing changed since the last run" in done.out
    assert project.results() == results


@pytest.mark.nightly
def test_other_data_runs_everything(project: Project) -> None:
    project.write("data/customers.csv", customers(220))
    planned = json.loads(project.aimass("plan", "--format", "json").out)
    assert planned["models"] == [], "data is no part of what is compiled"
    done = project.aimass("run", MODEL)
    assert done.code == 0, done.told
    assert done.stages == list(STAGES)


def test_gates_are_read_by_training_where_a_missed_one_trains_again(project: Project) -> None:
    retraining = SPEC.replace(
        "evaluation:", "evaluation:\n  on_failure: {retrain: 1, adjust: [regularization]}"
    )
    project.write(f"specs/{MODEL}.yaml", retraining)
    assert project.aimass("run", MODEL, "--until", "train").stages == ["train"]
    project.edit(*GATE)
    planned = json.loads(project.aimass("plan", "--format", "json").out)["models"][0]
    assert again(planned)[0] == "train"
    assert project.aimass("run", MODEL, "--until", "train").stages == ["train"]


def test_a_release_is_seen_by_the_next_run(project: Project) -> None:
    project.edit("min: 0.6}", "beats: released}")
    first = project.aimass("run", MODEL, "--until", "evaluate")
    assert first.code == 0, first.told
    assert "nothing is released yet" in first.out
    manifest = (project.root / f"artifacts/{MODEL}/package/model/manifest.json").read_bytes()
    record = recorded(project.root, MODEL, 1, hashlib.sha256(manifest).hexdigest())
    released(project.root, record, "dev", "prod")
    again = project.aimass("run", MODEL)
    assert (again.code, again.stages[:2]) == (0, ["evaluate", "package"]), again.told
    assert f"for {record.name}, which is released in prod, on the same" in again.out
    assert "rows: the same (95 % interval" in again.out
    assert project.aimass("run", MODEL).stages == ["evaluate"], "nothing else has anything new to read"
    other = recorded(project.root, MODEL, 2)
    released(project.root, other, "prod")
    failed = project.aimass("run", MODEL)
    assert failed.code == 1, failed.told
    nowhere = f"the package of {MODEL} {other.name} is nowhere"
    assert f"prod has a release that gates compare with: {nowhere}" in failed.told


def test_what_the_plan_says_is_what_the_run_says(project: Project) -> None:
    project.edit(*L2)
    told = f"{MODEL} will be trained again because `model.logistic_regression.l2` changed from 1 to 0.5\n"
    assert told in project.aimass("plan").out
    assert told in project.aimass("run", MODEL, "--until", "prepare").out
