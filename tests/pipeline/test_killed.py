"""What is killed at whatever moment leaves earlier results, none, or new ones; the next run succeeds."""

from __future__ import annotations

import io
import json
import re
import signal
import time
from pathlib import Path

import numpy
import onnx
import polars
import pytest

from pipeline.projects import MODEL, SEARCH, STAGES, Project, customers, wait_until

pytestmark = pytest.mark.pipeline

#: Seconds after the first sign that a stage writes; most stages write for a few hundredths.
MOMENTS = (pytest.param(0.0, marks=pytest.mark.nightly), 0.01, pytest.param(0.03, marks=pytest.mark.nightly))
#: Ray's own processes notice within seconds that whom they worked for is gone.
ENDING_SECONDS = 60


def readable(name: str, content: bytes) -> bool:
    """Whether a file is whole; each format fails to be read where its end is missing."""
    if name.endswith((".md", "Dockerfile", ".txt", ".py", ".typed", ".dockerignore")):
        return content.endswith(b"\n") or not content
    {
        ".npy": lambda: numpy.load(io.BytesIO(content)),
        ".onnx": lambda: onnx.checker.check_model(onnx.load_from_string(content)),
        ".parquet": lambda: polars.read_parquet(io.BytesIO(content)),
        ".json": lambda: json.loads(content),
        ".csv": lambda: polars.read_csv(io.BytesIO(content)) if content else None,
    }[name[name.rindex(".") :]]()
    return True


def final(results: dict[str, bytes]) -> dict[str, bytes]:
    """What lies under its final name; temporary names begin with a dot."""
    hidden = re.compile(r"(^|/)\.(?!dockerignore$)")
    return {name: content for name, content in results.items() if not hidden.search(name)}


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize(
    "stage",
    [
        stage if stage in ("features", "train", "package") else pytest.param(stage, marks=pytest.mark.nightly)
        for stage in STAGES
    ],
)
def test_a_killed_stage_leaves_nothing_half_written(project: Project, stage: str, moment: float) -> None:
    before = final(project.results())
    at = written_at(project, stage)
    running = project.start("aimass-runtime", stage, MODEL)
    running.wait_for(lambda: written_at(project, stage) != at)
    time.sleep(moment)
    running.signal(signal.SIGKILL)
    after = final(project.results())
    assert after.keys() in (
        before.keys(),
        {name for name in before if not name.startswith("package/app/")},
    )
    assert all(readable(name, content) for name, content in after.items() if content != before[name])
    done = project.stage(stage)
    assert done.code == 0, done.told
    assert project.results().keys() == before.keys(), "what killed stages left is cleared away"


def is_held(project: Project) -> bool:
    """Whether a process that DVC's lock names is there: DVC counts one that died until it is reaped."""
    lock = project.root / ".dvc" / "tmp" / "rwlock"
    named = re.findall(r'"pid": (\d+)', lock.read_text(encoding="utf-8")) if lock.exists() else []
    return any(Path("/proc", number).exists() for number in named)


def written_at(project: Project, stage: str) -> int:
    """Changes as soon as a stage begins to write: a new name changes its folder."""
    return (project.root / "artifacts" / MODEL / stage).stat().st_mtime_ns


def test_a_killed_run_goes_on_where_it_was(tmp_path: Path) -> None:
    project = Project.make(tmp_path, SEARCH)
    running = project.start("aimass", "run", MODEL)
    running.wait_for(lambda: "trial 3/" in running.said())
    running.signal(signal.SIGKILL)
    wait_until(lambda: not project.processes() and not is_held(project), ENDING_SECONDS)
    assert not any(name.startswith("train/") for name in final(project.results()))
    again = project.aimass("run", MODEL, "--until", "train")
    assert again.code == 0, again.told
    assert again.stages == ["train"]
    assert "going on with a search that was interrupted" in again.out
    assert "RWLock" not in again.out, "what DVC mends by itself is no news"


@pytest.mark.parametrize(
    "moment", [pytest.param("▸ prepare", marks=pytest.mark.nightly), "trial 1/", "▸ test"]
)
def test_an_interrupted_run_ends_quietly_with_all_that_it_started(project: Project, moment: str) -> None:
    if "trial" in moment:
        project.write(f"specs/{MODEL}.yaml", SEARCH)
    else:
        project.edit("rps: 2", "rps: 3")
    if "prepare" in moment:
        project.write("data/customers.csv", customers(220))
    running = project.start("aimass", "run", MODEL)
    running.wait_for(lambda: moment in running.said())
    if "test" in moment:
        running.wait_for(lambda: bool(project.processes("runtime.server")))
    done = running.signal(signal.SIGINT)
    assert project.processes() == []
    assert done.code == 130
    assert done.is_clear, done.out
    assert done.out.endswith("interrupted\n")
