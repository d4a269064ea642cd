"""Ray Tune searches: what fails is tried again and told, and a search that was killed goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from aimass_compiler.catalog.models.xgboost import Xgboost
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.pipeline.training import Objective, Search, Training
from aimass_compiler.runtime.failure import StageFailure
from aimass_compiler.runtime.training import first_trials
from aimass_compiler.runtime.training.space import Space
from aimass_compiler.runtime.training.trial import Assignment
from aimass_compiler.runtime.training.trial_folders import Outcome, TrialFolders
from tests.training.misbehaving import Misbehaving
from tests.training.projects import CHURN, PRICE, Project

pytestmark = pytest.mark.pipeline
ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def workers_find_the_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


@pytest.fixture(params=["here", pytest.param("by Ray", marks=pytest.mark.nightly)])
def _anywhere(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A search that is soon over, and the same one where Ray runs all of it."""
    if request.param == "by Ray":
        monkeypatch.setattr(first_trials, "CAN_FORK", False)


def misbehaving(**parameters: Any) -> Misbehaving:
    return Misbehaving.model_validate(parameters)


def grid(**more: Any) -> Search:
    return Search(algorithm="grid", concurrency=2, **more)


@pytest.mark.usefixtures("_anywhere")
def test_the_best_trial_becomes_the_model(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    project = Project.make(tmp_path, CHURN)
    model = Xgboost.model_validate(
        {"max_depth": {"choice": [2, 4]}, "learning_rate": {"loguniform": [0.01, 0.5]}, "n_estimators": 60}
    )
    project.train(model, Search(trials=4, concurrency=2))
    told = capfd.readouterr()
    assert told.err == ""
    assert len([line for line in told.out.splitlines() if line.startswith("trial ")]) == 4
    best, found = project.read("best.json"), project.read("trials.json")
    done = [trial for trial in found["trials"] if trial["status"] == "done"]
    assert [trial["id"] for trial in found["trials"]] == [1, 2, 3, 4]
    assert best["value"] == min(trial["value"] for trial in done)
    assert found["totals"]["search_seconds"] > found["totals"]["startup_seconds"] > 0
    (chosen,) = [trial for trial in done if trial["id"] == best["trial"]]
    assert chosen["parameters"].items() <= best["parameters"].items()
    assert project.table("history.csv")
    assert not project.remembers


@pytest.mark.usefixtures("_anywhere")
def test_what_fails_or_dies_is_tried_again_and_told(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    project = Project.make(tmp_path, PRICE)
    kinds = ["never", "always", "once", "dies", "dies once"]
    project.train(misbehaving(fails={"choice": kinds}), grid(), retries=1)
    trials = {trial["parameters"]["fails"]: trial for trial in project.read("trials.json")["trials"]}
    assert {kind: (trials[kind]["status"], trials[kind]["attempts"]) for kind in kinds} == {
        "never": ("done", 1),
        "always": ("failed", 2),
        "once": ("done", 2),
        "dies": ("failed", 2),
        "dies once": ("done", 2),
    }
    assert trials["always"]["error"] == "ValueError: told to fail"
    assert trials["dies"]["error"] == "its process died, perhaps for want of memory"
    told = capfd.readouterr().out
    assert "died and is tried again: ValueError: told to fail" in told
    assert "2 failed" in told


@pytest.mark.nightly  # as tests/pipeline sees it by the whole command
def test_when_every_trial_fails_the_first_reason_is_told(tmp_path: Path) -> None:
    project = Project.make(tmp_path, PRICE)
    with pytest.raises(
        StageFailure, match="every trial failed; the first because of ValueError: told to fail"
    ) as told:
        project.train(
            misbehaving(fails="always", answer={"uniform": [0.0, 1.0]}), Search(trials=2), retries=0
        )
    assert told.value.code == ExitCode.TRAINING
    assert project.results() == []
    assert not project.remembers


@pytest.mark.usefixtures("_anywhere")
def test_trials_that_fall_behind_are_stopped(tmp_path: Path) -> None:
    project = Project.make(tmp_path, PRICE)
    model = misbehaving(answer={"choice": [1.0, 2.0, 3.0, 4.0, 5.0]}, rounds=8)
    project.train(model, Search(algorithm="grid", concurrency=1))
    trials = project.read("trials.json")["trials"]
    assert [trial["status"] for trial in trials] == ["done", *["stopped"] * 4]


def test_ray_goes_on_with_a_search_that_takes_longer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(first_trials, "_LOOK_SECONDS", 0.0)
    monkeypatch.setattr(first_trials, "_WORTH_RAY_SECONDS", 0.0)
    project = Project.make(tmp_path, PRICE)
    project.train(misbehaving(answer={"choice": [1.0, 2.0, 3.0, 4.0]}, seconds=0.5), grid())
    trials = project.read("trials.json")
    assert "trials are left and take longer: starting Ray" in capfd.readouterr().out
    assert [trial["id"] for trial in trials["trials"]] == [1, 2, 3, 4]
    assert {trial["status"] for trial in trials["trials"]} == {"done"}
    assert trials["totals"]["search_seconds"] > trials["totals"]["startup_seconds"] > 0


@pytest.mark.nightly
def test_without_a_scheduler_no_trial_is_stopped(tmp_path: Path) -> None:
    project = Project.make(tmp_path, PRICE)
    model = misbehaving(answer={"choice": [1.0, 2.0, 3.0, 4.0, 5.0]}, rounds=8)
    project.train(model, Search(algorithm="grid", concurrency=1, scheduler="none"))
    assert project.read("trials.json")["totals"]["done"] == 5


def interrupted(project: Project, model: Misbehaving, search: Search, *statuses: str) -> None:
    """Leave what a search leaves when it is killed after trials that ended so, with no time left."""
    assignment = Assignment(
        PRICE, model, Objective(metric=project.metric), Training(), project.workspace.folder("features")
    )
    space = Space.of(model, Training())
    trials = TrialFolders.of(project.workspace, assignment, search)
    for number, (status, draw) in enumerate(zip(statuses, space.combinations(), strict=False), start=1):
        ended = Outcome(number, status, draw, space.values(draw), error="ValueError: told so", at=1e6)  # type: ignore[arg-type]  # a status
        trials.end(ended)


SHORT = Search.model_validate({"algorithm": "grid", "concurrency": 2, "time": "1s"})
TWO = {"choice": [1.0, 2.0]}


def test_a_search_that_goes_on_without_time_still_ends_in_a_model(tmp_path: Path) -> None:
    project = Project.make(tmp_path, PRICE)
    model = misbehaving(answer={"choice": [1.0, 2.0, 3.0, 4.0]})
    interrupted(project, model, SHORT, "stopped", "failed")
    project.train(model, SHORT)
    trials = project.read("trials.json")["trials"]
    assert [trial["status"] for trial in trials] == ["stopped", "failed", "done"]
    assert project.read("best.json")["trial"] == 3


@pytest.mark.parametrize(
    ("statuses", "told"),
    [
        (("stopped", "stopped"), "every trial fell behind another and was stopped"),
        pytest.param(
            ("stopped", "failed"),
            "every trial failed, but for 1 that fell behind; the first because of Value",
            marks=pytest.mark.nightly,
        ),
    ],
)
def test_a_search_in_which_no_trial_was_done_says_why(
    tmp_path: Path, statuses: tuple[str, str], told: str
) -> None:
    project = Project.make(tmp_path, PRICE)
    model = misbehaving(answer=TWO)
    interrupted(project, model, SHORT, *statuses)
    with pytest.raises(StageFailure, match=told) as failure:
        project.train(model, SHORT)
    assert failure.value.code == ExitCode.TRAINING
    assert not project.remembers, "else the next run would only say the same"


PROGRAM = """
import sys
from pathlib import Path
from aimass_compiler.pipeline.training import Search
from tests.training.misbehaving import Misbehaving
from tests.training.projects import PRICE, Project
model = Misbehaving.model_validate({"answer": {"uniform": [0.0, 1.0]}, "seconds": 0.7})
Project(Path(sys.argv[1]), PRICE).train(model, Search(trials=6, concurrency=2))
"""


def started(root: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(root)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ},
    )


def test_a_search_that_was_killed_goes_on(tmp_path: Path) -> None:
    project = Project.make(tmp_path, PRICE)
    with started(tmp_path) as killed:
        assert killed.stdout is not None
        ended = [next(killed.stdout) for _ in range(2)]
        killed.send_signal(signal.SIGKILL)
    assert all(line.startswith("trial ") for line in ended)
    assert project.results() == []
    assert project.remembers
    with started(tmp_path) as again:
        told = again.communicate(timeout=240)[0].splitlines()
    assert again.returncode == 0
    count = int(told[0].removeprefix("going on with a search that was interrupted: ").split()[0])
    assert 2 <= count < 6
    assert len([line for line in told if line.startswith("trial ")]) == 6 - count
    trials = project.read("trials.json")["trials"]
    assert [trial["id"] for trial in trials] == [1, 2, 3, 4, 5, 6]
    assert {trial["status"] for trial in trials} == {"done"}
    assert not {line.split()[1] for line in ended} & {
        line.split()[1] for line in told[1:] if line.startswith("trial ")
    }
    assert not project.remembers
