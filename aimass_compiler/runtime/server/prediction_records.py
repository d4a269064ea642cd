"""Prediction records: what was asked and answered, one JSON object a row, in the order of the contract.

A record is data and no log: it has a schema, and columns that the contract marks as personal leave the server
as a keyed hash or not at all. `docs/logs.md` describes every field.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, Protocol

from aimass_compiler import conventions, record_names, timestamps
from aimass_compiler.keyed_hash import keyed_hash
from aimass_compiler.runtime.server.background_writer import BackgroundWriter
from aimass_compiler.runtime.server.model import predictions_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from aimass_compiler.runtime.server.answered_request import RequestEntry
    from aimass_compiler.runtime.server.log import EventLog
    from aimass_compiler.runtime.server.model_signature import Field, Signature
    from aimass_compiler.runtime.server.response import Prediction
    from aimass_compiler.runtime.server.settings import ServerSettings

#: What waits to be written at most: at 200 columns some 20 MB.
_MOST_ROWS = 20_000


class RecordSink(Protocol):
    """Where records go."""

    def write(self, records: Iterable[Mapping[str, Any]]) -> None:
        """Take them; what cannot be taken is dropped and counted there."""

    def close(self) -> None:
        """Write out what was taken."""


class LoggedRecords:
    """Records among the lines of the server's log, where no folder is set."""

    def __init__(self, log: EventLog) -> None:
        self._log = log

    def write(self, records: Iterable[Mapping[str, Any]]) -> None:
        self._log.write([{"level": "info", "event": "prediction", **record} for record in records])

    def close(self) -> None:
        """The log is closed by whoever opened it."""


class PredictionRecords:
    """Samples requests, and makes and writes their records on a thread of its own."""

    def __init__(self, signature: Signature, settings: ServerSettings, sink: RecordSink) -> None:
        self._signature = signature
        self._sample = settings.prediction_sample
        self._key = settings.record_key.encode()
        self._hidden = {field.name: field.pii for field in signature.fields if field.pii is not None}
        self._hidden |= settings.hidden_columns
        self._place = {
            "namespace": settings.namespace,
            "model": signature.model,
            "version": signature.version,
        }
        self._sink = sink
        self._writer = BackgroundWriter("records", _MOST_ROWS, self._written)
        self.dropped = 0
        """Rows that were sampled while too many waited to be written."""

    def take(self, entries: Iterable[RequestEntry]) -> None:
        """Sample requests that were answered with a prediction."""
        if not self._sample:
            return
        for entry in entries:
            prediction = entry.answer.prediction
            if prediction is None or random.random() >= self._sample:  # noqa: S311  # no secret
                continue
            if not self._writer.put(entry, prediction.rows):
                self.dropped += prediction.rows

    def close(self) -> None:
        """Write what was taken."""
        self._writer.close()

    def _written(self, entry: RequestEntry) -> None:
        self._sink.write(self._records(entry))

    def _records(self, entry: RequestEntry) -> Iterator[Mapping[str, Any]]:
        prediction = entry.answer.prediction
        assert prediction is not None  # noqa: S101  # only those are taken
        head = {
            "schema": record_names.RECORD_FORMAT,
            "time": entry.time,
            "request_id": entry.identity.decode(),
            **self._place,
            "caller": entry.caller,
            "seconds": round(entry.seconds, 6),
        }
        inputs = self._inputs(prediction)
        for row, outputs in enumerate(predictions_of(self._signature, prediction.outputs)):
            values = {name: column[row] for name, column in inputs.items()}
            yield {**head, "row": row, "inputs": values, "outputs": outputs}

    def _inputs(self, prediction: Prediction) -> dict[str, Sequence[Any]]:
        """The columns of a request by name; pictures and series never, personal ones as the contract says."""
        found: dict[str, Sequence[Any]] = {}
        for tensor, fields in self._signature.packed.items():
            for place, field in enumerate(fields):
                way = self._hidden.get(field.name)
                if way is None:
                    found[field.name] = _values(field, prediction.tensors[tensor][:, place].tolist())
                elif way == record_names.HASHED and self._key:
                    values = _values(field, prediction.tensors[tensor][:, place].tolist())
                    found[field.name] = self._hashed(field.name, values)
        if self._key:
            found |= {name: self._hashed(name, values) for name, values in prediction.keys.items()}
        return found

    def _hashed(self, column: str, values: Sequence[Any]) -> list[str | None]:
        return [None if value in (None, "") else keyed_hash(self._key, column, value) for value in values]


def _values(field: Field, values: list[Any]) -> list[Any]:
    """A column as a request writes it: a time as a date, and null where a value is missing."""
    if field.tensor == conventions.STRINGS_TENSOR:
        return [value or None for value in values]
    written = timestamps.text if field.is_time else float
    return [None if value != value else written(value) for value in values]  # noqa: PLR0124  # NaN is missing
