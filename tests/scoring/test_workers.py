"""What the RayJob runs, with its own entrypoint on two nodes of Ray: the same files as one pod leaves."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy
import polars
import pytest
from evaluate.handmade import CHURN, Project
from package.test_package import packaged
from render.files import one
from render.models import pipeline

from aimass_compiler import conventions, training_names
from aimass_compiler.pipeline import node_variables
from aimass_compiler.pipeline.schedule import last_time
from aimass_compiler.programs.stored_files import StoredFiles
from aimass_compiler.render import render
from scripts.cluster.processes import free_ports
from tests.harness.s3_server import s3_server

pytestmark = pytest.mark.nightly
#: Two blocks, so that several workers have some.
ROWS = 900_000
YEARLY = "0 4 1 1 *"


def entrypoint(**places: str) -> list[str]:
    """The RayJob's, with other places."""
    scoring = {
        "source": "s3://lake/new.parquet",
        "into": "s3://lake/scores",
        "schedule": YEARLY,
        "workers": 2,
    }
    files = render(pipeline(overrides={"prod": {"scoring": scoring}}))
    made = json.loads(one(files, "overlays/prod", "ConfigMap")["data"][conventions.ENTRY_JOB])
    command = str(made["spec"]["entrypoint"])
    port = f"--port={training_names.PORT}"
    for place, here in {"/etc/aimass": places["etc"], " /package": f" {places['package']}", port: ""}.items():
        assert place in command
        command = command.replace(place, here)
    python, *arguments = shlex.split(command)
    assert python == "python"
    return [sys.executable, *arguments]


@contextmanager
def second_node(root: Path, port: int) -> Iterator[None]:
    node = started(1, root, port, ["true"])
    try:
        yield
    finally:
        node.terminate()
        node.communicate(timeout=60)


def started(index: int, root: Path, port: int, command: list[str]) -> subprocess.Popen[str]:
    variables = {"JOB_COMPLETION_INDEX": str(index), node_variables.HEAD: "127.0.0.1"}
    programs = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    cores = 2 if index else 0  # as the head has none
    node = [sys.executable, "-m", "aimass_compiler.runtime.ray_node", "churn", f"--root={root}"]
    return subprocess.Popen(
        [*node, f"--cpus={cores}", f"--port={port}", "--", *command],
        env={**os.environ, **variables, node_variables.OWN_ADDRESS: "127.0.0.1", "PATH": programs},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def left(url: str) -> dict[str, bytes]:
    """What lies below a URL, by its path there."""
    files = StoredFiles(url)
    return {each.name: files.read(each.name) for each in files.listed()}


def test_a_cluster_leaves_the_same_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = packaged(Project(tmp_path / "churn", CHURN).make())
    monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
    for name in ("AIMASS_ENGINE", "RAY_ADDRESS", conventions.SCORING_JOB_VARIABLE):
        monkeypatch.delenv(name, raising=False)
    with s3_server(tmp_path, monkeypatch) as store:
        monkeypatch.setenv("NO_PROXY", "*")  # nodes of Ray have an address of the network, too
        monkeypatch.setenv("no_proxy", "*")
        for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "grpc_proxy"):
            monkeypatch.delenv(name, raising=False)
        chance = numpy.random.default_rng(3)
        rows = {"tenure": chance.normal(size=ROWS), "plan": chance.choice(["basic", "plus", "pro"], ROWS)}
        polars.DataFrame({**rows, "note": ["slow"] * ROWS}).write_parquet(tmp_path / "new.parquet")
        StoredFiles(store).upload(tmp_path / "new.parquet", "new.parquet")
        scored: dict[str, Any] = {"source": f"{store}/new.parquet", "schedule": YEARLY}
        commands = {}
        for name in ("alone", "there"):
            folder = tmp_path / name
            folder.mkdir()
            (folder / "scoring.json").write_text(json.dumps({**scored, "into": f"{store}/{name}"}))
            commands[name] = entrypoint(etc=str(folder), package=str(package))
        subprocess.run(commands["alone"], check=True, timeout=300)
        alone = left(f"{store}/alone")
        (port,) = free_ports(1)
        monkeypatch.setenv(conventions.ENGINE_VARIABLE, "ray")
        with second_node(tmp_path, port):
            head = started(0, tmp_path, port, commands["there"])
            said, _ = head.communicate(timeout=300)
            assert head.returncode == 0, said
        there = left(f"{store}/there")
    due = last_time(YEARLY, datetime.now(UTC))
    assert {path.partition("/")[0] for path in there} == {f"run={due:%Y-%m-%dT%H-%MZ}"}
    assert there == alone
    assert len(there) > 2, "or there was no block for a second worker, beside the report"
