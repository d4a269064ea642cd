"""Requests are let in by the time that they take, not by their number."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from aimass_compiler.runtime.server.execution import Admission
from aimass_compiler.runtime.server.response import RequestError
from server.packages import CHURN_EXAMPLE
from server.serving import HOST, Server
from server.siege import watched

if TYPE_CHECKING:
    from collections.abc import Callable

MEBIBYTE = 1 << 20


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def refused(admission: Admission, size: int, until: float) -> RequestError | None:
    try:
        admission.check(size, until)
    except RequestError as error:
        return error
    return None


def test_what_cannot_be_done_in_time_is_told_when_to_come_back() -> None:
    admission = Admission(pace=100.0, now=Clock())
    for _ in range(3):
        assert refused(admission, 50, until=2.0) is None
        admission.begin(50)
    error = refused(admission, 50, until=2.0)  # would be done in 2 s, exactly
    assert error is not None
    assert (error.status, error.retry_after_seconds) == (503, 2)
    assert refused(admission, 5, until=2.0) is None


def test_when_nothing_is_ahead_everything_is_tried() -> None:
    admission = Admission(pace=100.0, now=Clock())
    assert refused(admission, 1_000_000, until=2.0) is None


@pytest.mark.parametrize(("seconds", "pace"), [(0.1, 1000.0), (10.0, 10.0)])
def test_the_pace_follows_what_is_measured(seconds: float, pace: float) -> None:
    clock = Clock()
    admission = Admission(pace=100.0, now=clock)
    for _ in range(60):
        clock.seconds += 1000  # in which nobody asks
        admission.begin(100)
        clock.seconds += seconds
        admission.end(100, is_done=True)
    assert admission.pace == pytest.approx(pace, rel=0.05)


def test_requests_side_by_side_are_as_quick_as_one_after_the_other() -> None:
    clock = Clock()
    admission = Admission(pace=100.0, now=clock)
    for _ in range(60):
        admission.begin(100)
        admission.begin(100)
        clock.seconds += 1
        admission.end(100, is_done=True)
        admission.end(100, is_done=True)
    assert admission.pace == pytest.approx(200, rel=0.2)


def test_what_was_given_up_is_no_progress() -> None:
    clock = Clock()
    admission = Admission(pace=100.0, now=clock)
    for _ in range(60):
        admission.begin(100)
        clock.seconds += 1
        admission.end(100, is_done=False)
    assert admission.pace == 1


def wire(rows: int) -> bytes:
    body = json.dumps({"rows": [CHURN_EXAMPLE] * rows}, separators=(",", ":")).encode()
    return b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(body) + body


async def answered(
    server: Server, sent: bytes, connections: int, goes_on: Callable[[float], bool]
) -> Counter[str]:
    """The statuses that as many callers at once see, each asking again as long as it is to."""
    statuses: Counter[str] = Counter()
    loop = asyncio.get_running_loop()
    started = loop.time()

    async def one() -> None:
        reader, writer = await asyncio.open_connection(HOST, server.port)
        is_asking = True
        while is_asking:
            writer.write(sent)
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            await reader.readexactly(int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0]))
            code = head.split(b" ")[1].decode()
            statuses[code] += 1
            assert code != "503" or b"\r\nretry-after: " in head
            is_asking = goes_on(loop.time() - started)
        writer.close()

    await asyncio.gather(*(one() for _ in range(connections)))
    return statuses


def test_as_many_small_requests_as_there_is_time_for_are_answered(churn: Server) -> None:
    with watched(churn):
        statuses = asyncio.run(answered(churn, wire(1), 200, lambda passed: passed < 2))
    assert set(statuses) == {"200"}
    assert statuses["200"] >= 200


def test_of_large_requests_those_are_refused_that_there_is_no_time_for(churn: Server) -> None:
    sent = wire(MEBIBYTE // 60)
    with watched(churn, mebibytes=250):
        statuses = asyncio.run(answered(churn, sent, 64, lambda passed: passed < 3))
    # How many are answered depends on the machine. It is known how long one takes when callers ask again.
    assert set(statuses) <= {"200", "408", "503", "504"}
    assert statuses["503"] >= 1
    assert statuses.total() > 64
    assert churn.predict(CHURN_EXAMPLE).status == 200
