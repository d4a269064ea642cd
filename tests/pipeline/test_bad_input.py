"""What is wrong is said without a traceback and with its exit code, and earlier results stay."""

from __future__ import annotations

import os
import resource
import signal
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from aimass_compiler.stages import artifacts
from pipeline.projects import MODEL, SEARCH, STAGES, Project, customers

pytestmark = pytest.mark.pipeline

GOOD = customers(200)
ABSENT = "`charges` is declared but the data has no such column"
TOO_OLD = "`age` holds 1 value above the maximum 120"
SMALLEST_FILE_BYTES = 100


def rows(change: Callable[[list[str]], list[str]]) -> str:
    """The good data with its lines changed."""
    return "\n".join(change(GOOD.splitlines())) + "\n"


#: What is in the data file → what is said of it. The first two go through DVC, as people run it.
BAD_DATA = {
    "there is none": (None, "there is no file data/customers.csv"),
    "a value is out of bounds": (rows(lambda all_: [*all_, "999,50,pro,no"]), TOO_OLD),
    "it is empty": ("", "data/customers.csv: the file is empty"),
    "it is no text": ("a,b\n\udcff\udcfe,1\n", "line 2 is not UTF-8 (byte 0xff)"),
    "a column changed": (GOOD.replace("charges", "fees"), ABSENT),
    "a value is no number": (rows(lambda all_: [*all_, "old,50,pro,no"]), "`age`"),
    "there is one class": (GOOD.replace(",yes", ",no"), "`churned` is always `no`"),
    "a split is empty": (rows(lambda all_: all_[:3]), "the test split is empty"),
    "there is only a header": (rows(lambda all_: all_[:1]), "no row"),
}  # fmt: skip
THROUGH_DVC = list(BAD_DATA.values())[:2]


@pytest.mark.parametrize("bad", BAD_DATA.values(), ids=BAD_DATA)
def test_bad_data_is_told(project: Project, bad: tuple[str | None, str]) -> None:
    content, told = bad
    before = project.results()
    data = project.root / "data" / "customers.csv"
    data.unlink()
    if content is not None:
        data.write_bytes(content.encode("utf-8", "surrogateescape"))
    done = project.aimass("run", MODEL) if bad in THROUGH_DVC else project.stage("prepare")
    assert done.code == 10, done.told
    assert told in done.told
    assert done.is_clear
    assert "metrics:" not in done.out, "those would be of the run before"
    after = project.results()
    assert {name for name in before if after.get(name) != before[name]} <= {
        name for name in before if name.startswith("prepare/") or name == artifacts.REPORT
    }


def test_mended_data_is_restored(project: Project) -> None:
    before = project.results()
    project.write("data/customers.csv", "nothing")
    assert project.aimass("run", MODEL).code == 10
    project.write("data/customers.csv", GOOD)
    done = project.aimass("run", MODEL)
    assert (done.code, done.stages) == (0, [])
    assert project.results() == before


def test_a_missed_gate_stops_before_the_package(project: Project) -> None:
    before = project.results()
    project.edit("min: 0.6}", "min: 0.999}")
    done = project.aimass("run", MODEL)
    assert done.code == 12
    assert done.stages == ["evaluate"]
    assert "but the gate asks for min 0.999" in done.out
    assert "✗ roc_auc min 0.999" in done.out
    assert done.is_clear
    assert project.report("evaluate/verdict.json")["gates"][0]["passed"] is False
    after = project.results()
    kept = [name for name in before if name.startswith(("package/", "test/", "train/"))]
    assert [after.get(name) for name in kept] == [before[name] for name in kept]
    assert project.aimass("predict", MODEL, "--example").code == 0, "the released model goes on answering"


def test_a_search_in_which_every_trial_fails(project: Project) -> None:
    before = project.results()
    few = SEARCH.replace("trials: 30", "trials: 2")
    project.write(f"specs/{MODEL}.yaml", few)
    project.write("broken/sklearn/linear_model.py", "raise RuntimeError('this build is broken')\n")
    project.write("broken/sklearn/__init__.py", "")
    done = project.aimass("run", MODEL, variables=project.shadowing("broken"))
    assert done.code == 11, done.told
    assert "every trial failed; the first because of RuntimeError: this build is broken" in done.out
    assert done.is_clear
    assert project.results()["package/model/model.onnx"] == before["package/model/model.onnx"]


