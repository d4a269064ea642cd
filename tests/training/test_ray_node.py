"""Nodes of a TrainJob make one Ray cluster; the job ends as the command of the first one does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from aimass_compiler.pipeline import node_variables
from scripts.cluster.processes import free_ports

pytestmark = pytest.mark.nightly
COMMAND = """
import os, time
import ray
assert os.environ["RAY_AUTH_MODE"] == "token"
ray.init()
end = time.monotonic() + 120
while ray.cluster_resources().get("CPU", 0) < 4 and time.monotonic() < end:
    time.sleep(0.5)
@ray.remote(num_cpus=1)
def node():
    time.sleep(1)
    return ray.get_runtime_context().get_node_id()
print("nodes:", len(set(ray.get([node.remote() for _ in range(8)]))))
raise SystemExit(12)
"""


def started(index: int, root: Path, port: int, *command: str) -> subprocess.Popen[str]:
    variables = {"JOB_COMPLETION_INDEX": str(index), node_variables.HEAD: "127.0.0.1"}
    node = [sys.executable, "-m", "aimass_compiler.runtime.ray_node", "churn", f"--root={root}"]
    programs = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return subprocess.Popen(
        [*node, "--cpus=2", f"--port={port}", "--", *command],
        env={**os.environ, **variables, node_variables.OWN_ADDRESS: "127.0.0.1", "PATH": programs},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_the_first_runs_the_command_and_the_others_compute_for_it(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    second = started(1, tmp_path, port, "true")
    first = started(0, tmp_path, port, sys.executable, "-c", COMMAND)
    try:
        said, _ = first.communicate(timeout=300)
        assert first.returncode == 12, said
        assert "nodes: 2" in said
        assert second.poll() is None, "it waits for the first node to come back"
    finally:
        second.terminate()
        second.communicate(timeout=60)
    assert second.returncode == 128 + 15
    token = tmp_path / "artifacts/churn/.ray/token"
    assert token.stat().st_mode & 0o077 == 0
