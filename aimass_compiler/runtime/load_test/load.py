"""An open-loop load: requests start when they are due, however slowly others are answered.

A closed loop would ask less as the server slows down, and so hide the slowness from the percentiles.
"""

from __future__ import annotations

import asyncio
from array import array
from collections import Counter
from dataclasses import dataclass, field
from itertools import cycle
from typing import TYPE_CHECKING

import numpy

from aimass_compiler.programs.model_server import HOST
from aimass_compiler.runtime.load_test.protocols import PLAIN, Answer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    from aimass_compiler.runtime.load_test.correctness import AnswerComparison
    from aimass_compiler.runtime.load_test.protocols import Mistake, Request, ServedSignature


@dataclass(frozen=True)
class ServiceMeasurements:
    """What was seen of a running server."""

    rows: int
    wrong_rows: int
    """Rows that were answered further off than the tolerance, or not at all."""
    largest_difference: float
    requests: int
    failed_requests: int
    """Good requests of the load that were not answered 200."""
    requests_per_second: float
    latency_seconds: Mapping[str, float]
    """By percentile: `p50`, `p95` and `p99`."""
    failures: Mapping[str, int] = field(default_factory=dict)
    """The failed requests by what came instead of an answer."""
    faults: Sequence[str] = ()
    """What else went wrong, in sentences: bad requests that were accepted, a server that fell over."""


Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]
#: Errors of a request that was not answered.
UNANSWERED = (OSError, EOFError, TimeoutError, ValueError)


class Pool:
    """As many connections as are needed at once, at most `size`; more requests wait for one."""

    def __init__(self, port: int, size: int, timeout_seconds: float) -> None:
        self._port = port
        self._free = asyncio.Semaphore(size)
        self._timeout_seconds = timeout_seconds
        self._idle: list[Connection] = []

    async def ask(self, request: Request) -> Answer:
        """The answer; raises one of UNANSWERED when there is none."""
        async with asyncio.timeout(self._timeout_seconds), self._free:
            connection = await self._connection()
            try:
                answer = await _exchange(connection, request.wire)
            except BaseException:
                connection[1].close()
                raise
            # Where less was sent than announced, the server waits for the rest.
            is_whole = int(request.headers.get("content-length", len(request.body))) == len(request.body)
            if is_whole and answer.headers.get("connection") != "close":
                self._idle.append(connection)
            else:
                connection[1].close()
            return answer

    async def close(self) -> None:
        """Close what is idle."""
        for _, writer in self._idle:
            writer.close()

    async def _connection(self) -> Connection:
        while self._idle:
            reader, writer = self._idle.pop()
            if not reader.at_eof():
                return reader, writer
            writer.close()
        return await asyncio.open_connection(HOST, self._port)


async def _exchange(connection: Connection, wire: bytes) -> Answer:
    reader, writer = connection
    writer.write(wire)
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    status_line, *lines = head.rstrip().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Answer(int(status_line.split(" ", 2)[1]), headers, body)


#: One mistake beside so many good requests.
_GOOD_A_MISTAKE = 10
#: How much longer than the server's own limit an answer is waited for.
_PATIENCE_SECONDS = 5.0
#: The share of the load that must have been sent for it to be the load that was asked for.
_ENOUGH = 0.9
_OK = 200


@dataclass(frozen=True)
class KnownRow:
    """A row whose answer is known."""

    request: Request
    scores: Sequence[float]


def known(
    signature: ServedSignature, rows: Sequence[Mapping[str, Any]], expected: Sequence[Sequence[float]]
) -> Sequence[KnownRow]:
    """Each row as a request of its own."""
    return [
        KnownRow(PLAIN.request(signature, [row]), scores) for row, scores in zip(rows, expected, strict=True)
    ]


