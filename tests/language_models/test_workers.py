"""Two workers that fine-tune one model together take the steps of one, and one that dies is replaced."""

from __future__ import annotations

from pathlib import Path

import numpy
import pytest

from aimass_compiler.catalog.models.language_model import LanguageModel
from aimass_compiler.catalog.task import Task
from aimass_compiler.pipeline.evaluation import Retraining
from aimass_compiler.pipeline.training import Objective, Search, Training
from aimass_compiler.runtime.examples import write_examples
from aimass_compiler.runtime.stages import train
from aimass_compiler.runtime.training.trial_folders import TrialFolders
from aimass_compiler.runtime.workspace import Workspace, write_json
from tests.harness.tiny_language_model import tiny
from tests.training.mortal import MortalLanguageModel

pytestmark = pytest.mark.nightly
REPOSITORY = Path(__file__).parents[2]
#: Five rows a step, of which one worker has three and the other two.
HOW = {"epochs": 4, "batch_size": 5, "early_stopping": 0, "gradient_accumulation": 2}


@pytest.fixture(autouse=True)
def workers_find_the_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    monkeypatch.delenv("RAY_ADDRESS", raising=False)


def losses(root: Path, kind: type[LanguageModel], workers: int) -> numpy.ndarray:
    """Of each epoch, the losses of train and validation."""
    base = root / "models" / "base"
    tiny(base)
    model = kind.model_validate({"base": {"path": "models/base"}, "sequence_length": 12})
    chance = numpy.random.default_rng(0)
    rows = numpy.zeros((23, 12, 2), numpy.int32)
    rows[..., 0] = chance.integers(5, 100, rows.shape[:2])
    rows[..., 1] = numpy.where(numpy.arange(12) < chance.integers(2, 9, 23)[:, None], -1, 1)
    workspace = Workspace(root, "desk")
    for split in ("train", "validation"):
        write_examples(workspace.folder("features"), split, rows, numpy.zeros(23, numpy.int64))
    described = {"names": [], "shape": [12, 2], "accepts": "conversation"}
    write_json(workspace.path("features/features.json"), described)
    task = Task(kind="generation", target="answer", conversation=model.conversation(["prompt"]))
    training = Training.model_validate({**HOW, "workers": workers})
    train.run(
        task, model, Objective(metric="perplexity"), Search(), training, Retraining(), workspace=workspace
    )
    return numpy.loadtxt(workspace.path("train/history.csv"), delimiter=",", skiprows=1)[:, 1:]


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> numpy.ndarray:
    """What one worker learns."""
    return losses(tmp_path_factory.mktemp("one"), LanguageModel, 1)


def test_two_workers_follow_the_losses_of_one(alone: numpy.ndarray, tmp_path: Path) -> None:
    assert len(alone) == HOW["epochs"]
    numpy.testing.assert_allclose(losses(tmp_path, LanguageModel, 2), alone, rtol=1e-4)


def test_a_worker_that_is_killed_is_replaced_and_training_goes_on(
    alone: numpy.ndarray,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    kept = dict[str, str]()

    def note(trials: TrialFolders) -> None:
        kept.update({name: trials.path(1, name).read_text() for name in ("died", "went_on")})

    monkeypatch.setattr(TrialFolders, "remove", note)
    found = losses(tmp_path, MortalLanguageModel, 2)
    assert "training goes on from its last checkpoint with 2 workers" in capsys.readouterr().out
    assert kept == {"died": "", "went_on": "True"}
    numpy.testing.assert_allclose(found, alone, rtol=1e-4)
