"""`aimass image` says how the image is built by what is there, or builds and pushes it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from cli.projects import Project

CONTEXT = "artifacts/churn/package"
IMAGE = "registry.example.com/ml/churn"
DIGEST = f"sha256:{'0' * 64}"
#: Says what it was asked, builds nothing, and pushes by writing a digest.
BUILDAH = f"""\
#!/bin/sh
echo "$SOURCE_DATE_EPOCH $*" >>"$CALLS"
echo "STEP 1/1"
[ "$1" != push ] || printf %s {DIGEST} >"$3"
exit "${{STATUS:-0}}"
"""


@pytest.fixture
def packaged(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project whose model is packaged, where no program builds images."""
    project.write(f"{CONTEXT}/model/signature.json", "{}")
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.chdir(project.root)
    return project


@pytest.fixture
def calls(tmp_path: Path) -> Path:
    """What a buildah was asked that is there now."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "buildah").write_text(BUILDAH)
    (tmp_path / "bin" / "buildah").chmod(0o755)
    return tmp_path / "calls"


def test_the_command_that_builds_it_is_printed_and_not_run(packaged: Project, calls: Path) -> None:
    answer = packaged.aimass("image", "churn", "--pip-conf", "pip.conf")
    assert answer.code == 0
    last = answer.out.splitlines()[-1]
    assert re.fullmatch(
        rf"buildah build --force-rm --layers --timestamp=0 --secret=id=pip,src=pip\.conf "
        rf"--tag {IMAGE}:spec-[0-9a-f]{{12}} {CONTEXT}",
        last,
    )
    assert not calls.exists()
    assert (packaged.root / CONTEXT / "requirements.txt").is_file()


def test_what_was_pushed_is_all_that_standard_output_tells(packaged: Project, calls: Path) -> None:
    packaged.aimass("compile")
    command = [Path(sys.executable).with_name("aimass"), "image", "churn", "--push"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == f"{IMAGE}@{DIGEST}\n"
    *steps, note = done.stderr.splitlines()
    assert steps == ["STEP 1/1", "STEP 1/1"]
    assert re.search(rf"`images: {{digests: {{churn: spec-[0-9a-f]{{12}}@{DIGEST}}}}}`", note)
    build, push = calls.read_text().splitlines()
    assert build.startswith("0 build --force-rm --layers --timestamp=0 --tag ")
    assert push.startswith("0 push --digestfile ")


def test_a_failed_build_is_not_pushed(
    packaged: Project, calls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STATUS", "125")
    answer = packaged.aimass("image", "churn", "--push")
    assert answer.code == 1
    assert "failed with exit code 125" in answer.err
    assert len(calls.read_text().splitlines()) == 1


def test_where_nothing_builds_the_command_is_dockers_and_building_says_what_is_missing(
    packaged: Project,
) -> None:
    printed = packaged.aimass("image", "churn")
    assert (printed.code, printed.out.splitlines()[-1].split()[:2]) == (0, ["docker", "build"])
    assert printed.err.startswith("note: an image is built by `buildah`, `podman` or `docker`")
    built = packaged.aimass("image", "churn", "--build")
    assert built.code == 1
    assert "error: an image is built by `buildah`, `podman` or `docker`, and none of them is" in built.err
