"""A release puts on record what the package reached, and only what its own service test let through."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from aimass_compiler.cluster import dvc, release
from aimass_compiler.pipeline.evaluation import Evaluation, Gate

if TYPE_CHECKING:
    from pathlib import Path

    from cli.projects import Project

FOLDER = "artifacts/churn"
RECORD = "releases/churn/metrics.json"
SIGNATURE: dict[str, Any] = {"format": "aimass.package/v1", "model": "churn", "version": "abc"}
REACHED: dict[str, Any] = {"version": "abc", "trained_at": "2026-01-02T03:04:05Z", "test": {"roc_auc": 0.9}}
PASSED: dict[str, Any] = {"version": "abc", "passed": True}


@pytest.fixture
def packaged(project: Project) -> Project:
    """A project whose model was packaged and passed its test; evaluate has since looked at a worse one."""
    project.write(f"{FOLDER}/package/model/signature.json", json.dumps(SIGNATURE))
    project.write(f"{FOLDER}/package/metrics.json", json.dumps(REACHED))
    project.write(f"{FOLDER}/test/report.json", json.dumps(PASSED))
    project.write(f"{FOLDER}/evaluate/metrics.json", json.dumps({"test": {"roc_auc": 0.1}}))
    return project


def test_what_the_package_reached_is_put_on_record(packaged: Project) -> None:
    answer = packaged.aimass("release", "churn")
    assert (answer.code, answer.err) == (0, "")
    assert answer.out == (
        f"wrote {RECORD}: version abc is the one to beat; commit releases/churn\n"
        "`dvc push` shares its package, which the gate `beats: released` asks about new rows\n"
    )
    assert json.loads((packaged.root / RECORD).read_text()) == REACHED


@pytest.mark.slow
def test_the_package_of_a_release_reaches_every_clone(packaged: Project, tmp_path_factory: Any) -> None:
    """DVC keeps it: it comes back out of its cache, or out of a remote, and else it is told what to do."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    root, package = packaged.root, packaged.root / "releases/churn/package"
    pipeline: Any = SimpleNamespace(
        name="churn", evaluation=Evaluation(gates=(Gate(metric="roc_auc", beats="released"),))
    )
    _run("git", "init", "--quiet", cwd=root)
    assert packaged.aimass("release", "churn").code == 0
    shutil.rmtree(package)
    release.bring(root, pipeline)
    assert json.loads((package / "signature.json").read_text()) == SIGNATURE

    _run(
        sys.executable, "-m", "dvc", "remote", "add", "--default", "there", str(elsewhere / "store"), cwd=root
    )
    _run("git", "add", "releases", ".dvc", cwd=root)
    _run("git", "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "release", cwd=root)
    _run("git", "clone", "--quiet", str(root), str(elsewhere / "clone"), cwd=root)
    clone = elsewhere / "clone"
    with pytest.raises(dvc.DataMissing, match="neither in DVC's cache nor in its remote") as missing:
        release.bring(clone, pipeline)
    assert missing.value.help == "where it was made, share it: `dvc push releases/churn/package.dvc`"
    _run(sys.executable, "-m", "dvc", "push", "--quiet", cwd=root)
    release.bring(clone, pipeline)
    assert json.loads((clone / "releases/churn/package/signature.json").read_text()) == SIGNATURE


def test_nothing_is_fetched_where_no_gate_asks(packaged: Project) -> None:
    packaged.write("releases/churn/package.dvc", "not even a note")
    pipeline: Any = SimpleNamespace(name="churn", evaluation=Evaluation())
    release.bring(packaged.root, pipeline)
    assert not (packaged.root / "releases/churn/package").exists()


def _run(*command: str, cwd: Path) -> None:
    subprocess.run(command, cwd=cwd, check=True, capture_output=True)


@pytest.mark.parametrize(
    ("path", "document", "told"),
    [
        ("test/report.json", None, "version abc of `churn` was not tested"),
        ("test/report.json", "{", "version abc of `churn` was not tested"),
        ("test/report.json", "[]", "version abc of `churn` was not tested"),
        ("test/report.json", '{"version": "old", "passed": true}', "version abc of `churn` was not tested"),
        ("test/report.json", '{"passed": true}', "version abc of `churn` was not tested"),
        ("test/report.json", '{"version": "abc", "passed": false}', "did not pass its test"),
        ("package/metrics.json", None, "does not tell what version abc reached"),
        ("package/metrics.json", '{"version": "old"}', "does not tell what version abc reached"),
        ("package/metrics.json", "\x00", "does not tell what version abc reached"),
    ],
)
def test_what_was_not_tested_or_measured_is_not_released(
    packaged: Project, path: str, document: str | None, told: str
) -> None:
    if document is None:
        (packaged.root / FOLDER / path).unlink()
    else:
        packaged.write(f"{FOLDER}/{path}", document)
    answer = packaged.aimass("release", "churn")
    assert answer.code == 1
    assert told in answer.err
    assert "`aimass run churn`" in answer.err
    assert not (packaged.root / "releases").exists()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": "other"}'])
def test_a_damaged_package_is_named(packaged: Project, text: str) -> None:
    packaged.write(f"{FOLDER}/package/model/signature.json", text)
    answer = packaged.aimass("release", "churn")
    assert answer.code == 2
    assert "signature.json" in answer.err
    assert not (packaged.root / "releases").exists()


@pytest.mark.parametrize("named", [f"{FOLDER}/package/model", "copy", "../other"])
def test_a_folder_is_no_model_to_release(packaged: Project, named: str) -> None:
    packaged.write(f"{named}/signature.json", json.dumps(SIGNATURE))
    answer = packaged.aimass("release", named)
    assert answer.code == 2
    assert answer.err == (
        f"error: `{named}` is a folder, but what is released is a model of this project\n"
        "help: write the model's name\n"
    )
    assert not (packaged.root / "releases").exists()
