"""Prometheus asks a process that trains how far it is, and nothing of that can stop the run."""

from __future__ import annotations

import socket
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from aimass_compiler import training_names as names
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.runtime import progress, training_metrics
from aimass_compiler.runtime.__main__ import main
from aimass_compiler.runtime.training_metrics import TrainingMetrics, memory_of_group
from aimass_compiler.runtime.workspace import Workspace
from aimass_compiler.stages import STAGES

TRAIN = next(stage for stage in STAGES if stage.name == "train")


@pytest.fixture
def port(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        number: int = found.getsockname()[1]
    monkeypatch.setenv(names.VARIABLE_PORT, str(number))
    return number


def asked(port: int) -> dict[tuple[str, ...], float]:
    """The samples by name and by what their labels say beside model and stage."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        families = text_string_to_metric_families(answer.read().decode())
    return {
        (
            each.name,
            *(value for key, value in each.labels.items() if key not in ("model", "stage")),
        ): each.value
        for family in families
        for each in family.samples
        if each.name.startswith("aimass_")
    }


def shown(stage: str) -> TrainingMetrics:
    found = training_metrics.listener("growth/churn", stage)
    assert found is not None
    return found


def test_trials_are_counted_with_the_best_value_and_when_it_went_on(port: int, tmp_path: Path) -> None:
    with progress.reported(TRAIN, Workspace(tmp_path, "growth/churn"), [shown("train")]):
        before = asked(port)
        assert (before[names.SHARE,], before[names.PATIENCE,]) == (0.1, 6 * 3600)
        assert (names.TOTAL, "trial") not in before
        progress.report_step(3, 4, {"roc_auc": 0.9, "nothing": None, "odd": float("nan")}, "trial")
        told = asked(port)
    assert told[names.SHARE,] == pytest.approx(0.1 + 0.75 * 0.7)
    assert (told[names.DONE, "trial"], told[names.TOTAL, "trial"]) == (3, 4)
    assert [key for key in told if key[0] == names.METRIC] == [(names.METRIC, "roc_auc")]
    assert told[names.PATIENCE,] == 1800, "from now on the longest wait decides"
    assert told[names.PROGRESSED,] >= before[names.PROGRESSED,] >= before[names.BEGAN,]
    assert 0 <= told[names.REMAINING,] < 60


def test_a_run_that_was_followed_stays_until_it_was_asked_how_it_ended(port: int) -> None:
    found = shown("evaluate")
    asked(port)
    ends = threading.Thread(target=found.end, args=(ExitCode.GATE,))
    ends.start()
    time.sleep(0.2)
    assert ends.is_alive()
    told = asked(port)
    ends.join(5)
    assert not ends.is_alive()
    assert [key for key in told if key[0] == names.ENDED] == [(names.ENDED, "gate")]


@pytest.mark.parametrize(("stage", "code"), [("package", ExitCode.DONE), ("train", ExitCode.TRAINING)])
def test_a_run_that_no_one_follows_waits_for_no_one(port: int, stage: str, code: ExitCode) -> None:
    assert port
    began = time.monotonic()
    shown(stage).end(code)
    assert time.monotonic() - began < 5


def test_a_stage_in_the_middle_tells_no_end(port: int) -> None:
    found = shown("features")
    asked(port)
    found.end(ExitCode.DONE)
    assert not [key for key in asked(port) if key[0] == names.ENDED]


def test_a_port_that_is_taken_is_said_and_the_stage_goes_on(
    port: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", port)):
        code = main(["train", "churn", "--root", str(tmp_path)])
    said = capsys.readouterr().err
    assert "Prometheus cannot follow the run" in said
    assert code == ExitCode.USAGE
    assert "pipeline.json" in said, "it went on to its recipe"


def test_without_the_variable_nothing_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(names.VARIABLE_PORT, raising=False)
    assert training_metrics.listener("churn", "train") is None


def test_memory_is_what_the_kubelet_counts(tmp_path: Path) -> None:
    for name, content in {
        "memory.max": "1000\n",
        "memory.current": "700\n",
        "memory.stat": "anon 300\ninactive_file 250\n",
    }.items():
        (tmp_path / name).write_text(content)
    assert memory_of_group(tmp_path) == (450, 1000)
    (tmp_path / "memory.max").write_text("max\n")
    assert memory_of_group(tmp_path) is None
    assert memory_of_group(tmp_path / "nowhere") is None
