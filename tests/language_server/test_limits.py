"""Limits: callers that go away, read slowly or are too many; time, stops, and an engine that dies."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from aimass_compiler import conventions
from aimass_compiler.exit_codes import ExitCode
from language_server.asking import LONG, TextServer, refused, serving_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: Many answers at once would take the machine from the other tests.
_ABORTED = 300


@pytest.fixture(scope="module")
def small(example: Path) -> Iterator[TextServer]:
    """Serves two answers at once, and takes in six."""
    flags = ("--concurrent=2", "--concurrency=6", "--timeout-seconds=20", "--patience-seconds=1")
    with serving_text(example, *flags) as server:
        yield server


def test_callers_that_go_away_in_mid_stream_leave_no_place_taken(small: TextServer) -> None:
    def leave(_: int) -> None:
        small.begin(LONG).close()

    with ThreadPoolExecutor(4) as callers:
        list(callers.map(leave, range(_ABORTED)))
    assert small.comes_to("num_requests_running", 0)
    assert small.comes_to("requests_in_flight", 0)
    assert small.metric("num_requests_waiting") == 0
    assert small.metric("kv_cache_usage_perc") == 0
    # An answer may be done before its caller is seen to be away, on a busy machine.
    done = small.metric("requests_total", code="200")
    assert done < _ABORTED / 2
    assert small.comes_to("requests_total", _ABORTED - done, code="499")
    assert small.words("thank you, and thank you") == "other: we look into it"


def test_more_than_there_is_room_for_are_told_when_to_come_again(small: TextServer) -> None:
    asked = [small.begin(LONG) for _ in range(2)]
    replies = []
    threads = [threading.Thread(target=lambda: replies.append(small.complete(**LONG))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for connection in asked:
        assert small.rest(connection).endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n")
        connection.close()
    full = [reply for reply in replies if reply.status == 429]
    assert {reply.status for reply in replies} <= {200, 429}
    assert small.metric("admission_rejections_total") == len(full)
    for reply in full:
        assert (refused(reply)["type"], int(reply.headers["retry-after"]) >= 1) == ("rate_limit_error", True)


def test_a_caller_that_reads_nothing_keeps_nobody_waiting(small: TextServer) -> None:
    slow = [small.begin({**LONG, "logprobs": 20}) for _ in range(2)]
    assert small.words("thank you, and thank you") == "other: we look into it"
    assert small.comes_to("requests_in_flight", 0)
    for connection in slow:
        connection.close()


def test_an_answer_that_takes_too_long_is_given_up(example: Path) -> None:
    with serving_text(example, "--timeout-seconds=0.01") as server:
        reply = server.complete(**{**LONG, "logprobs": 20})
        assert (reply.status, "ask for fewer tokens" in refused(reply)["message"]) == (504, True)
        assert server.comes_to("num_requests_running", 0)


def test_a_stop_lets_streams_end_and_answers_no_one_new_after_them(example: Path) -> None:
    with serving_text(example, "--stay-seconds=0.2") as server:
        stream = server.begin(LONG)
        server.server.process.send_signal(signal.SIGTERM)
        assert server.rest(stream).endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n")
        stream.close()
        assert server.server.process.wait(30) == 0
        assert server.server.events()[-1]["unfinished"] == 0


def test_an_engine_that_dies_ends_the_server_and_tells_its_callers(example: Path) -> None:
    with serving_text(example, "--stay-seconds=0.2", "--drain-seconds=5") as server:
        children = f"/proc/{server.server.process.pid}/task/{server.server.process.pid}/children"
        with open(children, encoding="ascii") as file:  # noqa: PTH123  # a file of the system
            engine = int(file.read().split()[0])
        stream = server.begin(LONG)
        os.kill(engine, signal.SIGKILL)
        assert b"the engine ended" in server.rest(stream)
        assert server.server.process.wait(30) == ExitCode.SERVICE
        assert "engine ended" in [line["event"] for line in _events(server)]


def _events(server: TextServer) -> list[dict[str, str]]:
    lines = server.server.log.read_text().splitlines()
    return [json.loads(line) for line in lines if line.startswith("{")]


def test_each_request_is_one_line_with_its_tokens(text: TextServer) -> None:
    reply = text.chat("thank you, and thank you", max_tokens=3)
    identity = reply.headers["x-request-id"]
    end = time.monotonic() + 20  # lines are written after the answer
    while not (lines := [line for line in text.server.events() if line.get("id") == identity]):
        assert time.monotonic() < end
        time.sleep(0.05)
    (line,) = lines
    assert (line["path"], line["code"], line["answer_tokens"]) == (conventions.CHAT_PATH, 200, 3)
    assert (line["finish_reason"], line["stream"]) == ("length", False)
    assert 0 < line["first_token_milliseconds"] <= line["milliseconds"]
    assert "thank you" not in json.dumps(line)
