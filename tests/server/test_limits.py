"""The server's limits: how much, how many, how long; and that it goes on rightly after each."""

from __future__ import annotations

import http.client
import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from aimass_compiler import conventions
from server import packages
from server.packages import CHURN_EXAMPLE
from server.serving import HOST, Server, serving
from server.siege import many

if TYPE_CHECKING:
    from collections.abc import Iterator

BODY_BYTES = 4096
TIMEOUT_SECONDS = 0.5


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Takes two requests at once, 4 KiB each, half a second long; set through the environment."""
    package = packages.churn(tmp_path_factory.mktemp("strict") / "churn")
    variables = {
        conventions.VARIABLE_CONCURRENCY: "2",
        conventions.VARIABLE_BODY_BYTES: str(BODY_BYTES),
        conventions.VARIABLE_TIMEOUT_SECONDS: str(TIMEOUT_SECONDS),
    }
    with serving(package, **variables) as server:
        yield server


def start_of_a_request(server: Server) -> socket.socket:
    """A connection on which half of a body has been sent."""
    connection = socket.create_connection((HOST, server.port), 10)
    connection.sendall(b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{")
    return connection


def answer_on(connection: socket.socket) -> http.client.HTTPResponse:
    response = http.client.HTTPResponse(connection)
    response.begin()
    return response


@pytest.mark.parametrize("size", [BODY_BYTES + 1, 5_000_000])
def test_a_body_that_is_too_large_is_refused_and_its_sender_can_read_why(strict: Server, size: int) -> None:
    reply = strict.ask("POST", "/predict", b"x" * size)
    assert reply.status == 413
    assert "larger than 4096 bytes; send fewer rows at once" in reply.json["error"]
    assert strict.predict(CHURN_EXAMPLE).status == 200


def test_a_body_that_does_not_tell_its_size_is_counted(strict: Server) -> None:
    def parts() -> Iterator[bytes]:
        for _ in range(20):
            yield b"x" * 1000

    connection = http.client.HTTPConnection(HOST, strict.port, timeout=10)
    connection.request("POST", "/predict", parts())
    assert connection.getresponse().status == 413
    connection.close()


def test_a_body_of_exactly_the_limit_is_taken(strict: Server) -> None:
    body = json.dumps({"rows": [CHURN_EXAMPLE]}).encode()
    assert strict.ask("POST", "/predict", body.ljust(BODY_BYTES)).status == 200


def test_an_encoded_body_is_refused(strict: Server) -> None:
    reply = strict.ask("POST", "/predict", b"{}", {"content-encoding": "gzip"})
    assert (reply.status, reply.json["error"]) == (415, "the body is encoded as `gzip`; send it as it is")


def test_bodies_that_arrive_slowly_hold_no_place(strict: Server) -> None:
    with start_of_a_request(strict), start_of_a_request(strict), start_of_a_request(strict):
        while strict.metric(conventions.METRIC_IN_FLIGHT) < 3:
            time.sleep(0.01)
        assert strict.predict(CHURN_EXAMPLE).status == 200
        assert strict.get("/v2/health/live").status == 200
    while strict.metric(conventions.METRIC_IN_FLIGHT) > 0:
        time.sleep(0.01)
    assert strict.metric(conventions.METRIC_CONCURRENCY_LIMIT) == 2


def test_of_bodies_that_there_is_no_room_for_the_oldest_is_told_to_come_back(strict: Server) -> None:
    """There is room for two of 4 KiB."""
    head = b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-length: 4096\r\n\r\n"
    with many(strict, 3) as (first, second, third):
        for number, connection in enumerate((first, second, third), 1):
            connection.sendall(head + b" " * 4000)
            while number < 3 and strict.metric(conventions.METRIC_IN_FLIGHT) < number:
                time.sleep(0.01)
        response = answer_on(first)
        assert response.status == 503
        assert response.headers["retry-after"] == "1"
        assert "too many bodies are arriving" in response.read().decode()
        row = json.dumps(CHURN_EXAMPLE).encode()
        for connection in (second, third):
            connection.sendall(row.rjust(96))
            assert answer_on(connection).status == 200
    assert strict.metric(conventions.METRIC_REJECTED, reason="concurrency") == 1


def test_a_body_that_comes_too_slowly_is_given_up(strict: Server) -> None:
    started = time.monotonic()
    with start_of_a_request(strict) as connection:
        response = answer_on(connection)
        assert response.status == 408
        assert "did not arrive within 0.5 s" in response.read().decode()
        assert response.headers["connection"] == "close"
    assert time.monotonic() - started >= TIMEOUT_SECONDS


def test_a_prediction_that_takes_too_long_is_given_up_and_holds_nobody_up(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    package = packages.slow(tmp_path_factory.mktemp("slow") / "slow")
    with serving(package, "--timeout-seconds", "0.5", "--body-bytes", "2000000") as server:
        endless = [{"count": 1e6} for _ in range(20_000)]
        with ThreadPoolExecutor(1) as pool:
            late = pool.submit(server.predict, *endless)
            time.sleep(0.2)
            assert server.predict({"count": 3}).json["predictions"] == [{"prediction": 3.0}]
            assert late.result().status == 504
        assert "the prediction took longer than 0.5 s" in late.result().json["error"]
        assert server.metric(conventions.METRIC_REJECTED, reason="timeout") == 1
        used = server.metric("process_cpu_seconds_total")
        time.sleep(0.5)
        assert server.metric("process_cpu_seconds_total") - used < 0.25, "the model still runs"


def test_a_connection_stays_open_after_requests_that_were_refused(churn: Server) -> None:
    connection = http.client.HTTPConnection(HOST, churn.port, timeout=10)
    connection.connect()
    socket_at_first = connection.sock
    for body, status in ((b"{", 400), (b'{"rows": [{}]}', 422), (b"x" * 2_000_000, 413)):
        connection.request("POST", "/predict", body)
        response = connection.getresponse()
        response.read()
        assert response.status == status
        assert connection.sock is socket_at_first
    connection.request("POST", "/predict", json.dumps(CHURN_EXAMPLE).encode())
    assert connection.getresponse().status == 200
    connection.close()
