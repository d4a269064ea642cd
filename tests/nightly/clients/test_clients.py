"""The protocol's own clients and a fuzzer of OpenAPI documents, against one real server."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from language_server.asking import packaged, serving_text
from server import packages
from server.serving import HOST, Server, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[3]
#: `make clients` makes it: kserve's SDK alone has a hundred dependencies, which are not those of our tests.
PROGRAMS = ROOT / "build" / "clients-venv" / "bin"
pytestmark = pytest.mark.skipif(not PROGRAMS.exists(), reason="`make clients` installs the clients")
#: JSON Schema has no words for a shape that fits its data, so that what fits the schema may be refused.
NOT_CHECKED = "positive_data_acceptance,unsupported_method"


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    package = packages.churn(tmp_path_factory.mktemp("clients") / "churn")
    with serving(package, "--grpc-port=0") as server:
        yield server


def test_tritonclient_and_kserve_are_answered_alike_in_every_datatype(asked: Server) -> None:
    command = [PROGRAMS / "python", Path(__file__).with_name("asking.py"), f"{HOST}:{asked.port}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count(" apart") == 40


@pytest.mark.parametrize(("client", "answers"), [("triton", 11), ("kserve", 21)])
def test_they_are_answered_over_grpc_as_over_http(asked: Server, client: str, answers: int) -> None:
    (ready,) = [event for event in asked.events() if event["event"] == "ready"]
    program = Path(__file__).with_name("asking_grpc.py")
    addresses = [f"{HOST}:{port}" for port in (asked.port, ready["grpc_port"])]
    command = [PROGRAMS / "python", program, client, *addresses]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count(" apart") == answers


def test_openais_own_client_is_answered_streamed_and_refused(tmp_path: Path) -> None:
    with serving_text(packaged(tmp_path / "example")) as server:
        program = Path(__file__).with_name("asking_text.py")
        command = [PROGRAMS / "python", program, f"http://{HOST}:{server.server.port}/v1"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr
        assert server.metric("num_requests_running") == 0


def test_schemathesis_finds_no_answer_that_the_document_does_not_tell(asked: Server) -> None:
    command = [
        PROGRAMS / "schemathesis", "run", f"http://{HOST}:{asked.port}/openapi.json",
        "--exclude-checks", NOT_CHECKED, "--max-examples", "200", "--seed", "7", "--no-color",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    assert asked.predict(packages.CHURN_EXAMPLE).status == 200
