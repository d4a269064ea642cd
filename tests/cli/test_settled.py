"""What did not change since the last compile is not compiled again, and everything that did is."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from aimass_compiler import compile_cache
from aimass_compiler.cli import main
from aimass_compiler.conventions import VARIABLE_CACHE
from cli.projects import SPEC, Project

DVC = "generated/churn/dvc.yaml"


@pytest.fixture
def settled(project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Project:
    """A project that was compiled, and is on record."""
    monkeypatch.setenv(VARIABLE_CACHE, str(tmp_path / "cache"))
    assert project.aimass("compile").code == 0
    assert is_settled(project)
    return project


def is_settled(project: Project) -> bool:
    root = str(project.root)
    return compile_cache.unchanged_files(compile_cache.open_cache(root), root) is not None


def rewritten(path: Path) -> None:
    """The same content in another inode, at another time, as after a fresh checkout."""
    copy = path.with_name("copy")
    shutil.copyfile(path, copy)
    copy.replace(path)


def test_the_answer_is_that_of_the_compiler(settled: Project) -> None:
    for options in ([], ["--check"], ["--dry-run"], ["--diff"]):
        fast = settled.aimass("compile", *options)
        assert settled.aimass("compile", *options, "--no-cache") == fast


def test_nothing_of_the_compiler_is_imported(settled: Project) -> None:
    program = (
        "import sys\nfrom aimass_compiler.cli import main\n"
        "assert main(['compile', '--check']) == 0\n"
        "heavy = {'pydantic', 'yaml', 'argparse', 'pathlib', 'dataclasses', 'aimass_compiler.compile'}\n"
        "assert not heavy & sys.modules.keys(), heavy & sys.modules.keys()\n"
    )
    subprocess.run([sys.executable, "-S", "-c", program], cwd=settled.root, check=True, env=environment())


def environment() -> dict[str, str]:
    """Where the packages are, for a Python that does not look for them by itself."""
    return os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


@pytest.mark.parametrize("path", ["specs/churn.yaml", DVC, "generated/churn/inventory.json"])
def test_the_same_content_at_another_time_is_no_change(settled: Project, path: str) -> None:
    rewritten(settled.root / path)
    assert is_settled(settled)


@pytest.mark.parametrize(
    "change",
    [
        lambda root: (root / "specs/churn.yaml").write_text(SPEC + "\n"),
        lambda root: (root / "specs/other.yaml").write_text(SPEC),
        lambda root: (root / "specs/churn.yaml").rename(root / "specs/churn.yml"),
        lambda root: (root / "specs/churn.yaml").unlink(),
        lambda root: (root / "aimass.yaml").write_text("images: {registry: other.example}\n"),
        lambda root: (root / "aimass.yml").write_text("images: {registry: other.example}\n"),
        lambda root: (root / DVC).write_text("{}\n"),
        lambda root: (root / DVC).unlink(),
        lambda root: (root / DVC).rename(root / "generated/churn/other.yaml"),
        lambda root: (root / "generated/churn/inventory.json").write_text("{}\n"),
        lambda root: (root / "generated/churn/base/.dvc.yaml.partial").write_text("{}\n"),
        lambda root: shutil.rmtree(root / "generated/churn"),
        lambda root: shutil.copytree(root / "generated/churn", root / "generated/old"),
        lambda root: ((root / DVC).rename(root / "moved"), (root / DVC).symlink_to(root / "moved")),
        lambda root: (
            (root / "generated/churn/base").rename(root / "moved"),
            (root / "generated/churn/base").symlink_to(root / "moved"),
        ),
    ],
)  # fmt: skip
def test_any_change_is_compiled(settled: Project, change: object) -> None:
    change(settled.root)  # type: ignore[operator]  # the table above holds functions
    assert not is_settled(settled)


def test_an_edit_by_hand_in_the_same_instant_is_seen(settled: Project) -> None:
    """Of the same length, and with the time of the last change set back."""
    path = settled.root / DVC
    seen = path.stat()
    path.write_bytes(path.read_bytes().replace(b"prepare", b"qrepare", 1))
    os.utime(path, ns=(seen.st_atime_ns, seen.st_mtime_ns))
    assert not is_settled(settled)
    assert "was edited by hand" in settled.aimass("compile").err


def test_a_file_beside_the_generated_ones_is_no_change(settled: Project) -> None:
    (settled.root / "generated/churn/notes.txt").write_text("mine\n")
    assert is_settled(settled)


def test_what_dvc_records_is_no_change(settled: Project) -> None:
    """Which version runs where is said by releases, which compiling does not read either."""
    lock = settled.root / "generated/churn/dvc.lock"
    lock.write_text("schema: '2.0'\n")
    assert is_settled(settled)
    lock.write_text("schema: '2.0'\nstages: {}\n")
    assert is_settled(settled)
    lock.write_text("<<<<<<< ours\n")
    assert not is_settled(settled)


def test_another_compiler_is_another_matter(settled: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compile_cache, "compiler", lambda: "another")
    assert not is_settled(settled)


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[]", b"\xff", b'{"format": 2, "models": 3}', b"[" * 100_000]
)
def test_a_damaged_record_only_costs_time(settled: Project, tmp_path: Path, content: bytes) -> None:
    (record,) = (tmp_path / "cache").iterdir()
    record.write_bytes(content)
    assert not is_settled(settled)
    assert settled.aimass("compile").out.startswith("nothing changes: ")
    assert is_settled(settled)


WARNED = SPEC.replace("limits: {timeout: 3000ms}", "limits: {timeout: 3000ms}\nsearch: {trials: 3}")


def test_a_warning_is_told_each_time_and_nothing_is_compiled_for_it(settled: Project) -> None:
    settled.write("specs/churn.yaml", WARNED)
    first = settled.aimass("compile")
    assert "warning[" in first.err
    root = str(settled.root)
    assert compile_cache.open_cache(root).unchanged(["churn.yaml"])
    for words in (["compile"], ["compile", "--check"], ["compile", "--no-cache"], ["plan"]):
        assert settled.aimass(*words).err == first.err
    found = settled.aimass("compile", "--format", "json").out
    assert settled.aimass("compile", "--format", "json", "--no-cache").out == found
    settled.write("specs/churn.yaml", SPEC)
    assert settled.aimass("compile").err == ""
    assert is_settled(settled)


def test_a_warning_of_many_models_is_told_of_the_first_ones(settled: Project) -> None:
    for number in range(12):
        name = f"m{number:02}"
        settled.write(f"specs/{name}.yaml", WARNED.replace("name: churn", f"name: {name}"))
    for words in (["compile"], ["compile"], ["plan"]):
        told = settled.aimass(*words).err
        assert [told.count(f"specs/m{number:02}.yaml:") for number in range(12)] == [1] * 10 + [0, 0]
        assert "]: 2 more in 2 files\nhelp: `aimass check` shows all of them\n" in told
        assert "\n12 warnings in 12 files;" in told
    assert "specs/m11.yaml:" in settled.aimass("check").err


def test_one_of_two_is_compiled_and_the_other_is_known(settled: Project) -> None:
    settled.write("specs/other.yaml", SPEC.replace("name: churn", "name: other"))
    done = settled.aimass("compile")
    assert done.out.startswith("other is new and trained for the first time\n")
    assert "churn" not in done.out
    assert is_settled(settled)
    settled.write("specs/other.yml", SPEC.replace("name: churn", "name: other"))
    twice = settled.aimass("compile")
    assert (twice.code, twice.out) == (1, "")
    assert "AM208" in twice.err


def test_deleting_a_spec_prunes_beside_what_is_known(settled: Project) -> None:
    settled.write("specs/other.yaml", SPEC.replace("name: churn", "name: other"))
    assert settled.aimass("compile").code == 0
    before = (settled.root / DVC).stat()
    (settled.root / "specs/other.yaml").unlink()
    assert settled.aimass("compile").out.startswith("other is removed\n")
    assert not (settled.root / "generated/other").exists()
    assert (settled.root / DVC).stat() == before


def test_a_home_that_cannot_be_written_is_no_obstacle(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE_CACHE, str(project.root / "specs/churn.yaml/cache"))
    assert main(["compile"]) == 0
    assert main(["compile", "--check"]) == 0
