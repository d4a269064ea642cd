"""The account of answered requests: metrics, drift and log lines, settled many at a time.

One request's share of them touches so much code that it costs more than a small model's
prediction; done for dozens in a row the same work is several times cheaper.
"""

from __future__ import annotations

import asyncio
import random
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

from aimass_compiler import conventions
from aimass_compiler.runtime.server.drift import PREDICTION
from aimass_compiler.runtime.server.trace import logged

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from aimass_compiler.runtime.server.answer import Answer, Prediction
    from aimass_compiler.runtime.server.drift import Drift
    from aimass_compiler.runtime.server.log import Log
    from aimass_compiler.runtime.server.metrics import Metrics
    from aimass_compiler.runtime.server.settings import Settings
    from aimass_compiler.runtime.server.signature import Signature

_MOST_ENTRIES = 64
_MOST_ROWS = 1024
#: How late a log line may be; metrics never are, because a scrape settles first.
_SECONDS = 0.2
_LOGGED_ROWS = 100
_SERVER_ERROR = 500


class Entry(NamedTuple):
    """One answered request for a prediction."""

    time: datetime
    identity: bytes
    path: str
    seconds: float
    answer: Answer
    trace: bytes | None = None


class Ledger:
    """Collects entries of one event loop and settles them together."""

    def __init__(
        self, signature: Signature, settings: Settings, metrics: Metrics, drift: Drift, log: Log
    ) -> None:
        self._signature = signature
        self._access_share = settings.access_log
        self._sample = settings.prediction_sample
        self._metrics = metrics
        self._drift = drift
        self._log = log
        self._answer = conventions.LABEL_OUTPUT if signature.labels else conventions.PREDICTION_OUTPUT
        self._entries: list[Entry] = []
        self._rows = 0

    def note(self, entry: Entry) -> None:
        """Take up an entry, to be settled within a fifth of a second."""
        if not self._entries:
            asyncio.get_running_loop().call_later(_SECONDS, self.settle)
        self._entries.append(entry)
        if entry.answer.prediction is not None:
            self._rows += entry.answer.prediction.rows
        if len(self._entries) >= _MOST_ENTRIES or self._rows >= _MOST_ROWS:
            self.settle()

    def settle(self) -> None:
        """Count and log everything noted so far."""
        entries, self._entries, self._rows = self._entries, [], 0
        if not entries:
            return
        self._metrics.answered(
            [(entry.answer.status, entry.seconds, entry.answer.field) for entry in entries]
        )
        predictions = [entry.answer.prediction for entry in entries if entry.answer.prediction is not None]
        if predictions:
            self._metrics.predicted(
                list(chain.from_iterable(found.outputs[self._answer].tolist() for found in predictions))
            )
            self._drift.observe(
                [{**found.tensors, PREDICTION: found.outputs[self._answer]} for found in predictions]
            )
        self._log.write([self._line(entry) for entry in entries if self._is_logged(entry.answer.status)])
        if self._sample:
            self._log.write(self._samples(entries))

    def _is_logged(self, status: int) -> bool:
        if self._access_share in (0, 1):
            return self._access_share == 1
        return status >= _SERVER_ERROR or random.random() < self._access_share  # noqa: S311  # no secret

    def _line(self, entry: Entry) -> Mapping[str, Any]:
        answer = entry.answer
        line = {
            "time": entry.time,
            "level": "info",
            "event": "request",
            "id": entry.identity.decode(),
            "method": "POST",
            "path": entry.path,
            "code": answer.status,
            "rows": 0 if answer.prediction is None else answer.prediction.rows,
            "milliseconds": round(entry.seconds * 1000, 3),
        }
        if answer.field is not None:
            line["field"] = answer.field
        return line if entry.trace is None else line | logged(entry.trace)

    def _samples(self, entries: Sequence[Entry]) -> Iterator[Mapping[str, Any]]:
        for entry in entries:
            if entry.answer.prediction is not None and random.random() < self._sample:  # noqa: S311  # as above
                head = {"time": entry.time, "level": "info", "event": "prediction"}
                yield {**head, "id": entry.identity.decode(), **self._shown(entry.answer.prediction)}

    def _shown(self, prediction: Prediction) -> dict[str, Any]:
        """Inputs by column and outputs by name; at most 100 rows, and pictures never."""
        inputs = {
            field.name: prediction.tensors[field.tensor][:_LOGGED_ROWS, index].tolist()
            for fields in (self._signature.numbers, self._signature.strings)
            for index, field in enumerate(fields)
        }
        outputs = {name: output[:_LOGGED_ROWS].tolist() for name, output in prediction.outputs.items()}
        return {"inputs": inputs, "outputs": outputs}