@pytest.mark.parametrize(
    "stage",
    [
        stage if stage in ("prepare", "package") else pytest.param(stage, marks=pytest.mark.nightly)
        for stage in STAGES
    ],
)
def test_a_full_disk_leaves_what_was_there(project: Project, stage: str) -> None:
    before = project.results()
    done = project.stage(stage, preexec_fn=only_small_files)
    assert done.code == 14, done.told
    assert f"{stage}: {project.root}/artifacts/{MODEL}/" in done.err
    assert "could not be read or written" in done.err
    assert done.is_clear
    assert project.results() == before


def only_small_files() -> None:
    """A full disk for a process that may do everything."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (SMALLEST_FILE_BYTES, SMALLEST_FILE_BYTES))


def test_a_full_disk_stops_a_run(project: Project) -> None:
    project.edit("l2: 1.0", "l2: 0.5")
    project.aimass("compile")
    done = project.aimass("run", MODEL, preexec_fn=only_small_files)
    assert done.code == 14, done.told
    assert done.is_clear
    assert project.aimass("run", MODEL, "--until", "train").code == 0


def test_a_stage_that_the_system_kills(project: Project) -> None:
    project.edit("l2: 1.0", "l2: 0.5")
    running = project.start("aimass", "run", MODEL)
    running.wait_for(lambda: "▸ train" in running.said())
    for process in project.processes(f"aimass-runtime train {MODEL}"):
        os.kill(process, signal.SIGKILL)
    done = running.end()
    assert done.code == 1, done.out
    assert "error: the stage was killed by signal 9" in done.out
    assert done.is_clear


def test_a_port_that_is_taken(project: Project) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = project.aimass("serve", MODEL, "--port", str(taken.getsockname()[1]))
    assert done.code == 16, done.told
    assert "Address already in use; choose another with --host and --port" in done.err
    assert done.is_clear


def test_a_package_that_is_damaged(project: Project) -> None:
    (project.root / "artifacts" / MODEL / "package" / "model" / "model.onnx").write_bytes(b"half")
    served, asked = (
        project.aimass("serve", MODEL, "--port", "0"),
        project.aimass("predict", MODEL, "--example"),
    )
    assert (served.code, asked.code) == (15, 1)
    assert "model.onnx" in served.err
    assert "model.onnx" in asked.err
    assert served.is_clear
    assert asked.is_clear


@pytest.mark.parametrize("command", ["serve churn", "predict churn --example", "soak churn"])
def test_nothing_was_run_yet(tmp_path: Path, command: str) -> None:
    done = Project.make(tmp_path).aimass(*command.split())
    assert done.code == 2
    assert done.err == "error: `churn` has no package yet\nhelp: `aimass run churn` makes one\n"


@pytest.mark.parametrize("command", ["compile", "plan", "run churn", "explain churn"])
def test_there_is_no_spec(tmp_path: Path, command: str) -> None:
    done = Project(tmp_path).aimass(*command.split())
    assert done.code == 2
    assert done.err.startswith(f"error: there is no spec in {tmp_path}/specs\nhelp: begin with `aimass init")


@pytest.mark.parametrize("command", ["compile", "plan", "run", "explain"])
def test_a_spec_outside_of_the_project(tmp_path: Path, command: str) -> None:
    project = Project.make(tmp_path / "inside")
    Project.make(tmp_path / "outside")
    done = project.aimass(command, "../outside/specs/churn.yaml")
    assert done.code == 2
    assert "../outside/specs/churn.yaml lies outside of the project" in done.err
    assert not (project.root / "generated").exists()


def test_two_compilers_at_once(tmp_path: Path) -> None:
    project = Project.make(tmp_path)
    running = [project.start("aimass", "compile") for _ in range(4)]
    ended = [each.end() for each in running]
    assert [done.code for done in ended] == [0] * 4, "".join(done.out for done in ended)
    assert project.aimass("compile", "--check").code == 0


def test_a_second_run_waits_for_the_first(project: Project) -> None:
    project.edit("l2: 1.0", "l2: 0.5")
    first = project.start("aimass", "run", MODEL, "--until", "train")
    first.wait_for(lambda: "▸ train" in first.said())
    second = project.aimass("run", MODEL, "--until", "train")
    assert "another run of `churn` goes on; waiting for it" in second.out
    assert (first.end().code, second.code, second.stages) == (0, 0, [])


def test_generated_files_that_were_edited_are_left_alone(project: Project) -> None:
    for name in ("dvc.yaml", "pipeline.json"):
        edited = project.read(f"generated/{MODEL}/{name}") + " "
        project.write(f"generated/{MODEL}/{name}", edited)
    for command in (["compile"], ["run", MODEL]):
        done = project.aimass(*command)
        assert done.code == 1
        assert done.err.count("was edited by hand") == 2
        assert "or give it up with `aimass compile --force`" in done.err
        assert done.is_clear
    assert project.read(f"generated/{MODEL}/pipeline.json") == edited
    assert project.aimass("compile", "--force").code == 0
    assert project.aimass("run", MODEL).stages == []


def test_a_pipeline_file_that_is_missing_is_made_again(project: Project) -> None:
    (project.root / "generated" / MODEL / "pipeline.json").unlink()
    done = project.stage("train")
    assert done.code == 2
    assert "compile the spec first: `aimass compile`" in done.err
    assert done.is_clear
    assert project.aimass("run", MODEL).stages == []


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("aimass.pipeline/v1", "aimass.pipeline/v9", "this version reads `aimass.pipeline/v1`"),
        ('"l2": 1.0', '"l2": "much"', "model"),
        ('"l2": 1.0', '"l2": }', "cannot be read"),
    ],
)  # fmt: skip
def test_a_pipeline_file_that_no_compiler_wrote(project: Project, before: str, after: str, told: str) -> None:
    project.edit(before, after, f"generated/{MODEL}/pipeline.json")
    done = project.stage("train")
    assert done.code == 2, done.told
    assert told in done.err
    assert "compile the spec again" in done.err
    assert done.is_clear


def test_dvc_is_not_installed(tmp_path: Path) -> None:
    project = Project.make(tmp_path)
    project.write("without/dvc/__init__.py", "")
    done = project.aimass("run", MODEL, variables=project.shadowing("without"))
    assert done.code == 2
    assert done.err.endswith(
        "\nerror: DVC is not installed\nhelp: `pip install 'aimass-compiler[run]'` brings it\n"
    )


def test_a_stage_whose_libraries_are_not_installed(project: Project) -> None:
    project.write("without/polars.py", "raise ModuleNotFoundError('no', name='polars')\n")
    done = project.stage("prepare", variables=project.shadowing("without"))
    assert done.code == 2
    assert done.err == (
        "prepare: polars is not installed\n"
        "  help: `pip install 'aimass-compiler[run]'` brings what stages need\n"
    )


def test_dvc_cannot_write(project: Project) -> None:
    lock = project.root / ".dvc" / "tmp" / "lock"
    lock.unlink(missing_ok=True)
    lock.mkdir()
    done = project.aimass("run", MODEL, "--force")
    assert done.code == 14, done.told
    assert "error: DVC could not read or write .dvc/tmp/lock: Is a directory\n" in done.err
    assert done.is_clear


def test_what_dvc_noted_was_cut_off(project: Project) -> None:
    project.write(".dvc/tmp/rwlock", '{"artifacts/churn/prep')
    done = project.aimass("run", MODEL, "--force")
    assert done.code == 1, done.told
    assert "error: .dvc/tmp/rwlock, DVC's own note of what it works on, was cut off" in done.err
    assert "help: delete it where no DVC is at work, then run again" in done.err
    assert done.is_clear


def test_dvc_at_work_by_hand(project: Project) -> None:
    project.edit("l2: 1.0", "l2: 0.5")
    project.aimass("compile")
    by_hand = project.start("dvc", "repro", f"generated/{MODEL}/dvc.yaml")
    by_hand.wait_for(lambda: "Running stage" in by_hand.said())
    done = project.aimass("run", MODEL)
    assert done.code == 1, done.told
    assert "another DVC is at work on the same files" in done.err
    assert by_hand.end().code == 0
    assert project.aimass("run", MODEL).stages == []
