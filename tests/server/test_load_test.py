"""The service test on real servers: a sound package passes, and whatever is wrong with another is told."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from aimass_compiler.catalog.quantities import Duration
from aimass_compiler.pipeline.serving import Limits, ServingTests
from aimass_compiler.programs.model_server import RunningServer, running
from aimass_compiler.runtime.load_test import service
from aimass_compiler.runtime.load_test.protocols import PLAIN, Mistake, ServedSignature, mistakes
from aimass_compiler.runtime.load_test.service import measure
from aimass_compiler.runtime.workspace import read_json
from server import packages
from server.packages import PLANS, churn_probabilities
from server.serving import Server

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

ROWS: list[dict[str, Any]] = [
    {
        "tenure": None if number % 7 == 0 else float(number % 40),
        "age": 16.0 + number % 100,
        "plan": PLANS[number % 3],
        "note": "ß",
    }
    for number in range(450)
]
EXPECTED = [churn_probabilities(row["tenure"] or 0.0, row["age"], row["plan"]).tolist() for row in ROWS]
TESTS = ServingTests.model_validate({"load": {"rps": 100, "for": "1s"}})


def test_a_sound_package_passes(tmp_path: Path) -> None:
    measured = measure(packages.churn(tmp_path / "churn"), ROWS, EXPECTED, TESTS, Limits())
    assert measured.faults == ()
    assert (measured.rows, measured.wrong_rows) == (450, 0)
    assert 0 < measured.largest_difference < 1e-6
    assert (measured.requests, measured.failed_requests) == (100, 0)
    assert 0 < measured.requests_per_second < 110, "no faster than was asked for"
    latency = measured.latency_seconds
    assert 0 < latency["p50"] <= latency["p95"] <= latency["p99"]


def test_pictures_are_asked_in_every_dialect(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [{"picture": [[[0.0, 1.0], [number / 10, 1.0]]]} for number in range(20)]
    package = packages.digits(tmp_path / "digits")
    with running(package) as server:
        expected = [list(found["probabilities"].values()) for found in asked(server, rows)]
    measured = measure(package, rows, expected, TESTS, Limits())
    assert (measured.wrong_rows, measured.faults) == (0, ())


def asked(server: RunningServer, rows: Sequence[Any]) -> list[dict[str, Any]]:
    predictions: list[dict[str, Any]] = (
        Server(server.process, server.port, server.log).predict(*rows).json["predictions"]
    )
    return predictions


def test_rows_that_are_answered_otherwise_than_expected_are_counted(tmp_path: Path) -> None:
    off = [
        [no - 0.01, yes + 0.01] if place in (3, 200) else [no, yes]
        for place, (no, yes) in enumerate(EXPECTED)
    ]
    measured = measure(packages.churn(tmp_path / "churn"), ROWS, off, TESTS, Limits())
    assert measured.wrong_rows == 2
    assert measured.largest_difference == pytest.approx(0.01, rel=0.01)
    assert [fault for fault in measured.faults if "answers under load were wrong" in fault]


def test_rows_that_the_server_refuses_are_wrong_and_its_reason_is_told(tmp_path: Path) -> None:
    rows = [*ROWS, {"tenure": 1.0, "age": 500.0, "plan": "pro", "note": ""}]
    measured = measure(packages.churn(tmp_path / "churn"), rows, [*EXPECTED, [0.5, 0.5]], TESTS, Limits())
    assert measured.wrong_rows >= 1
    assert any("`age` must be at most 120, not 500" in fault for fault in measured.faults)


def test_a_package_that_cannot_be_served_is_told_with_the_servers_log(tmp_path: Path) -> None:
    package = packages.churn(tmp_path / "churn")
    (package / "model.onnx").write_bytes(b"damaged")
    measured = measure(package, ROWS, EXPECTED, TESTS, Limits())
    (fault,) = measured.faults
    assert fault.startswith("the server ended with exit code 15 before it was ready; its log ends:\n")
    assert "package the model again" in fault
    assert measured.requests == 0


@contextmanager
def doomed(package: Path, variables: dict[str, str]) -> Iterator[RunningServer]:
    """A server that is killed when it has run for a second."""
    with running(package, variables) as server:
        killer = threading.Timer(1, server.process.kill)
        killer.start()
        yield server
        killer.cancel()


def test_a_server_that_dies_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "running", doomed)
    tests = ServingTests.model_validate({"load": {"rps": 100, "for": "3s"}})
    measured = measure(packages.churn(tmp_path / "churn"), ROWS, EXPECTED, tests, Limits())
    fault = measured.faults[-1]
    assert fault.startswith("the server ended with signal SIGKILL while it was asked; its log ends:\n")


def test_requests_of_the_load_that_fail_are_counted_with_their_reason(tmp_path: Path) -> None:
    rows = [{**ROWS[0], "note": "x" * 1000}, *ROWS[1:4]]
    limits = Limits.model_validate({"body": "800"})
    measured = measure(packages.churn(tmp_path / "churn"), rows, EXPECTED[:4], TESTS, limits)
    assert measured.wrong_rows == 1
    assert (measured.requests, measured.failed_requests) == (100, 25)
    ((what, count),) = measured.failures.items()
    assert (what[:4], count) == ("413 ", 25)
    assert "the body is larger than 800 bytes" in what


def test_a_mistake_that_is_accepted_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def mistaken(signature: ServedSignature, body_bytes: int) -> list[Mistake]:
        return [Mistake("a row that is right", PLAIN.request(signature, [signature.example]), 422)]

    monkeypatch.setattr(service, "mistakes", mistaken)
    measured = measure(packages.churn(tmp_path / "churn"), ROWS, EXPECTED, TESTS, Limits())
    assert measured.faults == (
        "a bad request was not refused: a row that is right was answered 200, not 422 (10 times)",
    )


def test_every_kind_of_column_has_mistakes_of_its_own(tmp_path: Path) -> None:
    signature = ServedSignature(read_json(packages.churn(tmp_path / "churn") / "signature.json"))
    told = [mistake.what for mistake in mistakes(signature, 1000)]
    assert len(told) == len(set(told))
    assert {
        "`tenure` below its minimum", "`age` above its maximum", "no `age`",
        "a value that `plan` does not have", "a number for `note`", "an unknown field",
        "a body that is too large", "JSON that ends too early",
    } <= set(told)  # fmt: skip
    assert "no `tenure`" not in told


def test_a_soak_holds_the_load_longer_and_watches_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = packages.churn(tmp_path / "churn")
    started = time.monotonic()
    measured = measure(package, ROWS, EXPECTED, TESTS, Limits(), soak=Duration("2s"))
    assert (measured.faults, measured.requests) == ((), 200)
    assert time.monotonic() - started > 2
    sizes: Iterator[float] = iter([100e6, 150e6])
    monkeypatch.setattr(RunningServer, "resident_bytes", lambda _: next(sizes))
    leaking = measure(package, ROWS, EXPECTED, TESTS, Limits(), soak=Duration("1s"))
    assert leaking.faults == ("the server's memory grew from 95 to 143 MiB in the last 80% of 1s",)