@dataclass
class Load:
    """What a load has seen so far."""

    latencies: array[float] = field(default_factory=lambda: array("d"))
    """Seconds, of good requests that were answered."""
    seconds: float = 0.0
    """How long requests were sent."""
    failures: Counter[str] = field(default_factory=Counter)
    """Good requests that were not answered 200, by what came instead."""
    wrong: int = 0
    """Good requests that were answered with other scores than expected."""
    accepted: Counter[str] = field(default_factory=Counter)
    """Mistakes that were not refused as they should be, by a sentence."""

    @property
    def requests(self) -> int:
        return len(self.latencies) + self.failures.total()

    @property
    def requests_per_second(self) -> float:
        return len(self.latencies) / self.seconds if self.seconds else 0.0

    def percentile(self, percent: float) -> float:
        """Seconds; 0 when nothing was answered."""
        return float(numpy.percentile(self.latencies, percent)) if self.latencies else 0.0


@dataclass(frozen=True)
class LoadPlan:
    """What is asked, how often and of whom."""

    port: int
    signature: ServedSignature
    known: Sequence[KnownRow]
    mistakes: Sequence[Mistake]
    rps: int
    connections: int
    timeout_seconds: float


def hold(plan: LoadPlan, seconds: float, load: Load, comparison: AnswerComparison) -> None:
    """Hold the load for some seconds, and add what was seen to `load`."""
    asyncio.run(_Holding(plan, load, comparison).run(seconds))


class _Holding:
    def __init__(self, plan: LoadPlan, load: Load, comparison: AnswerComparison) -> None:
        self._plan = plan
        self._load = load
        self._comparison = comparison
        self._seen: dict[int, bytes] = {}

    async def run(self, seconds: float) -> None:
        plan, loop = self._plan, asyncio.get_running_loop()
        pool = Pool(plan.port, plan.connections, plan.timeout_seconds + _PATIENCE_SECONDS)
        started = loop.time()
        mistakes = cycle(plan.mistakes)
        async with asyncio.TaskGroup() as asking:
            for number in range(max(1, int(seconds * plan.rps))):
                await asyncio.sleep(max(0.0, started + number / plan.rps - loop.time()))
                asking.create_task(self._ask(pool, number % len(plan.known)))
                if number % _GOOD_A_MISTAKE == 0:
                    asking.create_task(self._mistake(pool, next(mistakes)))
            self._load.seconds += max(seconds, loop.time() - started)
        await pool.close()

    async def _ask(self, pool: Pool, place: int) -> None:
        # From here and not from when it was due: this program's own lateness is not the server's. Waiting
        # for a free connection is, so it counts.
        loop = asyncio.get_running_loop()
        started = loop.time()
        try:
            answer = await pool.ask(self._plan.known[place].request)
        except UNANSWERED as error:
            self._load.failures[f"no answer ({type(error).__name__})"] += 1
            return
        if answer.status != _OK:
            self._load.failures[f"{answer.status} {answer.body[:100].decode(errors='replace')}"] += 1
            return
        self._load.latencies.append(loop.time() - started)
        self._load.wrong += not self._is_right(place, answer)

    def _is_right(self, place: int, answer: Answer) -> bool:
        if self._seen.get(place) == answer.body:
            return True
        scores = PLAIN.scores(self._plan.signature, answer)
        if len(scores) != 1 or not self._comparison.agrees(scores[0], self._plan.known[place].scores):
            return False
        self._seen[place] = answer.body
        return True

    async def _mistake(self, pool: Pool, mistake: Mistake) -> None:
        try:
            found = str((await pool.ask(mistake.request)).status)
        except UNANSWERED as error:
            found = f"not at all ({type(error).__name__})"
        if found != str(mistake.status):
            self._load.accepted[f"{mistake.what} was answered {found}, not {mistake.status}"] += 1


def faults_of(load: Load, rps: int) -> Iterator[str]:
    """What a load has found, in sentences."""
    if load.wrong:
        yield f"{load.wrong:,} of {load.requests:,} answers under load were wrong"
    for what, count in load.accepted.most_common():
        yield f"a bad request was not refused: {what} ({count:,} times)"
    if load.requests < load.seconds * rps * _ENOUGH:
        yield (
            f"this machine sent only {load.requests / load.seconds:.0f} requests a second, where "
            f"`serving.tests.load.rps` is {rps}"
        )
