"""The server as a process: packages it refuses, addresses it cannot have, how it stops, what it logs."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from server import packages
from server.packages import CHURN_EXAMPLE
from server.serving import HOST, serving

from aimass_compiler import conventions
from aimass_compiler.runtime.server.application import Application
from aimass_compiler.runtime.server.failure import ExitCode, ServerFailure
from aimass_compiler.runtime.server.log import Log
from aimass_compiler.runtime.server.package import read_package
from aimass_compiler.runtime.server.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ALLOWED = {"numpy", "onnxruntime", "orjson", "prometheus_client", "uvicorn", "aimass_compiler"}
#: What those bring with them.
BROUGHT = {"uvloop", "httptools", "click", "h11", "anyio", "sniffio", "watchfiles", "websockets", "yaml", "dotenv",
           "flatbuffers", "packaging", "typing_extensions", "google", "coloredlogs", "humanfriendly", "sympy",
           "mpmath", "idna", "colorama", "_yaml"}  # fmt: skip


def start(package: Path, *flags: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """The server where it is expected to end by itself."""
    return subprocess.run(
        [sys.executable, "-m", "aimass_compiler.runtime.server", str(package), "--host", HOST, *flags],
        check=False, capture_output=True, text=True, timeout=30, env={**os.environ, **variables},
    )  # fmt: skip


def test_serving_imports_only_what_its_image_has() -> None:
    told = "import sys, aimass_compiler.runtime.server.process; print(*{name.split('.')[0] for name in sys.modules})"
    found = subprocess.run([sys.executable, "-c", told], check=True, capture_output=True, text=True)
    foreign = set(found.stdout.split()) - set(sys.stdlib_module_names) - ALLOWED - BROUGHT
    assert not {name for name in foreign if not name.startswith("_") and "editable" not in name}


def test_a_package_that_is_not_there_ends_it_with_one_line(tmp_path: Path) -> None:
    ended = start(tmp_path / "nothing")
    assert ended.returncode == ExitCode.PACKAGE == 3
    assert (
        ended.stderr
        == f"server: {tmp_path / 'nothing' / 'signature.json'} cannot be read: No such file or directory\n"
    )


def test_an_address_in_use_ends_it_with_one_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = start(packages.churn(tmp_path / "churn"), f"--port={port}")
    assert ended.returncode == ExitCode.ADDRESS == 4
    assert ended.stderr == (
        f"server: {HOST}:{port} cannot be served from: Address already in use; choose another with --host and --port\n"
    )


@pytest.mark.parametrize(
    ("flags", "variables", "told"),
    [
        (["--port", "99999"], {}, "--port must be a whole number from 0 to 65535, not `99999`"),
        ([], {conventions.VARIABLE_CONCURRENCY: "none"}, "AIMASS_CONCURRENCY must be a whole number"),
        (
            [],
            {conventions.VARIABLE_TIMEOUT_SECONDS: "0"},
            "AIMASS_TIMEOUT_SECONDS must be a number from 0.001",
        ),
    ],
)
def test_a_setting_that_makes_no_sense_is_named(
    tmp_path: Path, flags: list[str], variables: dict[str, str], told: str
) -> None:
    ended = start(tmp_path, *flags, **variables)
    assert ended.returncode == ExitCode.USAGE
    assert told in ended.stderr


def loaded(package: Path) -> Application:
    with open(os.devnull, "wb") as nowhere:  # noqa: PTH123  # a name, not a path
        return Application(read_package(package), Settings(package=package), Log(nowhere))


def edited(folder: Path, file: str, change: Callable[[dict[str, Any]], object]) -> Path:
    document = json.loads((folder / file).read_text())
    change(document)
    (folder / file).write_text(json.dumps(document))
    return folder


SIGNATURE, REFERENCE = conventions.SIGNATURE_FILE, conventions.REFERENCE_FILE
DAMAGES: dict[str, tuple[str, Callable[[dict[str, Any]], object], str]] = {
    "another format": (SIGNATURE, lambda found: found.update(format="v9"), "has the format `v9`"),
    "another model's signature": (SIGNATURE, lambda found: found.update(version="000000000000"), "describes version"),
    "no version": (SIGNATURE, lambda found: found.update(version=""), "describes version"),
    "no inputs": (SIGNATURE, lambda found: found.pop("inputs"), "lacks 'inputs'"),
    "a date that is none": (SIGNATURE, lambda found: found.update(trained_at="yesterday"), "trained_at"),
    "a column without a place": (SIGNATURE, lambda found: found["inputs"].pop(0), "not counted 0, 1, 2"),
    "an example that breaks the contract": (
        SIGNATURE, lambda found: found["example"].update(age=3), "`age` must be at least 16"),
    "an output that the graph lacks": (
        SIGNATURE, lambda found: found["outputs"][0].update(name="scores"), "signature.json declares"),
    "a reference of another format": (REFERENCE, lambda found: found.pop("format"), "has the format `None`"),
    "a reference without predictions": (REFERENCE, lambda found: found.pop("prediction"), "does not fit"),
    "bins that do not fit their edges": (
        REFERENCE, lambda found: found["inputs"]["tenure"]["edges"].pop(), "does not fit"),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_package_is_refused_before_it_is_served(tmp_path: Path, damage: str) -> None:
    file, change, told = DAMAGES[damage]
    with pytest.raises(ServerFailure) as failure:
        loaded(edited(packages.churn(tmp_path / "churn"), file, change))
    assert failure.value.code is ExitCode.PACKAGE
    assert told in failure.value.message
    assert "\n" not in failure.value.message


@pytest.mark.parametrize("file", [SIGNATURE, REFERENCE])
def test_a_package_that_lacks_any_one_key_is_refused_or_served(tmp_path: Path, file: str) -> None:
    whole = packages.price(tmp_path / "whole")
    for key in json.loads((whole / file).read_text()):
        package = edited(packages.price(tmp_path / key), file, lambda found, key=key: found.pop(key))  # type: ignore[misc]
        try:
            loaded(package)
        except ServerFailure as failure:
            assert failure.code is ExitCode.PACKAGE


@pytest.mark.parametrize("content", [b"", b"not a graph", b"\x00" * 100])
def test_a_graph_that_is_none_is_refused(tmp_path: Path, content: bytes) -> None:
    package = packages.churn(tmp_path / "churn")
    (package / conventions.MODEL_FILE).write_bytes(content)
    with pytest.raises(ServerFailure, match="describes version"):
        loaded(package)


def test_it_drains_before_it_stops(tmp_path: Path) -> None:
    with serving(packages.churn(tmp_path / "churn")) as server:
        body = json.dumps(CHURN_EXAMPLE).encode()
        with socket.create_connection((HOST, server.port), 10) as connection:
            head = f"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n\r\n"
            connection.sendall(head.encode() + body[:5])
            while server.metric(conventions.METRIC_IN_FLIGHT) < 1:
                time.sleep(0.01)
            server.process.send_signal(signal.SIGTERM)
            while server.get("/v2/health/ready").status == 200:
                time.sleep(0.01)
            assert server.get("/v2/health/ready").json == {"ready": False}
            assert server.get("/v2/health/live").status == 200
            last = server.predict(CHURN_EXAMPLE)
            assert (last.status, last.headers["connection"]) == (200, "close")
            connection.sendall(body[5:])
            response = http.client.HTTPResponse(connection)
            response.begin()
            assert response.status == 200
        assert server.process.wait(10) == 0
        assert [event["event"] for event in server.events()][-2:] == ["request", "stop"] or (
            server.events()[-1]["unfinished"] == 0
        )


def test_it_stops_when_the_time_to_drain_is_over(tmp_path: Path) -> None:
    with serving(packages.churn(tmp_path / "churn"), "--drain-seconds", "0.3") as server:
        with socket.create_connection((HOST, server.port), 10) as connection:
            connection.sendall(b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-length: 99\r\n\r\n{")
            while server.metric(conventions.METRIC_IN_FLIGHT) < 1:
                time.sleep(0.01)
            started = time.monotonic()
            assert server.stop() == 0
        assert time.monotonic() - started < 1.5
        assert server.events()[-1]["event"] == "stop"


def test_every_line_of_its_log_is_an_event_and_requests_keep_their_names(tmp_path: Path) -> None:
    with serving(packages.churn(tmp_path / "churn"), "--prediction-sample", "1") as server:
        named = server.ask("POST", "/predict", CHURN_EXAMPLE, {"x-request-id": "mine-1"})
        assert named.headers["x-request-id"] == "mine-1"
        forged = server.ask("POST", "/predict", {**CHURN_EXAMPLE, "age": 3}, {"x-request-id": 'a"b c'})
        assert forged.headers["x-request-id"] not in ('a"b c', "mine-1")
        server.get("/nowhere")
        server.get("/v2/health/live")
        assert server.predict(CHURN_EXAMPLE).headers["x-request-id"] != forged.headers["x-request-id"]
        assert server.stop() == 0
        events = server.events()
    assert [event["event"] for event in events if event["event"] not in ("request", "prediction")] == [
        "start", "ready", "drain", "stop",
    ]  # fmt: skip
    requests = [event for event in events if event["event"] == "request"]
    assert {event["code"] for event in requests} == {200, 404, 422}
    mine = next(event for event in requests if event["id"] == "mine-1")
    assert (mine["method"], mine["path"], mine["code"], mine["rows"]) == ("POST", "/predict", 200, 1)
    refused = next(event for event in requests if event["code"] == 422)
    assert refused["field"] == "age"
    (sample, _) = [event for event in events if event["event"] == "prediction"]
    assert sample["id"] == "mine-1"
    assert sample["inputs"] == {name: [value] for name, value in CHURN_EXAMPLE.items()}
    assert sum(sample["outputs"]["probabilities"][0]) == pytest.approx(1)
