"""The image is named by the package that dvc.lock records: new rows are a change like any other."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from aimass_compiler.cluster import dvc
from aimass_compiler.conventions import VARIABLE_CACHE, ExitCode
from aimass_compiler.recorded_package import recorded_package
from cli.projects import Project

LOCK = "generated/churn/dvc.lock"
OVERLAY = "generated/churn/overlays/prod/kustomization.yaml"


def recorded(model: str = "1", card: str = "1", *stages: str) -> str:
    """A dvc.lock as DVC writes it after a run that left this package."""
    files = {"model.onnx": model, "signature.json": "2", "reference.json": "3", "MODEL_CARD.md": card}
    lines = ["schema: '2.0'", "stages:", "  package:", "    cmd: aimass-runtime package", "    outs:"]
    for name, md5 in files.items():
        lines += [
            f"    - path: artifacts/churn/package/model/{name}",
            "      hash: md5",
            f"      md5: {md5 * 32}",
        ]
    return "\n".join([*lines, *stages]) + "\n"


def tag(project: Project) -> str:
    (found,) = set(re.findall(r"newTag: (\S+)", (project.root / OVERLAY).read_text()))
    return found


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    monkeypatch.setenv(VARIABLE_CACHE, str(tmp_path_factory.mktemp("cache")))


def tags(project: Project, *locks: str) -> list[str]:
    found = []
    for text in locks:
        project.write(LOCK, text)
        assert project.aimass("compile").code == 0
        found.append(tag(project))
    return found


def test_another_package_is_another_image_and_back_again(compiled: Project) -> None:
    without = tag(compiled)
    first, second, again = tags(compiled, recorded("1"), recorded("4"), recorded("1"))
    assert first == again
    assert len({without, first, second}) == 3


def test_what_serves_nothing_makes_no_other_image(compiled: Project) -> None:
    """The card, which says whose the model is, and what other stages left."""
    other = "  test:\n    cmd: aimass-runtime test"
    assert len(set(tags(compiled, recorded(), recorded(card="5"), recorded("1", "1", other)))) == 1


@pytest.mark.parametrize(
    "text",
    ["", "stages: []\n", "schema: '2.0'\nstages: {package: {outs: [{path: 3}]}}\n", "a: [\n", "- &a [*a]\n"],
)
def test_a_lock_without_a_package_names_none(compiled: Project, text: str) -> None:
    without = tag(compiled)
    assert tags(compiled, text) == [without]


def test_a_package_that_a_merge_left_open_is_none(tmp_path: Path) -> None:
    ours, theirs = recorded("1"), recorded("4")
    (tmp_path / "churn").mkdir()
    lock = tmp_path / "churn/dvc.lock"
    lock.write_text(f"schema: '2.0'\nstages:\n<<<<<<< HEAD\n{ours[23:]}=======\n{theirs[23:]}>>>>>>> more\n")
    assert recorded_package(tmp_path, "churn") == ""
    lock.write_text(ours)
    assert recorded_package(tmp_path, "churn") != ""


def test_a_plan_and_a_check_report_a_run_that_nobody_compiled(compiled: Project) -> None:
    compiled.write("aimass.yaml", "images: {registry: ghcr.io/acme}\n")
    tags(compiled, recorded("1"))
    compiled.write(LOCK, recorded("4"))
    assert compiled.aimass("compile", "--check").code == ExitCode.STALE
    told = compiled.aimass("plan").out
    assert "the image changes from spec-" in told
    assert "the servers in dev, staging and prod are replaced in turn: another image" in told


def ran(monkeypatch: pytest.MonkeyPatch, project: Project, text: str) -> None:
    """Let the next run leave this lock."""

    def reproduce(*_: object, **__: object) -> int:
        project.write(LOCK, text)
        return 0

    monkeypatch.setattr(dvc, "prepare", lambda _: ())
    monkeypatch.setattr(dvc, "reproduce", reproduce)


def test_the_manifests_follow_a_run(compiled: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    before = tag(compiled)
    ran(monkeypatch, compiled, recorded("1"))
    done = compiled.aimass("run", "churn")
    assert "commit generated/churn with its dvc.lock" in done.out
    assert tag(compiled) != before
    assert compiled.aimass("compile", "--check").code == 0
    assert "commit generated/churn" not in compiled.aimass("run", "churn").out


@pytest.mark.parametrize(("before", "code"), [("", 0), (recorded("4"), 0), (recorded("1"), ExitCode.STALE)])
def test_a_locked_run_makes_what_the_lock_records(
    compiled: Project, monkeypatch: pytest.MonkeyPatch, before: str, code: int
) -> None:
    """Where it records anything; and the manifests stay what they are in git."""
    named = tags(compiled, before)[0] if before else tag(compiled)
    ran(monkeypatch, compiled, recorded("4"))
    done = compiled.aimass("run", "churn", "--locked")
    assert done.code == code
    assert ("another package than `generated/churn/dvc.lock` records" in done.err) == bool(code)
    assert tag(compiled) == named


def test_a_clone_without_the_results_names_the_same_image(compiled: Project, tmp_path: Path) -> None:
    (named,) = tags(compiled, recorded("1"))
    shutil.rmtree(compiled.root / "artifacts", ignore_errors=True)
    subprocess.run(["git", "init", "-q"], cwd=compiled.root, check=True)
    assert compiled.aimass("compile", "--check", "--no-cache").code == 0
    assert tag(compiled) == named
