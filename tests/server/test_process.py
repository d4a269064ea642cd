"""The server as a process: packages it refuses, addresses it cannot have, how it stops, what it logs."""

from __future__ import annotations

import ast
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from aimass_compiler import conventions
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.runtime import server
from aimass_compiler.runtime.server.application import Application
from aimass_compiler.runtime.server.log import EventLog
from aimass_compiler.runtime.server.package import read_package
from aimass_compiler.runtime.server.response import ServerFailure
from aimass_compiler.runtime.server.settings import ServerSettings
from server import packages
from server.packages import CHURN_EXAMPLE
from server.serving import HOST, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ALLOWED = {
    "PIL",
    "google",
    "grpc",
    "numpy",
    "onnxruntime",
    "opentelemetry",
    "orjson",
    "prometheus_client",
    "uvicorn",
}
OURS = "aimass_compiler.runtime.server."


def start(package: Path, *flags: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """The server where it is expected to end by itself."""
    return subprocess.run(
        [sys.executable, "-m", "aimass_compiler.runtime.server", str(package), "--host", HOST, *flags],
        check=False, capture_output=True, text=True, timeout=30, env={**os.environ, **variables},
    )  # fmt: skip


def imported(source: str) -> set[str]:
    """The modules that a file imports, wherever it does."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            is_ours = node.module == "aimass_compiler"
            found |= {f"{node.module}.{name.name}" for name in node.names} if is_ours else {str(node.module)}
        elif isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
    return found


def test_serving_imports_only_what_its_image_has() -> None:
    files = list(Path(str(server.__file__)).parent.glob("*.py"))
    assert len(files) > 10
    modules = set().union(*(imported(file.read_text()) for file in files))
    ours = {module for module in modules if module.startswith("aimass_compiler")}
    foreign = (
        {module.partition(".")[0] for module in modules - ours} - sys.stdlib_module_names - {"__future__"}
    )
    assert foreign == ALLOWED
    assert {name for name in ours if not name.startswith(OURS)} <= {
        "aimass_compiler.conventions", "aimass_compiler.exit_codes", "aimass_compiler.version",
        "aimass_compiler.timestamps", "aimass_compiler.drift_methods", "aimass_compiler.keyed_hash",
        "aimass_compiler.record_names", "aimass_compiler.runtime.server",
    }  # fmt: skip


def test_the_server_loads_no_library_of_training() -> None:
    told = f"import sys, {OURS}__main__; print(*sys.modules)"
    found = subprocess.run([sys.executable, "-c", told], check=True, capture_output=True, text=True)
    heavy = {"polars", "onnx", "pydantic", "ray", "sklearn", "torch", "pandas", "scipy", "jinja2"}
    assert not heavy & set(found.stdout.split())


def test_a_package_that_is_not_there_ends_it_with_one_line(tmp_path: Path) -> None:
    ended = start(tmp_path / "nothing")
    assert ended.returncode == 15
    missing = tmp_path / "nothing" / "signature.json"
    assert ended.stderr == f"server: {missing} cannot be read: No such file or directory\n"


def test_an_address_in_use_ends_it_with_one_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = start(packages.churn(tmp_path / "churn"), f"--port={port}")
    assert ended.returncode == 16
    assert ended.stderr == (
        f"server: {HOST}:{port} cannot be served from: Address already in use; "
        "choose another with --host and --port\n"
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
        return Application(read_package(package), ServerSettings(package=package), EventLog(nowhere))


def edited(folder: Path, file: str, change: Callable[[dict[str, Any]], object]) -> Path:
    document = json.loads((folder / file).read_text())
    change(document)
    (folder / file).write_text(json.dumps(document))
    return packages.listed(folder)


SIGNATURE, REFERENCE = conventions.SIGNATURE_FILE, conventions.REFERENCE_FILE
GOLDEN, MANIFEST = conventions.GOLDEN_FILE, conventions.MANIFEST_FILE


def swapped(inputs: list[dict[str, Any]]) -> None:
    """The two numbers have each other's places."""
    inputs[0]["index"], inputs[1]["index"] = inputs[1]["index"], inputs[0]["index"]


DAMAGES: dict[str, tuple[str, Callable[[dict[str, Any]], object], str]] = {
    "another format": (SIGNATURE, lambda found: found.update(format="v9"), "has the format `v9`"),
    "another model's signature": (
        SIGNATURE, lambda found: found.update(version="000000000000"), "describes version"),
    "no version": (SIGNATURE, lambda found: found.update(version=""), "`version` is"),
    "a version of one digit": (
        SIGNATURE, lambda found: found.update(version=found["version"][0]), "not 12 digits of a SHA-256"),
    "a name that is a number": (SIGNATURE, lambda found: found.update(model=7), "`model` is 7, not a string"),
    "no labels": (SIGNATURE, lambda found: found["outputs"][0].pop("labels"), "lacks 'labels'"),
    "labels in another order": (
        SIGNATURE, lambda found: found["outputs"][0]["labels"].reverse(), "row 0 is answered no (0."),
    "three labels of two": (
        SIGNATURE, lambda found: found["outputs"][0]["labels"].append("maybe"), "the `outputs` of a"),
    "three labels of two, and a shape": (
        SIGNATURE,
        lambda found: found["outputs"][0].update(labels=["no", "yes", "maybe"], shape=[-1, 3]),
        "answers `probabilities` tensor(float) [-1, 2], but signature.json declares `probabilities` "
        "tensor(float) [-1, 3]"),
    "a label twice": (
        SIGNATURE, lambda found: found["outputs"][0].update(labels=["no", "no"]), 'duplicate "no" in'),
    "columns in another order": (SIGNATURE, lambda found: swapped(found["inputs"]), "does not fit the model"),
    "a column more": (
        SIGNATURE,
        lambda found: found["inputs"].append({**found["inputs"][0], "name": "more", "index": 2}),
        "reads `numbers` tensor(double) [-1, 2], but signature.json declares `numbers` tensor(double)"),
    "a column twice": (
        SIGNATURE, lambda found: found["inputs"].append(found["inputs"][0]), 'duplicate "tenure" in'),
    "a column in another tensor": (
        SIGNATURE, lambda found: found["inputs"][0].update(tensor="strings"), "but in the tensor"),
    "a bound that is a text": (
        SIGNATURE, lambda found: found["inputs"][0].update(min="0"), '`min` of `tenure` is "0"'),
    "answers that were not given": (
        GOLDEN, lambda found: found["predictions"][0]["probabilities"].update(no=0.5), "where"),
    "a label that was not given": (
        GOLDEN, lambda found: found["predictions"][0].update(label="yes"), "was evaluated"),
    "rows without answers": (GOLDEN, lambda found: found["predictions"].pop(), "as many predictions"),
    "golden rows that are none": (GOLDEN, lambda found: found.update(rows=[1]), "as many predictions"),
    "no inputs": (SIGNATURE, lambda found: found.pop("inputs"), "lacks 'inputs'"),
    "a date that is none": (SIGNATURE, lambda found: found.update(trained_at="yesterday"), "trained_at"),
    "a column without a place": (SIGNATURE, lambda found: found["inputs"].pop(0), "not counted 0, 1, 2"),
    "an example that breaks the contract": (
        SIGNATURE, lambda found: found["example"].update(age=3), "`age` must be at least 16"),
    "an output that the graph lacks": (
        SIGNATURE, lambda found: found["outputs"][0].update(name="scores"), "does not fit: the `outputs`"),
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
        package = packages.price(tmp_path / key)
        document = json.loads((package / file).read_text())
        del document[key]
        (package / file).write_text(json.dumps(document))
        with suppress(ServerFailure):
            loaded(packages.listed(package))


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to each part of a document."""
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in inner:
        yield from places(part, (*path, key))


def replaced(value: Any, path: tuple[Any, ...], other: Any) -> Any:
    if not path:
        return other
    key, *rest = path
    changed: Any = value.copy()
    changed[key] = replaced(value[key], tuple(rest), other)
    return changed


@pytest.mark.parametrize("make", [packages.price, packages.churn], ids=lambda make: make.__name__)
@pytest.mark.parametrize("file", [SIGNATURE, REFERENCE, GOLDEN, MANIFEST])
def test_a_package_with_any_one_value_of_another_kind_is_refused_or_served(
    tmp_path: Path, file: str, make: Callable[[Path], Path]
) -> None:
    package = make(tmp_path / "package")
    document = json.loads((package / file).read_text())
    for path in places(document):
        for other in (None, 7, -1.5, "", "x", True, [], {}, [[]], {"x": 1}):
            (package / file).write_text(json.dumps(replaced(document, path, other)))
            if file != MANIFEST:
                packages.listed(package)
            with suppress(ServerFailure):
                loaded(package)


def test_any_file_that_is_not_the_one_that_was_packaged_is_refused(tmp_path: Path) -> None:
    names = (conventions.MODEL_FILE, SIGNATURE, REFERENCE, GOLDEN, conventions.MODEL_CARD_FILE)
    for name in names:
        package = packages.churn(tmp_path / name)
        (package / conventions.MODEL_CARD_FILE).write_text("# churn")
        packages.listed(package)
        content = bytearray((package / name).read_bytes())
        content[len(content) // 2] ^= 1
        (package / name).write_bytes(content)
        with pytest.raises(ServerFailure, match=f"{name} is not the file that was packaged") as failure:
            loaded(package)
        assert failure.value.code is ExitCode.PACKAGE
        (package / name).unlink()
        with pytest.raises(ServerFailure, match=f"{name} cannot be read"):
            loaded(package)


def test_a_file_that_nobody_packaged_is_refused(tmp_path: Path) -> None:
    package = packages.churn(tmp_path / "package")
    (package / ".swap").write_text("an editor's")
    loaded(package)
    (package / "other.onnx").write_text("more")
    with pytest.raises(ServerFailure, match=r"manifest.json does not list .other.onnx") as failure:
        loaded(package)
    assert failure.value.code is ExitCode.PACKAGE


def test_a_package_of_an_older_version_is_told_the_way_out(tmp_path: Path) -> None:
    package = packages.churn(tmp_path / "churn")
    (package / MANIFEST).unlink()
    ended = start(package)
    assert ended.returncode == ExitCode.PACKAGE
    assert ended.stderr == (
        f"server: {package} has no manifest.json: an older version packaged it; "
        "package the model again with `aimass run`\n"
    )


@pytest.mark.parametrize("name", ["../model.onnx", "/etc/hostname", ".hidden", "a\\b", "missing", ""])
def test_a_manifest_lists_files_that_lie_beside_it(tmp_path: Path, name: str) -> None:
    package = packages.churn(tmp_path / "churn")
    manifest = json.loads((package / MANIFEST).read_text())
    manifest["files"][name] = "0"
    (package / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(ServerFailure, match=r"which is no file beside it|cannot be read"):
        loaded(package)


@pytest.mark.parametrize("content", [b"", b"not a graph", b"\x00" * 100])
def test_a_graph_that_is_none_is_refused(tmp_path: Path, content: bytes) -> None:
    package = packages.churn(tmp_path / "churn")
    (package / conventions.MODEL_FILE).write_bytes(content)
    with pytest.raises(ServerFailure, match="describes version"):
        loaded(packages.listed(package))


def test_it_drains_before_it_stops(tmp_path: Path) -> None:
    with serving(packages.churn(tmp_path / "churn")) as running:
        body = json.dumps(CHURN_EXAMPLE).encode()
        with socket.create_connection((HOST, running.port), 10) as connection:
            head = f"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n\r\n"
            connection.sendall(head.encode() + body[:5])
            while running.metric(conventions.METRIC_IN_FLIGHT) < 1:
                time.sleep(0.01)
            running.process.send_signal(signal.SIGTERM)
            while running.get("/v2/health/ready").status == 200:
                time.sleep(0.01)
            assert running.get("/v2/health/ready").json == {"ready": False}
            assert running.get("/v2/health/live").status == 200
            last = running.predict(CHURN_EXAMPLE)
            assert (last.status, last.headers["connection"]) == (200, "close")
            connection.sendall(body[5:])
            response = http.client.HTTPResponse(connection)
            response.begin()
            assert response.status == 200
        assert running.process.wait(10) == 0
        events = running.events()
        assert [event["event"] for event in events if event["event"] != "request"][-2:] == ["drain", "stop"]
        assert events[-1]["unfinished"] == 0


def test_it_stops_when_the_time_to_drain_is_over(tmp_path: Path) -> None:
    with serving(packages.churn(tmp_path / "churn"), "--drain-seconds", "0.3") as running:
        with socket.create_connection((HOST, running.port), 10) as connection:
            connection.sendall(b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-length: 99\r\n\r\n{")
            while running.metric(conventions.METRIC_IN_FLIGHT) < 1:
                time.sleep(0.01)
            started = time.monotonic()
            assert running.stop() == 0
        assert time.monotonic() - started < 18, "the default is 20 s"
        assert running.events()[-1]["event"] == "stop"


def test_every_line_of_its_log_is_an_event_and_requests_keep_their_names(tmp_path: Path) -> None:
    with serving(packages.churn(tmp_path / "churn"), "--prediction-sample", "1") as running:
        named = running.ask("POST", "/predict", CHURN_EXAMPLE, {"x-request-id": "mine-1"})
        assert named.headers["x-request-id"] == "mine-1"
        forged = running.ask("POST", "/predict", {**CHURN_EXAMPLE, "age": 3}, {"x-request-id": 'a"b c'})
        assert forged.headers["x-request-id"] not in ('a"b c', "mine-1")
        running.get("/nowhere")
        running.get("/v2/health/live")
        assert running.predict(CHURN_EXAMPLE).headers["x-request-id"] != forged.headers["x-request-id"]
        assert running.stop() == 0
        events = running.events()
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
    assert (sample["request_id"], sample["row"], sample["caller"]) == ("mine-1", 0, None)
    assert sample["inputs"] == CHURN_EXAMPLE
    assert sum(sample["outputs"]["probabilities"].values()) == pytest.approx(1)
