"""What is rendered for Kubeflow: a TrainJob whose nodes are alike, and a pipeline whose steps hand on names.

`REWRITE=1 pytest tests/render/test_kubeflow.py` writes what is expected; read its diff before you commit it.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from aimass_compiler import conventions
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.render import findings, render
from render.files import objects, one
from render.models import CHURN, VARIED, merged, pipeline

WANT = Path(__file__).parent / "want/kubeflow"
FILES = render(VARIED["kubeflow"])
#: Of content, which any new key of the language may change.
_DIGEST = re.compile(r"'?(?<![0-9]\.)\b(?=[0-9a-f]*[0-9])[0-9a-f]{8,16}\b'?")
PIPELINE = "pipeline/pipeline.yaml"
STORE = {"environments": {"dev": {"store": "s3://models/dvc"}}, "pipeline": {"target": "kubeflow"}}


@pytest.mark.parametrize("name", ["train/job.yaml", "train/retrain.json", PIPELINE])
def test_a_file_is_as_before(name: str) -> None:
    want = WANT / Path(name).name
    found = _DIGEST.sub("DIGEST", FILES[name].decode())
    if "REWRITE" in os.environ:
        want.write_text(found, encoding="utf-8")
    assert found == want.read_text(encoding="utf-8")


def node(files: dict[str, bytes]) -> dict[str, Any]:
    (job,) = one(files, "train", "TrainingRuntime")["spec"]["template"]["spec"]["replicatedJobs"]
    found: dict[str, Any] = job["template"]["spec"]
    return found


def test_who_runs_the_job_is_said_by_the_spec_or_for_all_of_them() -> None:
    for_all = {"training": {"target": "kubeflow"}}
    kinds = [
        {each["kind"] for each in objects(files, "train")} & {"RayJob", "TrainJob", "TrainingRuntime"}
        for files in (
            render(pipeline()),
            render(pipeline(for_all)),
            render(pipeline(settings=for_all)),
            render(pipeline({"training": {"target": "kuberay"}}, for_all)),
        )
    ]
    ray, kubeflow = {"RayJob"}, {"TrainJob", "TrainingRuntime"}
    assert kinds == [ray, kubeflow, kubeflow, ray]


def test_another_operator_trains_no_model_again() -> None:
    plain, other = (render(pipeline({"training": training})) for training in ({}, {"target": "kubeflow"}))
    same = ("pipeline.json", "train/pipeline.json", "dvc.yaml")
    assert [plain[name] for name in same] == [other[name] for name in same]


@pytest.mark.parametrize(
    ("changes", "nodes"),
    [({}, 1), ({"workers": 3}, 3), ({"workers": {"min": 1, "max": 4}}, 4)],
    ids=["alone", "several", "elastic"],
)
def test_there_is_a_node_for_each_worker_of_each_trial(changes: dict[str, Any], nodes: int) -> None:
    for trials, count in ((1, nodes), (2, 2 * nodes)):
        ranged = {"model": {"xgboost": {"max_depth": {"uniform": [3, 9]}}}, "search": {"concurrency": trials}}
        files = render(pipeline({"training": {"target": "kubeflow", **changes}, **ranged}))
        job = one(files, "train", "TrainJob")["spec"]["trainer"]
        runtime = one(files, "train", "TrainingRuntime")["spec"]["mlPolicy"]
        assert job["numNodes"] == runtime["numNodes"] == count


def test_a_stage_that_nothing_can_mend_ends_the_job_and_a_taken_node_does_not_count() -> None:
    taken, hopeless = node(FILES)["podFailurePolicy"]["rules"]
    assert (taken["action"], hopeless["action"]) == ("Ignore", "FailJob")
    assert ExitCode.GATE in hopeless["onExitCodes"]["values"]
    assert ExitCode.TRAINING not in hopeless["onExitCodes"]["values"]
    (container,) = node(FILES)["template"]["spec"]["containers"]
    assert hopeless["onExitCodes"]["containerName"] == container["name"]


def test_the_name_changes_with_what_runs_and_not_with_who_renders_it() -> None:
    names = [
        one(render(pipeline({"training": {"target": "kubeflow", **changes}})), "train", "TrainJob")[
            "metadata"
        ]["name"]
        for changes in ({}, {"retries": 7}, {"gpus": 1}, {})
    ]
    assert len(set(names)) == 3
    assert names[0] == names[-1]
    longest = pipeline({"metadata": {"name": "m" + "x" * 38}, "training": {"target": "kubeflow"}})
    name = one(render(longest), "train", "TrainJob")["metadata"]["name"]
    assert len(f"{name}-node-0-999-abcde") <= 63


def document(files: dict[str, bytes]) -> dict[str, Any]:
    found, _ = yaml.safe_load_all(files[PIPELINE])
    return dict(found)


def test_a_step_runs_what_a_stage_reads_and_behind_what_it_needs() -> None:
    tasks = document(FILES)["root"]["dag"]["tasks"]
    assert list(tasks) == ["prepare", "features", "train", "evaluate", "package", "test"]
    assert tasks["evaluate"]["dependentTasks"] == ["features", "prepare", "train"]
    cached = [name for name, each in tasks.items() if each["cachingOptions"]]
    assert cached == ["features", "train", "evaluate", "package", "test"]
    gated = {"evaluation": {"gates": [{"metric": "roc_auc", "beats": "released"}]}}
    tasks = document(render(pipeline(gated, STORE)))["root"]["dag"]["tasks"]
    assert not tasks["evaluate"]["cachingOptions"], "what is released changes without the recipe"


def recipes(changes: dict[str, Any]) -> dict[str, str]:
    tasks = document(render(pipeline(changes, STORE)))["root"]["dag"]["tasks"]
    return {
        name: each["inputs"]["parameters"]["recipe"]["runtimeValue"]["constant"]
        for name, each in tasks.items()
    }


@pytest.mark.parametrize(
    ("changes", "again"),
    [
        ({"training": {"seed": 7}}, {"train"}),
        ({"serving": {"limits": {"concurrency": 9}}}, {"test"}),
        ({"monitoring": {"runbook": "https://wiki.example.com/other"}}, set()),
        ({"training": {"target": "kubeflow"}}, set()),
        ({"features": [{"standardize": "tenure"}, {"ordinal": "plan"}]}, {"features"}),
    ],
)
def test_the_cache_knows_what_a_stage_reads_and_no_more(changes: dict[str, Any], again: set[str]) -> None:
    before, after = recipes({}), recipes(changes)
    assert {name for name in before if before[name] != after[name]} == again


def test_without_a_store_steps_could_hand_on_nothing() -> None:
    (found,) = (
        each
        for each in findings(pipeline(settings={"pipeline": {"target": "kubeflow"}}), "specs/churn.yaml")
        if each.code == "AM510"
    )
    assert found.file == conventions.SETTINGS_FILE
    assert PIPELINE not in render(pipeline(settings={"pipeline": {"target": "kubeflow"}}))
    assert PIPELINE not in render(pipeline())


def test_a_pod_cannot_be_several_workers() -> None:
    several = pipeline(merged(CHURN, {"training": {"workers": 3}}), STORE)
    told = [each for each in findings(several, "specs/churn.yaml") if each.code == "AM511"]
    assert [each.path for each in told] == [("training", "workers")]
    assert not [each for each in findings(pipeline(settings=STORE), "x") if each.code == "AM511"]
