"""The account of each request: counted, and logged as one line, and a sample with its words."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING, Any, NamedTuple

from aimass_compiler.runtime.server.answered_request import AnsweredRequest
from aimass_compiler.runtime.server.request_traces import traces_to
from aimass_compiler.runtime.server.response import logged

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aimass_compiler.runtime.language_server.exchange import Exchange
    from aimass_compiler.runtime.language_server.metrics import LanguageMetrics
    from aimass_compiler.runtime.language_server.protocol import WantedAnswer
    from aimass_compiler.runtime.language_server.settings import LanguageSettings
    from aimass_compiler.runtime.server.log import EventLog

_SERVER_ERROR = 500
#: Characters of a prompt or an answer that a log bears.
_LOGGED = 4000


class AnswerEntry(NamedTuple):
    """One request that has been dealt with."""

    identity: bytes
    path: str
    status: int
    seconds: float
    wanted: WantedAnswer | None
    exchange: Exchange | None
    text: str
    trace: bytes | None
    field: str | None
    caller: str | None = None
    """Who asked, where callers are declared and it is one of them."""
    is_shut_out: bool = False
    """Whether it was refused for who asked, or for what that caller had spent."""


class AnswerAccount:
    """Counts and logs requests."""

    def __init__(
        self,
        settings: LanguageSettings,
        metrics: LanguageMetrics,
        log: EventLog,
        served: Mapping[str, str],
    ) -> None:
        """Of a model, `served` with its name and version."""
        self._access_share = settings.access_log
        self._sample = settings.prediction_sample
        self._metrics = metrics
        self._log = log
        self._served = served
        self.traces = traces_to(settings, served)

    def note(self, entry: AnswerEntry) -> None:
        """Count and log one request."""
        self._metrics.answered(entry.status, entry.seconds, is_shut_out=entry.is_shut_out)
        told = {} if entry.trace is None else logged(entry.trace)
        if self.traces is not None:
            told = {**self.traces.note(_answered(entry, self._served))}
        self._log.write(self._lines(entry, told))

    def close(self) -> None:
        """Export the last spans."""
        if self.traces is not None:
            self.traces.close()

    def _lines(self, entry: AnswerEntry, told: Mapping[str, str]) -> Iterator[Mapping[str, Any]]:
        if self._is_logged(entry.status):
            yield {**_line(entry), **told}
        if entry.exchange is None or entry.wanted is None:
            return
        if self._sample and random.random() < self._sample:  # noqa: S311  # no secret
            yield {
                **_head("prediction"),
                "id": entry.identity.decode(),
                "inputs": {"prompt": entry.wanted.text[:_LOGGED]},
                "outputs": {"answer": entry.text[:_LOGGED]},
            }

    def _is_logged(self, status: int) -> bool:
        if self._access_share in (0, 1):
            return self._access_share == 1
        return status >= _SERVER_ERROR or random.random() < self._access_share  # noqa: S311  # as above


def _head(event: str) -> dict[str, Any]:
    return {"time": datetime.now(UTC), "level": "info", "event": event}


def _line(entry: AnswerEntry) -> dict[str, Any]:
    line = {
        **_head("request"),
        "id": entry.identity.decode(),
        "method": "POST",
        "path": entry.path,
        "code": entry.status,
        "milliseconds": round(entry.seconds * 1000, 3),
    }
    if entry.wanted is not None:
        line |= {"prompt_tokens": len(entry.wanted.prompt), "stream": entry.wanted.is_streamed}
    if entry.exchange is not None:
        line |= {"answer_tokens": entry.exchange.tokens, "finish_reason": entry.exchange.reason}
        if entry.exchange.first_seconds is not None:
            line["first_token_milliseconds"] = round(entry.exchange.first_seconds * 1000, 3)
    if entry.field is not None:
        line["field"] = entry.field[:100]
    if entry.caller is not None:
        line["caller"] = entry.caller
    return line


def _answered(entry: AnswerEntry, served: Mapping[str, str]) -> AnsweredRequest:
    """A request for an answer: how long it waited for its first token, and how long the others took."""
    ended = monotonic()
    started = ended - entry.seconds
    about: dict[str, str | int] = {
        "aimass.model": served["model"],
        "aimass.version": served["version"],
        "aimass.request_id": entry.identity.decode(),
    }
    parts: tuple[tuple[str, float, float], ...] = ()
    if entry.wanted is not None:
        about["gen_ai.usage.input_tokens"] = len(entry.wanted.prompt)
    if entry.exchange is not None and entry.exchange.first_seconds is not None:
        about["gen_ai.usage.output_tokens"] = entry.exchange.tokens
        first = started + entry.exchange.first_seconds
        parts = (("first token", started, first), ("generation", first, ended))
    return AnsweredRequest(entry.path, entry.trace, started, ended, entry.status, about, parts)
