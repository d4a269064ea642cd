"""The test of a served language model: certified answers, a load of streams, bad callers, a stop."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from aimass_compiler import conventions
from aimass_compiler.programs.model_server import HOST, RunningServer, ServerError, running
from aimass_compiler.runtime.workspace import read_json

if TYPE_CHECKING:
    from pathlib import Path

    from aimass_compiler.pipeline.serving import Limits

Messages = Sequence[Mapping[str, str]]
#: Streams at once: how many answers a CPU gives in a second depends on the model, so they are not sent by the
#: clock, but one after the other.
_CALLERS = 2
_ABORTED = 50
_ANSWER_SECONDS = 120
_END_SECONDS = 90.0
_SEEN_SECONDS = 10.0
_LOOK_SECONDS = 0.05
#: Of a soak, after which memory is first looked at, and growth that is no leak.
_SETTLED = 0.2
_GROWTH_SHARE, _GROWTH_BYTES = 0.1, 16 * 2**20
_RUNNING = conventions.ENGINE_PREFIXES["onnx"] + conventions.METRIC_RUNNING
_GENERATED = conventions.ENGINE_PREFIXES["onnx"] + conventions.METRIC_GENERATED_TOKENS
#: Of the process that answers, and of the one that runs the model.
_RESIDENT = "process_resident_memory_bytes"
_OK, _BAD, _LOST = 200, 400, 404
#: What must be refused, and how.
MISTAKES: Sequence[tuple[str, Mapping[str, Any], int]] = (
    ("no messages", {"messages": []}, _BAD),
    ("a negative length", {"max_tokens": -1}, _BAD),
    ("an answer beyond the context", {"max_tokens": 10**9}, _BAD),
    ("a temperature below zero", {"temperature": -1}, _BAD),
    ("a grammar that is none", {"structured_outputs": {"regex": "(("}}, _BAD),
    ("another model", {"model": "another model"}, _LOST),
)


@dataclass
class AnswerMeasurements:
    """What was seen of a running server of a language model."""

    asked: int = 0
    """Certified prompts."""
    wrong: int = 0
    """Those that were answered otherwise than certified."""
    largest_difference: float = 0.0
    """Between log-probabilities."""
    requests: int = 0
    tokens: int = 0
    seconds: float = 0.0
    first_token_seconds: list[float] = field(default_factory=list)
    token_seconds: list[float] = field(default_factory=list)
    answer_seconds: list[float] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)
    """Good requests that were not answered, by what came instead."""
    faults: list[str] = field(default_factory=list)
    """What else went wrong, in sentences."""


def measure_answers(
    package: Path,
    prompts: Sequence[Messages],
    limits: Limits,
    seconds: float,
    *,
    classes: Sequence[str | None] = (),
    is_soak: bool = False,
) -> AnswerMeasurements:
    """Ask the golden prompts, then hold a load of `prompts`, then misbehave, then stop the server.

    Where there are `classes`, the prompts are also answered in the model's own form, each with its class;
    None where any will do.
    """
    found = AnswerMeasurements()
    variables = {
        conventions.VARIABLE_CONCURRENCY: str(limits.concurrency),
        conventions.VARIABLE_TIMEOUT_SECONDS: f"{limits.timeout.seconds:g}",
        conventions.VARIABLE_BODY_BYTES: str(limits.body.size),
    }
    test = _AnswerTest(found, read_json(package / conventions.GOLDEN_FILE), prompts, classes)
    try:
        with running(package, variables) as server:
            try:
                test.run(server, seconds, is_soak=is_soak)
            except (OSError, http.client.HTTPException) as error:
                server.check(1.0)
                raise ServerError(f"the server runs but does not answer: {error!r}") from error
    except ServerError as death:
        found.faults.append(str(death))
    return found


class _AnswerTest:
    def __init__(
        self,
        found: AnswerMeasurements,
        golden: Mapping[str, Any],
        prompts: Sequence[Messages],
        classes: Sequence[str | None],
    ) -> None:
        self._found = found
        self._golden = golden
        self._prompts = prompts
        self._classes = classes
        self._lock = threading.Lock()

    def run(self, server: RunningServer, seconds: float, *, is_soak: bool) -> None:
        self._compare(server)
        self._found.faults.extend(self._misjudged(server))
        if is_soak:
            self._hold(server, seconds * _SETTLED)
            before = _values(server, _RESIDENT)
            self._hold(server, seconds * (1 - _SETTLED))
            self._found.faults.extend(_growth(before, _values(server, _RESIDENT)))
        else:
            self._hold(server, seconds)
        server.check()
        for fault in (*self._mistakes(server), *_leaving(server, self._prompts[0])):
            self._found.faults.append(fault)
        self._compare(server)
        self._found.faults.extend(_stopping(server, self._prompts[0]))

    def _compare(self, server: RunningServer) -> None:
        """Hold tokens, by their log-probabilities, and the words of a stream against what was certified."""
        for golden in self._golden["prompts"]:
            certified = golden["log_probabilities"]
            document = {
                "messages": golden["messages"],
                "logprobs": True,
                "max_tokens": len(golden["answer_ids"]),
                "response_format": {"type": "text"},
            }
            status, answer = _post(server.port, document)
            self._found.asked += 1
            if status != _OK:
                self._found.wrong += 1
                self._found.faults.append(f"a certified prompt was answered {status}: {str(answer)[:200]}")
                continue
            choice = answer["choices"][0]
            told = [entry["logprob"] for entry in choice["logprobs"]["content"]]
            apart = max((abs(a - b) for a, b in zip(told, certified, strict=False)), default=0.0)
            self._found.largest_difference = max(self._found.largest_difference, apart)
            streamed = "".join(piece for piece, _ in _stream(server.port, document))
            is_same = len(told) == len(certified) and streamed == choice["message"]["content"]
            self._found.wrong += not (is_same and apart <= self._golden["tolerance"])

    def _misjudged(self, server: RunningServer) -> Iterator[str]:
        """Classes are chosen token by token, and were evaluated as a whole: that can differ."""
        others = []
        for prompt, wanted in zip(self._prompts, self._classes, strict=False):
            if wanted is None:
                continue
            status, answer = _post(server.port, {"messages": prompt})
            given = answer["choices"][0]["message"]["content"] if status == _OK else f"status {status}"
            if given != wanted:
                others.append((given, wanted))
        if others:
            given, wanted = others[0]
            yield (
                f"{len(others)} of {len(self._classes)} rows are given another class than was evaluated, "
                f"such as `{given}` in place of `{wanted}`: let the names of classes begin differently"
            )

    def _hold(self, server: RunningServer, seconds: float) -> None:
        written, started = _values(server, _GENERATED), time.monotonic()
        until = started + seconds
        with ThreadPoolExecutor(_CALLERS) as callers:
            list(callers.map(lambda first: self._ask_on(server.port, until, first), range(_CALLERS)))
        self._found.seconds += time.monotonic() - started
        self._found.tokens += int(_values(server, _GENERATED) - written)

    def _ask_on(self, port: int, until: float, first: int) -> None:
        place = first
        while time.monotonic() < until:
            began, times = time.monotonic(), []
            try:
                for _, at in _stream(port, {"messages": self._prompts[place % len(self._prompts)]}):
                    times.append(at)
            except (OSError, http.client.HTTPException, ValueError) as error:
                with self._lock:
                    self._found.requests += 1
                    self._found.failures[str(error)[:100] or type(error).__name__] += 1
                continue
            with self._lock:
                self._note(began, times)
            place += _CALLERS

    def _note(self, began: float, times: Sequence[float]) -> None:
        found = self._found
        found.requests += 1
        found.answer_seconds.append(time.monotonic() - began)
        if times:
            found.first_token_seconds.append(times[0] - began)
            found.token_seconds.extend(now - then for then, now in pairwise(times))

    def _mistakes(self, server: RunningServer) -> Iterator[str]:
        for what, more, wanted in MISTAKES:
            status, _ = _post(server.port, {"messages": self._prompts[0], **more})
            if status != wanted:
                yield f"a bad request was not refused: {what} was answered {status}, not {wanted}"


def _connected(port: int, document: Mapping[str, Any]) -> http.client.HTTPConnection:
    connection = http.client.HTTPConnection(HOST, port, timeout=_ANSWER_SECONDS)
    body = json.dumps(document).encode()
    connection.request("POST", conventions.CHAT_PATH, body, {"content-type": "application/json"})
    return connection


def _post(port: int, document: Mapping[str, Any]) -> tuple[int, Any]:
    connection = _connected(port, document)
    try:
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def _stream(port: int, document: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """The pieces of a streamed answer, and when each came; raises ValueError where it breaks off."""
    connection = _connected(port, {**document, "stream": True})
    try:
        response = connection.getresponse()
        if response.status != _OK:
            raise ValueError(f"{response.status} {response.read(200).decode(errors='replace')}")
        yield from _pieces(response)
    finally:
        connection.close()


def _pieces(response: http.client.HTTPResponse) -> Iterator[tuple[str, float]]:
    for line in response:
        if not line.startswith(b"data: "):
            continue
        if line.strip() == b"data: [DONE]":
            return
        event = json.loads(line[len(b"data: ") :])
        if "error" in event:
            raise ValueError(str(event["error"]["message"]))
        if text := event["choices"][0]["delta"].get("content"):
            yield text, time.monotonic()
    raise ValueError("the stream broke off")


def _leaving(server: RunningServer, prompt: Messages) -> Iterator[str]:
    """Callers that go away in mid-stream must leave no place taken."""
    for _ in range(_ABORTED):
        connection = _connected(server.port, {"messages": prompt, "stream": True})
        connection.getresponse().read(1)
        connection.close()
    until = time.monotonic() + _SEEN_SECONDS
    while not _is_idle(server):
        if time.monotonic() > until:
            yield f"{_ABORTED} callers that went away in mid-stream left places taken"
            return
        time.sleep(_LOOK_SECONDS)


def _is_idle(server: RunningServer) -> bool:
    return not _values(server, _RUNNING)


def _values(server: RunningServer, name: str) -> float:
    """The sum of the series whose name ends so."""
    lines = server.get(conventions.METRICS_PATH)[1].splitlines()
    series = [line.rpartition(" ") for line in lines if not line.startswith("#")]
    return sum(float(value) for each, _, value in series if each.partition("{")[0].endswith(name))


def _stopping(server: RunningServer, prompt: Messages) -> Iterator[str]:
    """A stream that was begun must end as it would have, and the server after it."""
    connection = _connected(server.port, {"messages": prompt, "stream": True})
    response = connection.getresponse()
    server.terminate()
    try:
        list(_pieces(response))
    except (OSError, http.client.HTTPException, ValueError) as error:
        yield f"a stream that was begun at SIGTERM did not end well: {error}"
    connection.close()
    if fault := server.end(_END_SECONDS):
        yield fault


def _growth(before: float, after: float) -> Iterator[str]:
    if after - before > max(_GROWTH_BYTES, before * _GROWTH_SHARE):
        grown = f"from {before / 2**20:.0f} to {after / 2**20:.0f} MiB"
        yield f"the server's memory grew {grown} in the last {1 - _SETTLED:.0%} of the soak"
