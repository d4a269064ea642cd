"""What callers do to the replicas of a model, at a steady pace whatever is answered."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from aimass_compiler import conventions
from aimass_compiler.programs.model_server import HOST
from aimass_compiler.runtime.load_test.load import UNANSWERED, Pool
from aimass_compiler.runtime.load_test.protocols import PLAIN, Mistake, Request, ServedSignature, mistakes

Row = Mapping[str, Any]
_A_SECOND = 20
_PATIENCE_SECONDS = 10
#: How long 99 of 100 answers may take, by every shipped spec.
OBJECTIVE_SECONDS = 0.1
#: How long a slow caller takes for a body: longer than the objective, shorter than the server waits.
_SLOW_SECONDS = 1.6
#: Slow callers of a server, more than it has room for, and how soon each asks again.
_SLOW_CALLERS, _AGAIN_SECONDS = 24, 0.5


@dataclass(frozen=True)
class Callers:
    """Who asks: what they know of the model, and rows as it was trained on."""

    signature: ServedSignature
    rows: Sequence[Row]
    body_bytes: int

    def well(self) -> Iterator[Request]:
        """Rows as in training, and one request of twenty that is wrong in some way."""
        wrong = itertools.cycle(mistakes(self.signature, self.body_bytes))
        starts = itertools.cycle(range(0, len(self.rows), 25))
        while True:
            for _ in range(19):
                start = next(starts)
                yield PLAIN.request(self.signature, self.rows[start : start + 25])
            yield next(wrong).request

    def drifting(self) -> Iterator[Request]:
        """The same row over and over, and half of the requests break the contract."""
        broken = itertools.cycle(self._broken())
        while True:
            yield PLAIN.request(self.signature, [self.rows[0]] * 100)
            yield next(broken).request

    def large(self) -> Request:
        """One row in a body as large as may be."""
        document = {"rows": [self.rows[0]]}
        return Request(conventions.PREDICT_PATH, orjson.dumps(document).ljust(self.body_bytes))

    def _broken(self) -> list[Mistake]:
        return [each for each in mistakes(self.signature, self.body_bytes) if each.status == 422]


def ask(
    ports: Sequence[int],
    requests: Iterator[Request],
    until: Callable[[], bool],
    slowly: Request | None = None,
) -> Counter[str]:
    """Ask the servers in turn until something is so; counts what came back, by status, and what was slow.

    With `slowly`, others send this request meanwhile, more of them than the servers have room for.
    """
    return asyncio.run(_ask(ports, requests, until, slowly))


async def _ask(
    ports: Sequence[int], requests: Iterator[Request], until: Callable[[], bool], slowly: Request | None
) -> Counter[str]:
    answers: Counter[str] = Counter()
    pools = itertools.cycle([Pool(port, 64, _PATIENCE_SECONDS) for port in ports])
    slow = [
        asyncio.create_task(_slow_caller(port, slowly))
        for port in (ports if slowly is not None else ())
        for _ in range(_SLOW_CALLERS)
    ]
    waiting = asyncio.create_task(_is_so(until))
    asking: set[asyncio.Task[None]] = set()
    while not waiting.done():
        task = asyncio.create_task(_one(next(pools), next(requests), answers))
        asking.add(task)
        task.add_done_callback(asking.discard)
        await asyncio.sleep(1 / _A_SECOND)
    await asyncio.gather(*asking)
    for task in slow:
        task.cancel()
    await asyncio.gather(*slow, return_exceptions=True)
    await waiting
    return answers


async def _is_so(until: Callable[[], bool]) -> None:
    """Looked at on a thread: it asks Prometheus, and callers must not wait for that."""
    while not await asyncio.to_thread(until):
        await asyncio.sleep(0.3)


async def _one(pool: Pool, request: Request, answers: Counter[str]) -> None:
    started = asyncio.get_running_loop().time()
    try:
        answers[str((await pool.ask(request)).status)] += 1
    except UNANSWERED:
        answers["none"] += 1
    answers["slow"] += asyncio.get_running_loop().time() - started > OBJECTIVE_SECONDS


async def _slow_caller(port: int, request: Request) -> None:
    """Sends its body's end much later than the rest, again and again; callers do not wait for each other."""
    await asyncio.sleep(random.uniform(0, _SLOW_SECONDS))  # noqa: S311  # no secret
    head, _, body = request.wire.partition(b"\r\n\r\n")
    while True:
        with contextlib.suppress(*UNANSWERED):
            reader, writer = await asyncio.open_connection(HOST, port)
            try:
                writer.write(head + b"\r\n\r\n" + body[:-1])
                answered = asyncio.create_task(reader.read(1))
                await asyncio.wait({answered}, timeout=_SLOW_SECONDS)
                if not answered.done():  # otherwise there was no room
                    writer.write(body[-1:])
                async with asyncio.timeout(_PATIENCE_SECONDS):  # wait_for may swallow a cancellation
                    await answered
            finally:
                writer.close()
        await asyncio.sleep(_AGAIN_SECONDS)
