"""A training job gets its files from an object store, and leaves its results there as DVC would."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from harness.s3_server import s3_server

from aimass_compiler.programs.object_store import Store
from aimass_compiler.programs.stored_files import StoreError
from aimass_compiler.render.training.cluster import WORKSPACE
from aimass_compiler.runtime.exchange import left
from aimass_compiler.runtime.exchange import main as exchange

SPEC = """\
apiVersion: aimass/v1
kind: Model
metadata: {name: cells, owner: team@example.com, description: Which half a number is in.}
data:
  sources: {rows: data/rows.csv}
  columns: {x: number, y: {type: category, values: [a, b]}}
target: y
model: logistic_regression
objective: {metric: accuracy}
"""


@pytest.fixture
def folder(tmp_path: Path) -> str:
    """A store that is a folder."""
    return f"file://{tmp_path / 'store'}"


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A store of a server that speaks S3, in another process."""
    with s3_server(tmp_path, monkeypatch) as url:
        yield f"{url}/of/a-team"


@pytest.fixture(params=["folder", pytest.param("server", marks=pytest.mark.nightly)])
def url(request: pytest.FixtureRequest) -> str:
    found: str = request.getfixturevalue(request.param)
    return found


def project(root: Path) -> Path:
    (root / "data").mkdir(parents=True)
    (root / "data" / "rows.csv").write_text("x,y\n1,a\n", encoding="utf-8")
    (root / "data" / "more").mkdir()
    (root / "data" / "more" / "empty.csv").write_bytes(b"")
    return root


def test_files_arrive_as_they_were_sent(url: str, tmp_path: Path) -> None:
    here, there = project(tmp_path / "here"), tmp_path / "there"
    store = Store(url)
    assert store.send("m", "given", here, ["data/rows.csv", "data/more", "data/absent"]) == 8
    assert store.send("m", "given", here, ["data"]) == 0, "they were there"
    assert store.receive("m", "given", there) == ["data/more/empty.csv", "data/rows.csv"]
    assert (there / "data" / "rows.csv").read_text() == "x,y\n1,a\n"
    assert (there / "data" / "more" / "empty.csv").read_bytes() == b""
    (there / "data" / "rows.csv").write_text("spoilt")
    store.receive("m", "given", there)
    assert (there / "data" / "rows.csv").read_text() == "x,y\n1,a\n"
    assert [path.name for path in sorted((there / "data").iterdir())] == ["more", "rows.csv"]


def test_a_file_lies_where_a_dvc_remote_has_it(tmp_path: Path, folder: str) -> None:
    Store(folder).send("m", "given", project(tmp_path / "here"), ["data/rows.csv"])
    digest = hashlib.md5(b"x,y\n1,a\n", usedforsecurity=False).hexdigest()
    assert (tmp_path / "store" / "files" / "md5" / digest[:2] / digest[2:]).read_text() == "x,y\n1,a\n"


def test_other_bytes_under_the_same_name_are_refused(tmp_path: Path, folder: str) -> None:
    Store(folder).send("m", "given", project(tmp_path / "here"), ["data/rows.csv"])
    (stored,) = (path for path in (tmp_path / "store" / "files").rglob("*") if path.is_file())
    stored.write_text("x,y\n2,b\n")
    with pytest.raises(StoreError, match="has other bytes under the name"):
        Store(folder).receive("m", "given", tmp_path / "there")
    assert list((tmp_path / "there" / "data").iterdir()) == []


def test_a_list_that_leads_out_is_refused(tmp_path: Path, folder: str) -> None:
    (tmp_path / "store" / "m").mkdir(parents=True)
    (tmp_path / "store" / "m" / "given.json").write_text(json.dumps({"../out": {"md5": "0" * 32, "size": 1}}))
    with pytest.raises(StoreError, match="leads out of the project"):
        Store(folder).receive("m", "given", tmp_path / "there")


def test_a_store_without_a_list_ends_the_job_with_the_code_of_the_data(
    tmp_path: Path, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exchange(["receive", "m", url, f"--root={tmp_path}"]) == 10
    assert "help: look at the URL" in capsys.readouterr().err


def test_how_far_a_job_is_can_be_read_while_it_runs(url: str) -> None:
    store = Store(url)
    assert store.noted("m") == ""
    store.note("m", "train: step 2/20")
    assert Store(url).noted("m") == "train: step 2/20"


@pytest.mark.parametrize(
    ("line", "seconds", "told"),
    [
        ("step 5/20  train_loss 0.3", 10.0, ", about 30 s left"),
        ("trial 2/8  accuracy 0.9", 300.0, ", about 15 min left"),
        ("step 20/20  train_loss 0.3", 10.0, ", about 0 s left"),
        ("roc_auc 0.9  1.0 s", 10.0, ""),
        ("step 0/20", 10.0, ""),
    ],
)
def test_how_long_a_stage_goes_on(line: str, seconds: float, told: str) -> None:
    assert left(line, seconds) == told


@pytest.mark.pipeline
@pytest.mark.nightly
def test_the_entrypoint_of_the_job_learns_from_the_store_and_leaves_its_results_there(
    server: str, tmp_path: Path
) -> None:
    root, volume = tmp_path / "project", tmp_path / "volume"
    (root / "specs").mkdir(parents=True)
    (root / "data").mkdir()
    rows = "x,y\n" + "".join(f"{n % 97},{'ab'[n % 97 > 48]}\n" for n in range(600))
    (root / "data" / "rows.csv").write_text(rows, encoding="utf-8")
    (root / "specs" / "cells.yaml").write_text(SPEC, encoding="utf-8")
    (root / "aimass.yaml").write_text(f"environments: {{dev: {{store: '{server}'}}}}\n", encoding="utf-8")
    aimass("compile", root)
    Store(server).send("cells", "given", root, ["data/rows.csv"])
    train = root / "generated" / "cells" / "train"
    own = volume / "generated" / "cells"
    own.mkdir(parents=True)
    (own / "pipeline.json").write_bytes((train / "pipeline.json").read_bytes())
    documents = yaml.safe_load_all((train / "job.yaml").read_text(encoding="utf-8"))
    job = next(each for each in documents if each["kind"] == "RayJob")
    command = shlex.split(job["spec"]["entrypoint"].replace(WORKSPACE, str(volume)))
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    programs = {**os.environ, "PATH": path}
    ran = subprocess.run(command, env=programs, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert Store(server).noted("cells").startswith("package")
    Store(server).receive("cells", "results", root)
    model = Path("artifacts") / "cells" / "train" / "model.onnx"
    assert (root / model).read_bytes() == (volume / model).read_bytes()
    assert not (root / "artifacts" / "cells" / "evaluate").exists(), "who submitted the job judges it"


def aimass(command: str, root: Path) -> None:
    code = "import sys; from aimass_compiler.cli import main; sys.exit(main())"
    done: Any = subprocess.run(
        [sys.executable, "-c", code, command, f"--root={root}"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
