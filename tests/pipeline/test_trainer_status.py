"""A run tells Kubeflow Trainer how far it is, over HTTPS with its token, and nothing of that can stop it."""

from __future__ import annotations

import json
import ssl
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread, active_count
from typing import Any

import pytest

from aimass_compiler.runtime import progress, trainer_status
from scripts.cluster import certificates

#: What the schema of a TrainJob lets in.
ALLOWED = {"progressPercentage", "estimatedRemainingSeconds", "metrics", "lastUpdatedTime"}
RUN = """
import sys
from pathlib import Path
from aimass_compiler.runtime import progress, trainer_status
from aimass_compiler.runtime.workspace import Workspace
from aimass_compiler.stages import STAGES
stages = {stage.name: stage for stage in STAGES}
listeners = [trainer_status.listener()]
with progress.reported(stages[sys.argv[1]], Workspace(Path(sys.argv[2]), "churn"), listeners):
    progress.report_step(3, 4, {"roc_auc": 0.912345678, "loss": float("nan"), "other": None})
"""


@dataclass
class Server:
    """What stands where Trainer's status server would."""

    url: str
    folder: Path
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    code: int = 200

    def run(self, stage: str, root: Path, **changes: str) -> subprocess.CompletedProcess[str]:
        variables = {
            "KUBEFLOW_TRAINER_SERVER_URL": self.url,
            "KUBEFLOW_TRAINER_SERVER_CA_CERT": str(self.folder / "ca.crt"),
            "KUBEFLOW_TRAINER_SERVER_TOKEN": str(self.folder / "token"),
            **changes,
        }
        command = [sys.executable, "-c", RUN, stage, str(root)]
        return subprocess.run(command, env=variables, capture_output=True, text=True, check=False)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    authority = certificates.made("status", "status.invalid")
    for name, content in {
        "ca.crt": authority.own.certificate,
        "tls.crt": authority.server.certificate,
        "tls.key": authority.server.key,
        "token": b"of-this-job\n",
    }.items():
        (tmp_path / name).write_bytes(content)

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            found.asked.append((self.headers["authorization"], body))
            self.send_response(found.code)
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            del arguments

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "tls.crt", tmp_path / "tls.key")
    listening.socket = context.wrap_socket(listening.socket, server_side=True)
    found = Server(f"https://127.0.0.1:{listening.server_port}/trainjobs/churn/status", tmp_path)
    Thread(target=listening.serve_forever, daemon=True).start()
    yield found
    listening.shutdown()
    listening.server_close()


def test_a_stage_tells_how_far_it_is_and_what_it_reached(server: Server, tmp_path: Path) -> None:
    done = server.run("train", tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert {token for token, _ in server.asked} == {"Bearer of-this-job"}
    told = [body["trainerStatus"] for _, body in server.asked]
    assert all(set(each) <= ALLOWED for each in told)
    # Trials take what training has of a whole run, from 10 to 80 percent.
    assert told[-1]["progressPercentage"] == 10 + 0.75 * (80 - 10) // 1
    assert told[-1]["metrics"] == [{"name": "roc_auc", "value": "0.912346"}]
    assert len(told) <= 2, "no more than one in five seconds, and the last"


def test_the_last_stage_tells_the_end_with_the_metrics_of_the_test_split(
    server: Server, tmp_path: Path
) -> None:
    path = tmp_path / "artifacts/churn/evaluate/metrics.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"test": {"f1": 0.5, "slices": {}}}), encoding="utf-8")
    assert server.run("package", tmp_path).returncode == 0
    told = server.asked[-1][1]["trainerStatus"]
    assert (told["progressPercentage"], told["estimatedRemainingSeconds"]) == (100, 0)
    assert told["metrics"] == [{"name": "f1", "value": "0.5"}]


@pytest.mark.parametrize(
    ("changes", "code", "said"),
    [
        ({"KUBEFLOW_TRAINER_SERVER_TOKEN": "/nowhere"}, 200, "No such file"),
        ({}, 403, "Forbidden"),
        ({"KUBEFLOW_TRAINER_SERVER_CA_CERT": ""}, 200, "CERTIFICATE_VERIFY_FAILED"),
    ],
)
def test_what_cannot_be_told_is_said_once_and_stops_nothing(
    server: Server, tmp_path: Path, changes: dict[str, str], code: int, said: str
) -> None:
    server.code = code
    done = server.run("train", tmp_path, **changes)
    assert done.returncode == 0
    assert said in done.stderr
    assert done.stderr.count("was not reported") == 1


def test_without_trainer_nothing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBEFLOW_TRAINER_SERVER_URL", raising=False)
    before = active_count()
    assert trainer_status.listener() is None
    progress.report_step(1, 2, {})
    assert active_count() == before
