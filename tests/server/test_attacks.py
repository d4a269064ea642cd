"""What one caller does below the parsed request keeps nobody else from being answered."""

from __future__ import annotations

import json
import re
import socket
import time
from typing import TYPE_CHECKING

import pytest

from aimass_compiler import conventions
from server import packages
from server.packages import CHURN_EXAMPLE
from server.serving import Server, serving
from server.siege import MEBIBYTE, connected, is_closed, many, pushed, told, watched

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PATIENCE_SECONDS = 1.0
#: A connection is looked at every quarter of a second; the rest is a busy machine's. Far from "never".
SOON = PATIENCE_SECONDS + 30
HEAD = b"POST /predict HTTP/1.1\r\nhost: x\r\n"
GET = b"GET /v2 HTTP/1.1\r\nhost: x\r\n"
STATUS = len("HTTP/1.1 ")


@pytest.fixture(scope="module")
def besieged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that waits a second for headers and readers; all else is as usual."""
    package = packages.churn(tmp_path_factory.mktemp("besieged") / "churn")
    with serving(package, AIMASS_PATIENCE_SECONDS=str(PATIENCE_SECONDS)) as server:
        yield server


def ended(server: Server, reason: str) -> float:
    """How many connections the server ended for this reason."""
    return server.metric(conventions.METRIC_CONNECTIONS_ENDED, reason=reason)


def wait_until(is_so: Callable[[], bool]) -> None:
    until = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.1)


def status(said: bytes) -> int:
    return int(said[STATUS : STATUS + 3] or 0)


def prediction(rows: int) -> bytes:
    """A request whose answer takes some 60 bytes a row."""
    body = json.dumps({"rows": [CHURN_EXAMPLE] * rows}, separators=(",", ":")).encode()
    return HEAD + b"content-length: %d\r\n\r\n" % len(body) + body


# ---- answers that nobody reads -------------------------------------------------------------------


def test_callers_who_do_not_read_hold_no_place(besieged: Server) -> None:
    before = besieged.metric(conventions.METRIC_REQUESTS, code="499")
    asked, callers = prediction(10_000) * 2, 80
    # Five MiB a caller, for a request and its answer: a fast machine has those of more callers at once.
    with watched(besieged, mebibytes=5 * callers), many(besieged, callers, buffer=2048) as held:
        for connection in held:
            pushed(connection, asked, 0.02)
        for _ in range(50):
            assert besieged.predict(CHURN_EXAMPLE).status == 200
        wait_until(lambda: ended(besieged, "unread_answer") > 0)
        wait_until(lambda: besieged.metric(conventions.METRIC_IN_FLIGHT) == 0)
    assert besieged.metric(conventions.METRIC_REQUESTS, code="499") > before


def test_thousands_of_requests_in_a_pipe_that_nobody_reads_take_no_memory(besieged: Server) -> None:
    asked = GET + b"\r\n"
    with watched(besieged), many(besieged, 20, buffer=2048) as held:
        for connection in held:
            pushed(connection, asked * 100_000, 0.02)
        wait_until(lambda: besieged.metric(conventions.METRIC_CONNECTIONS) < 3)


def test_a_caller_who_takes_its_answer_slowly_gets_all_of_it(besieged: Server) -> None:
    with connected(besieged, buffer=2048) as connection:
        connection.sendall(prediction(15_000).replace(b"host", b"connection: close\r\nhost", 1))
        said = b""
        while part := connection.recv(16384):
            said += part
            time.sleep(0.002)
    head, _, body = said.partition(b"\r\n\r\n")
    assert status(head) == 200
    assert len(json.loads(body)["predictions"]) == 15_000


# ---- heads -----------------------------------------------------------------------------------------


def small_headers(count: int) -> bytes:
    return b"".join(b"X-%d: aaaaaaaaaaaaaaaaaaaaaaaa\r\n" % number for number in range(count))


LARGE_HEADS = {
    "many small headers": GET + small_headers(600_000),
    "tiny headers": GET + b"a:\r\n" * 5_000_000,
    "one large header": GET + b"X: " + b"a" * (20 * MEBIBYTE),
    "one large name": GET + b"a" * (20 * MEBIBYTE),
    "a long address": b"GET /" + b"a" * (20 * MEBIBYTE),
    "a long query": b"GET /?" + b"a" * (20 * MEBIBYTE),
    "a host that never ends": b"GET / HTTP/1.1\r\nhost: " + b"a" * (20 * MEBIBYTE),
}
LARGE_TAILS = {
    "trailers": b"0\r\n" + small_headers(600_000),
    "one trailer": b"0\r\nX: " + b"a" * (20 * MEBIBYTE),
    "a chunk's extension": b"5;" + b"a" * (20 * MEBIBYTE),
}


@pytest.mark.parametrize("what", LARGE_HEADS)
def test_a_head_that_is_too_large_is_refused(besieged: Server, what: str) -> None:
    with watched(besieged, mebibytes=20), connected(besieged) as connection:
        pushed(connection, LARGE_HEADS[what])
        assert status(told(connection)) == 431


@pytest.mark.parametrize("what", LARGE_TAILS)
def test_what_follows_a_body_may_not_be_large(besieged: Server, what: str) -> None:
    head = HEAD + b"transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n"
    with watched(besieged, mebibytes=20), connected(besieged) as connection:
        pushed(connection, head + LARGE_TAILS[what])
        assert status(told(connection)) == 431


@pytest.mark.parametrize("size", [1_000, 60_000])
def test_a_head_that_is_large_but_not_too_large_is_taken(besieged: Server, size: int) -> None:
    assert besieged.ask("GET", "/v2", headers={"x-large": "a" * size}).status == 200


@pytest.mark.parametrize("count", [1, 2, 30])
def test_heads_of_more_than_the_limit_are_refused_however_they_are_cut(besieged: Server, count: int) -> None:
    head = GET + b"x-large: " + b"a" * 66_000 + b"\r\n\r\n"
    size = len(head) // count + 1
    with connected(besieged) as connection:
        for start in range(0, len(head), size):
            pushed(connection, head[start : start + size])
            time.sleep(0.01)
        assert status(told(connection)) == 431


# ---- time ------------------------------------------------------------------------------------------

UNFINISHED = {
    "nothing": (b"", 408),
    "half a line": (b"GET /v2 HT", 408),
    "half of the headers": (GET, 408),
    "an unsent body of a GET": (GET + b"content-length: 9\r\n\r\n", 200),
    "an unsent body of what is not there": (
        b"POST /nowhere HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n",
        404,
    ),
    "an unsent body that is too large": (HEAD + b"content-length: 99999999\r\n\r\n", 413),
    "garbage": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
}


def test_a_request_that_does_not_go_on_is_given_up(besieged: Server) -> None:
    with watched(besieged), many(besieged, len(UNFINISHED)) as held:
        started = time.monotonic()
        for connection, (data, _) in zip(held, UNFINISHED.values(), strict=True):
            connection.sendall(data)
        said = [told(connection, SOON) for connection in held]
        assert time.monotonic() - started < SOON
    assert [status(answer) for answer in said] == [code for _, code in UNFINISHED.values()]
    assert ended(besieged, "slow_head") > 0
    assert ended(besieged, "slow_body") > 0


@pytest.mark.parametrize(
    ("start", "drop"),
    [
        (GET, b"x: 1\r\n"),
        (b"", b"\r\n"),
        (GET + b"content-length: 9999\r\n\r\n", b"x"),
        (HEAD + b"transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n", b"x: 1\r\n"),
    ],
    ids=["headers", "empty lines", "a body that nobody wants", "trailers"],
)
def test_a_request_that_drips_is_given_up(besieged: Server, start: bytes, drop: bytes) -> None:
    """Whatever comes late enough is an error here, and what a server must not wait for."""
    with connected(besieged) as connection:
        connection.sendall(start)
        started = time.monotonic()
        while not is_closed(connection):
            pushed(connection, drop, 0.1)
            time.sleep(0.1)
            assert time.monotonic() - started < SOON


def test_a_body_that_nobody_wants_is_not_read_for_ever(besieged: Server) -> None:
    with watched(besieged, mebibytes=20), connected(besieged) as connection:
        connection.sendall(GET + b"content-length: 999999999\r\n\r\n")
        assert pushed(connection, b"x" * (60 * MEBIBYTE), 3) < 60 * MEBIBYTE
        assert is_closed(connection)


def test_the_answer_to_a_body_that_is_too_large_can_be_read(besieged: Server) -> None:
    with connected(besieged) as connection:
        connection.sendall(HEAD + b"connection: close\r\ncontent-length: 7000000\r\n\r\n")
        connection.sendall(b"x" * 7_000_000)
        assert status(told(connection)) == 413


# ---- many ------------------------------------------------------------------------------------------


def test_slow_bodies_keep_nobody_out(besieged: Server) -> None:
    with watched(besieged, mebibytes=150), many(besieged, 100) as held:
        for connection in held:
            pushed(connection, HEAD + b"content-length: 1000000\r\n\r\n" + b"x" * 900_000)
        for _ in range(50):
            assert besieged.predict(CHURN_EXAMPLE).status == 200


def test_there_is_room_for_a_caller_beside_as_many_silent_ones_as_there_may_be(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    package = packages.churn(tmp_path_factory.mktemp("narrow") / "churn")
    with serving(package, "--connections", "50", "--patience-seconds", "30") as server:
        assert server.metric(conventions.METRIC_CONNECTIONS_LIMIT) == 50
        with watched(server), many(server, 300):
            for _ in range(20):
                assert server.predict(CHURN_EXAMPLE).status == 200
            assert server.metric(conventions.METRIC_CONNECTIONS) <= 51
        assert ended(server, "silent") >= 250

        def warned() -> list[int]:
            return [event["limit"] for event in server.events() if event["event"] == "too many connections"]

        wait_until(lambda: warned() != [])  # it is looked for ten times a second
        assert warned() == [50]


def test_there_are_never_more_connections_than_descriptors(tmp_path: Path) -> None:
    with serving(packages.churn(tmp_path / "churn"), descriptors=128) as server:
        assert server.metric(conventions.METRIC_CONNECTIONS_LIMIT) == 64
        with watched(server), many(server, 300):
            for _ in range(20):
                assert server.predict(CHURN_EXAMPLE).status == 200
        assert ended(server, "silent") > 200


def test_requests_that_can_be_read_in_two_ways_are_refused(besieged: Server) -> None:
    body = b"0\r\n\r\n"
    chunked = b"transfer-encoding: chunked\r\n"
    wrong = {
        "HTTP/1.0 with chunks": b"POST /predict HTTP/1.0\r\nhost: x\r\n" + chunked + b"\r\n" + body,
        "another coding": HEAD + b"transfer-encoding: gzip, chunked\r\n\r\n" + body,
        "two codings": HEAD + chunked + chunked + b"\r\n" + body,
        "a length besides": HEAD + chunked + b"content-length: 5\r\n\r\n" + body,
        "no host": b"GET /v2 HTTP/1.1\r\n\r\n",
        "two hosts": GET + b"host: y\r\n\r\n",
        "a host that is none": b"GET /v2 HTTP/1.1\r\nhost: x y\r\n\r\n",
        "a version that is not supported": b"GET /v2 HTTP/2.0\r\nhost: x\r\n\r\n",
        "a version that is old": b"GET /v2 HTTP/0.9\r\nhost: x\r\n\r\n",
    }
    for what, request in wrong.items():
        with connected(besieged) as connection:
            connection.sendall(request)
            said = told(connection, 5)
        assert (what, status(said)) == (what, 400)
        assert b"connection: close" in said
    assert ended(besieged, "framing") >= len(wrong)


def test_what_follows_a_request_is_refused_behind_its_answer(besieged: Server) -> None:
    with connected(besieged) as connection:
        connection.sendall(prediction(3) + GET + b"\r\n" + b"nonsense\r\n\r\n")
        said = told(connection, 5)
    assert re.findall(rb"HTTP/1\.1 (\d+)", said) == [b"200", b"200", b"400"]


def test_requests_in_a_pipe_are_answered_in_order(besieged: Server) -> None:
    asked = (prediction(2) + GET + b"\r\n" + prediction(900)) * 20 + GET + b"connection: close\r\n\r\n"
    with connected(besieged) as connection:
        connection.sendall(asked)
        said = told(connection, 20)
    assert said.count(b"HTTP/1.1 200 OK") == 61
    assert said.count(b'"label"') == 20 * 902


@pytest.mark.parametrize("offer", ["websocket", "h2c"])
def test_a_protocol_that_is_offered_is_declined_and_the_request_answered(
    besieged: Server, offer: str
) -> None:
    offered = HEAD + b"connection: Upgrade, HTTP2-Settings\r\nupgrade: %b\r\n" % offer.encode()
    body = json.dumps(CHURN_EXAMPLE).encode()
    requests = (
        prediction(1).replace(HEAD, offered),
        offered + b"transfer-encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(body), body),
        GET + b"connection: upgrade\r\nupgrade: x\r\n\r\n",
    )
    with connected(besieged) as connection:
        connection.sendall(b"".join(requests) * 5 + GET + b"connection: close\r\n\r\n")
        said = told(connection)
    assert said.count(b"HTTP/1.1 200 OK") == said.count(b"HTTP/1.1 ") == 16
    assert said.count(b'"label"') == 10


def test_an_offer_with_a_large_head_is_refused(besieged: Server) -> None:
    offer = b"connection: upgrade\r\nupgrade: h2c\r\n"
    with connected(besieged) as connection:
        connection.sendall(GET + offer + b"x: %b\r\n\r\n" % (b"a" * (64 << 10)))
        assert status(told(connection)) == 431


def test_a_body_of_very_many_very_small_chunks_is_refused(besieged: Server) -> None:
    head = HEAD + b"transfer-encoding: chunked\r\n\r\n"
    with watched(besieged), many(besieged, 50) as connections:
        for connection in connections:
            pushed(connection, head + b"1\r\n \r\n" * 200_000)
        assert {status(told(connection)) for connection in connections} == {400}


@pytest.mark.parametrize(("count", "size"), [(4000, 1), (20_000, 40)])
def test_a_body_of_small_chunks_is_taken(besieged: Server, count: int, size: int) -> None:
    body = json.dumps(CHURN_EXAMPLE).encode()
    spaces = b"%x\r\n%b\r\n" % (size, b" " * size) * count
    head = HEAD + b"connection: close\r\ntransfer-encoding: chunked\r\n\r\n"
    with connected(besieged) as connection:
        connection.sendall(head + spaces + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body))
        assert status(told(connection)) == 200


def test_a_caller_that_is_gone_before_its_answer_is_counted_and_no_failure(besieged: Server) -> None:
    before = besieged.metric(conventions.METRIC_REQUESTS, code="499")
    for _ in range(100):
        with connected(besieged) as connection:
            connection.sendall(prediction(1))
            connection.shutdown(socket.SHUT_WR)
            told(connection)
    wait_until(lambda: besieged.metric(conventions.METRIC_REQUESTS, code="499") >= before + 50)
    assert not [line for line in besieged.events() if line["event"] == "library"]


def test_an_answer_without_a_body_is_written_before_the_next_one(besieged: Server) -> None:
    head = b"HEAD /v2 HTTP/1.1\r\nhost: x\r\n"
    with connected(besieged) as connection:
        connection.sendall(head + b"\r\n" + GET + b"\r\n" + head + b"connection: close\r\n\r\n")
        said = told(connection, 5)
    assert re.findall(rb"HTTP/1\.1 (\d+)", said) == [b"200"] * 3


def test_a_caller_that_waits_to_send_its_body_is_told_to(besieged: Server) -> None:
    body = json.dumps(CHURN_EXAMPLE).encode()
    fields = b"expect: 100-continue\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(body)
    with connected(besieged) as connection:
        connection.sendall(HEAD + fields)
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        assert status(told(connection, 5)) == 200
