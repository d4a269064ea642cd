"""Several workers that train one model together learn what one learns, and one that dies is replaced."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy
import pytest

from aimass_compiler.catalog.examples import Examples
from aimass_compiler.catalog.models.lightgbm import Lightgbm
from aimass_compiler.catalog.models.mlp import Mlp
from aimass_compiler.catalog.models.xgboost import Xgboost
from aimass_compiler.catalog.share import Share
from aimass_compiler.pipeline.training import Search, WorkerRange
from aimass_compiler.runtime.training.trial_folders import TrialFolders
from aimass_compiler.runtime.training.workers import reason_of
from tests.training.mortal import MortalLightgbm, MortalMlp, MortalXgboost
from tests.training.projects import CHURN, PRICE, Project

if TYPE_CHECKING:
    from aimass_compiler.catalog.model import Model

ROOT = Path(__file__).parents[2]
NETWORK = {"hidden": [8], "dropout": 0.0}
TREES = {"n_estimators": 20, "max_depth": 3}
#: A last batch of 300 % 37 = 4 rows, of which four workers have one each.
EPOCHS = {"epochs": 4, "batch_size": 37, "early_stopping": 0}


@pytest.fixture(autouse=True)
def workers_find_the_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.delenv("RAY_ADDRESS", raising=False)


@pytest.mark.parametrize("size", [1, 2, 3, 7])
@pytest.mark.parametrize("count", [0, 2, 300, 50_000])
def test_every_row_is_the_share_of_one_worker(size: int, count: int) -> None:
    shares = [Share(rank, size).of_rows(count) for rank in range(size)]
    assert sorted(numpy.concatenate(shares)) == list(range(count))
    batch = numpy.arange(count)[::-1]
    assert sorted(numpy.concatenate([Share(rank, size).of_batch(batch) for rank in range(size)])) == list(
        range(count)
    )


@pytest.mark.parametrize("size", [2, 3, 7])
def test_every_worker_has_rows_of_all_times(size: int) -> None:
    for rank in range(size):
        own = Share(rank, size).of_rows(10_000)
        assert abs(len(own) - 10_000 / size) <= 1024
        assert own.min() < 2500
        assert own.max() >= 7500


def test_alone_a_worker_has_the_rows_as_they_are() -> None:
    rows = Examples(numpy.zeros((4, 2), numpy.float32), numpy.zeros(4))
    assert Share().of(rows) is rows


def losses(project: Project) -> numpy.ndarray:
    """Of each step, the losses of train and validation."""
    return numpy.array(
        [
            [float(row["train_loss"]), float(row["validation_loss"])]
            for row in sorted(project.table("history.csv"), key=lambda row: int(row["step"]))
        ]
    )


def trained(root: Path, model: Model, *, task: Any = PRICE, **training: Any) -> Project:
    root.mkdir()
    project = Project.make(root, task)
    project.train(model, **training)
    return project


@pytest.mark.pipeline
def test_why_workers_failed_is_told_in_a_line() -> None:
    from ray.exceptions import RayActorError
    from ray.train import ControllerError, WorkerGroupError
    from ray.train.v2._internal.exceptions import WorkerHealthCheckFailedError

    died = WorkerHealthCheckFailedError("A worker health check failed.", RayActorError())
    assert reason_of(WorkerGroupError("many\nlines", {1: died})) == "workers died, perhaps for want of memory"
    wrong = MemoryError("Traceback\n  File x\nMemoryError: 3 GiB")
    assert reason_of(WorkerGroupError("many\nlines", {0: wrong})) == "workers failed: MemoryError: 3 GiB"
    assert reason_of(ControllerError(OSError("no room"))).endswith("no room")


@pytest.mark.pipeline
def test_two_workers_follow_the_losses_of_one(tmp_path: Path) -> None:
    network = Mlp.model_validate(NETWORK)
    one = trained(tmp_path / "one", network, **EPOCHS)
    two = trained(tmp_path / "two", network, workers=2, **EPOCHS)
    numpy.testing.assert_allclose(losses(two), losses(one), rtol=1e-4)
    assert two.read("best.json")["value"] == pytest.approx(one.read("best.json")["value"], rel=1e-4)
    assert not two.remembers


@pytest.mark.nightly
@pytest.mark.parametrize(("kind", "near"), [(Xgboost, 0.02), (Lightgbm, 0.1)])
def test_trees_of_two_workers_follow_the_losses_of_one(
    kind: type[Model], near: float, tmp_path: Path
) -> None:
    trees = kind.model_validate(TREES)
    one = trained(tmp_path / "one", trees, task=CHURN)
    two = trained(tmp_path / "two", trees, task=CHURN, workers=2)
    steps = min(len(losses(one)), len(losses(two)))
    assert steps > 10
    numpy.testing.assert_allclose(losses(two)[:steps, 1], losses(one)[:steps, 1], rtol=near)


@pytest.mark.nightly
@pytest.mark.parametrize(
    "mortal",
    [
        MortalMlp.model_validate(NETWORK),
        MortalXgboost.model_validate(TREES),
        MortalLightgbm.model_validate(TREES),
    ],
    ids=lambda model: type(model).__name__,
)
@pytest.mark.parametrize("workers", [2, WorkerRange(min=1, max=2)], ids=["two", "one or two"])
def test_a_worker_that_is_killed_is_replaced_and_training_goes_on(
    mortal: Model,
    workers: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    kept = dict[str, str]()

    def note(trials: TrialFolders) -> None:
        kept.update({name: trials.path(1, name).read_text() for name in ("died", "went_on")})

    monkeypatch.setattr(TrialFolders, "remove", note)
    project = trained(tmp_path / "killed", mortal, workers=workers, **EPOCHS)
    told = capsys.readouterr().out
    assert "training goes on from its last checkpoint with" in told
    assert kept == {"died": "", "went_on": "True"}
    monkeypatch.undo()
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    (whole,) = [kind for kind in type(mortal).__mro__ if kind in (Mlp, Xgboost, Lightgbm)]
    undisturbed = trained(tmp_path / "whole", whole.model_validate(mortal.model_dump()), workers=2, **EPOCHS)
    assert len(losses(project)) == len(losses(undisturbed))
    numpy.testing.assert_allclose(losses(project)[:, 1], losses(undisturbed)[:, 1], rtol=0.05)


@pytest.mark.nightly
def test_each_trial_of_a_search_has_its_workers(tmp_path: Path) -> None:
    project = Project.make(tmp_path, PRICE)
    model = Mlp.model_validate(NETWORK | {"hidden": {"choice": [[4], [8]]}})
    project.train(model, Search(algorithm="grid", concurrency=2, scheduler="none"), workers=2, **EPOCHS)
    trials = project.read("trials.json")["trials"]
    assert [trial["status"] for trial in trials] == ["done", "done"]
    best = min(trial["value"] for trial in trials)
    assert project.read("best.json")["value"] == best


@pytest.mark.nightly
def test_a_loss_that_is_no_number_is_told_as_of_one_worker(tmp_path: Path) -> None:
    from aimass_compiler.runtime.failure import StageFailure

    project = Project.make(tmp_path, PRICE)
    with pytest.raises(StageFailure, match="lower the learning rate"):
        project.train(Mlp.model_validate(NETWORK), workers=2, optimizer=fast(), **EPOCHS)


def fast() -> Any:
    """An optimizer whose steps are far too long."""
    from aimass_compiler.catalog.optimizers.sgd import Sgd

    return Sgd.model_validate({"learning_rate": 100, "momentum": 0.99})
