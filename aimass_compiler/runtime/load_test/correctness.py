"""Every row asked in every dialect, in batches and alone, and held against what was expected."""

from __future__ import annotations

import http.client
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from aimass_compiler.programs.model_server import HOST
from aimass_compiler.runtime.load_test.protocols import DIALECTS, Answer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aimass_compiler.runtime.load_test.protocols import Dialect, Request, ServedSignature

_BATCH_ROWS = 200
#: Rows that are also asked alone: the server answers those another way than batches.
_SINGLE_ROWS = 50
_SHOWN_REFUSALS = 3
_OK = 200


@dataclass
class AnswerComparison:
    """What the comparison has found so far."""

    tolerance: float
    unit: float
    """What differences are measured in, as `unit_of` says."""
    largest: float = 0.0
    wrong: set[int] = field(default_factory=set)
    refusals: list[str] = field(default_factory=list)

    def agrees(self, found: Sequence[float], expected: Sequence[float]) -> bool:
        """Whether the scores of a row are near enough."""
        near = len(found) == len(expected)
        for score, wanted in zip(found, expected, strict=False):
            apart = abs(score - wanted) / self.unit
            near = near and apart <= self.tolerance  # which NaN is not
            self.largest = max(self.largest, apart) if math.isfinite(apart) else self.largest
        return near


def compare(
    comparison: AnswerComparison,
    port: int,
    signature: ServedSignature,
    rows: Sequence[Mapping[str, Any]],
    expected: Sequence[Sequence[float]],
    body_bytes: int,
) -> None:
    """Ask for all rows; raises OSError or HTTPException when the server does not answer."""
    connection = http.client.HTTPConnection(HOST, port, timeout=60)
    try:
        for dialect in DIALECTS:
            sayable = [place for place, row in enumerate(rows) if dialect.can_say(signature, row)]
            for places in _batches(sayable, rows, body_bytes):
                answer = _ask(connection, dialect.request(signature, [rows[place] for place in places]))
                _judge(comparison, dialect, signature, places, answer, expected)
    finally:
        connection.close()


def _batches(
    places: Sequence[int], rows: Sequence[Mapping[str, Any]], body_bytes: int
) -> Iterator[Sequence[int]]:
    """The places of rows that are asked together: all of them in batches, then some alone."""
    largest = max((len(orjson.dumps(rows[place])) for place in places), default=1)
    count = max(1, min(_BATCH_ROWS, body_bytes // (2 * largest)))
    for start in range(0, len(places), count):
        yield places[start : start + count]
    for place in places[:: max(1, len(places) // _SINGLE_ROWS)]:
        yield [place]


def _ask(connection: http.client.HTTPConnection, request: Request) -> Answer:
    connection.request(request.method, request.path, request.body, dict(request.headers))
    response = connection.getresponse()
    return Answer(
        response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
    )


def _judge(
    comparison: AnswerComparison,
    dialect: Dialect,
    signature: ServedSignature,
    places: Sequence[int],
    answer: Answer,
    expected: Sequence[Sequence[float]],
) -> None:
    if answer.status != _OK:
        comparison.wrong.update(places)
        if len(comparison.refusals) < _SHOWN_REFUSALS:
            message = answer.body[:200].decode(errors="replace")
            comparison.refusals.append(
                f"{dialect.name} answered {answer.status} to {len(places)} good rows: {message}"
            )
        return
    scores = dialect.scores(signature, answer)
    if len(scores) != len(places):
        comparison.wrong.update(places)
        comparison.refusals.append(f"{dialect.name} answered {len(scores)} rows for {len(places)}")
        return
    for place, found in zip(places, scores, strict=True):
        if not comparison.agrees(found, expected[place]):
            comparison.wrong.add(place)
