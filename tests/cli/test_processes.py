"""Several processes write what one does, and tell the same."""

from __future__ import annotations

import os
import shutil
import signal
from typing import Any

import pytest

from aimass_compiler import compile as compiler
from aimass_compiler import generate
from aimass_compiler.generate import parallel
from aimass_compiler.plan import rendered_files
from cli.projects import SPEC, Project

NAMES = ("apple", "banana", "cherry", "damson", "elder")


@pytest.fixture
def many(empty: Project) -> Project:
    """A project with several specs, one of which has a warning."""
    for name in NAMES:
        empty.write(f"specs/{name}.yaml", SPEC.replace("name: churn", f"name: {name}"))
    empty.write("specs/fig.yaml", SPEC.replace("name: churn", "name: fig") + "search: {trials: 3}\n")
    return empty


@pytest.fixture
def three(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three processes, however few specs there are and cores."""
    monkeypatch.setattr(generate, "count_for", three_of)


def three_of(specs: int) -> int:
    return min(3, max(1, specs))


def rename(project: Project, before: str, after: str) -> None:
    """Give a model another name, and its file."""
    project.edit(f"name: {before}", f"name: {after}", f"specs/{before}.yaml")
    (project.root / f"specs/{before}.yaml").rename(project.root / f"specs/{after}.yaml")


def told_and_written(project: Project) -> list[object]:
    """What a new project, an edited one and the first one again are answered, and what lies there then."""
    found: list[object] = [project.aimass("compile", "--no-cache"), project.files()]
    for name in NAMES[:3]:
        rename(project, name, f"new-{name}")
    project.edit("max: 3}", "max: 4}", "specs/damson.yaml")
    found += [project.aimass("compile", "--no-cache", "--diff"), project.files()]
    for name in NAMES[:3]:
        rename(project, f"new-{name}", name)
    project.edit("max: 4}", "max: 3}", "specs/damson.yaml")
    return [*found, project.aimass("compile", "--no-cache"), project.files()]


def test_the_same_files_and_words(many: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = told_and_written(many)
    shutil.rmtree(many.root / "generated")
    monkeypatch.setattr(generate, "count_for", three_of)
    assert told_and_written(many) == alone


@pytest.mark.usefixtures("three")
def test_an_error_in_one_part_writes_nothing_of_another(many: Project) -> None:
    many.edit("charges: number", "charges: numbr", "specs/elder.yaml")
    done = many.aimass("compile")
    assert (done.code, done.out) == (1, "")
    assert "specs/elder.yaml" in done.err
    assert "specs/fig.yaml" in done.err
    assert not (many.root / "generated").exists()


@pytest.mark.usefixtures("three")
def test_an_edit_by_hand_in_one_part_writes_nothing_of_another(many: Project) -> None:
    assert many.aimass("compile").code == 0
    many.write("generated/banana/dvc.yaml", "{}\n")
    many.edit("max: 3}", "max: 4}", "specs/cherry.yaml")
    before = many.files()
    done = many.aimass("compile")
    assert done.code == 1
    assert "AM033" in done.err
    assert many.files() == before


@pytest.mark.usefixtures("three")
def test_what_was_written_side_by_side_is_remembered(many: Project) -> None:
    (many.root / "specs/fig.yaml").unlink()
    assert many.aimass("compile").code == 0
    many.edit("max: 3}", "max: 4}", "specs/cherry.yaml")
    done = many.aimass("compile", "--check")
    assert done.code == 3
    assert "banana" not in done.out


@pytest.mark.usefixtures("three")
def test_a_process_that_is_killed_is_told_of_and_nothing_is_written(
    many: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, compile_spec = os.getpid(), compiler.compile_spec

    def killed(*arguments: Any) -> object:
        if os.getpid() != here:
            os.kill(os.getpid(), signal.SIGKILL)
        return compile_spec(*arguments)

    monkeypatch.setattr(compiler, "compile_spec", killed)
    with pytest.raises(RuntimeError, match="was killed"):
        many.aimass("compile")
    assert not (many.root / "generated").exists()


def test_what_waits_in_a_file_is_what_would_wait_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rendered_files, "_MOST_BYTES", 10)
    models = [{"a/x": b"12345"}, {"b/x": b"123456", "b/y": b""}, {"c/x": b"\x00" * 100}, {"d/x": b"1"}]
    waiting = rendered_files.RenderedFiles()
    for files in models:
        waiting.add(files)
    assert list(waiting) == models
    assert list(waiting) == models


def test_few_specs_are_not_worth_a_process() -> None:
    assert parallel.count_for(0) == 1
    assert parallel.count_for(20) == 1
    assert 1 <= parallel.count_for(1_000_000) <= len(os.sched_getaffinity(0))
