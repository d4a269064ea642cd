"""`python -m aimass_compiler.runtime.language_server.worker DESCRIPTOR FOLDER THREADS`: run the model.

It is a process of its own because the engine holds Python's lock while it computes: beside it, no probe and
no other caller would be answered. Its parent is at the other end of the socket; it ends when the parent does.
"""

from __future__ import annotations

import select
import signal
import socket
import sys
from multiprocessing.connection import Connection
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy
import onnxruntime_genai
import orjson

from aimass_compiler.runtime.language_server.generation import (
    AnswerEnd,
    Cancel,
    GenerationRequest,
    Loaded,
    Token,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

#: Tokens of a prompt that are read in one turn, so that a long one holds up the other answers little.
_PROMPT_TOKENS = 256
#: Tokens that come faster than this are told together: each telling costs both processes more than it brings.
_GATHER_SECONDS = 0.002
_SEEDS = 2**31


class _Writing:
    """An answer that is being written: a generator of its own, which takes turns with the others."""

    def __init__(self, model: Any, ask: GenerationRequest) -> None:
        parameters = onnxruntime_genai.GeneratorParams(model)
        parameters.set_search_options(**_options(ask))
        if ask.guide is not None:
            parameters.set_guidance(ask.guide.kind, ask.guide.text)
        self._generator = onnxruntime_genai.Generator(model, parameters)
        self._ask = ask
        self._unread = numpy.array(ask.prompt, dtype=numpy.int32)
        self.is_done = False
        self.is_begun = False
        """Whether its first token has been told."""

    def turn(self) -> Iterator[Token]:
        """Read a piece of the prompt, and behind it write one token."""
        if len(self._unread):
            piece, self._unread = self._unread[:_PROMPT_TOKENS], self._unread[_PROMPT_TOKENS:]
            self._generator.append_tokens(piece)
            if len(self._unread):
                return
        generator, ask = self._generator, self._ask
        logits = generator.get_logits()[0, -1] if ask.alternatives >= 0 else None
        generator.generate_next_token()
        token = int(generator.get_next_tokens()[0])
        self.is_done = generator.is_done()
        yield Token(ask.number, token) if logits is None else _with_probabilities(ask, token, logits)


def _options(ask: GenerationRequest) -> dict[str, Any]:
    how = ask.sampling
    options: dict[str, Any] = {
        "max_length": len(ask.prompt) + ask.most,
        "min_length": len(ask.prompt) + ask.least,
        "batch_size": 1,
        "num_beams": 1,
        "do_sample": how.temperature > 0,
        "repetition_penalty": how.repetition_penalty,
        "temperature": how.temperature or 1.0,
        "top_k": how.top_k,
        "top_p": how.top_p,
    }
    return options if how.seed is None else {**options, "random_seed": how.seed % _SEEDS}


def _with_probabilities(ask: GenerationRequest, token: int, logits: numpy.ndarray) -> Token:
    """The token with the model's own log-probabilities, before temperature and grammar."""
    raised = logits.astype(numpy.float64) - float(logits.max())
    logarithms = raised - numpy.log(numpy.exp(raised).sum())
    count = min(ask.alternatives, len(logarithms))
    likeliest = numpy.argsort(-logarithms, kind="stable")[:count].tolist()
    return Token(
        ask.number,
        token,
        float(logarithms[token]),
        tuple((place, float(logarithms[place])) for place in likeliest),
    )


class _Worker:
    def __init__(self, connection: Connection, model: Any) -> None:
        self._connection = connection
        self._model = model
        self._writing: dict[int, _Writing] = {}
        self._untold: list[Token | AnswerEnd] = []
        self._is_urgent = False

    def run(self) -> None:
        """Work until the parent is gone."""
        arriving = select.poll()  # `Connection.poll` makes one each time
        arriving.register(self._connection.fileno(), select.POLLIN)
        told = 0.0
        while True:
            while not self._writing or arriving.poll(0):
                self._take(self._connection.recv())
            self._untold.extend(self._round())
            now = perf_counter()
            if self._untold and (self._is_urgent or now - told >= _GATHER_SECONDS):
                self._connection.send(self._untold)
                self._untold, self._is_urgent, told = [], False, now

    def _take(self, message: GenerationRequest | Cancel) -> None:
        if isinstance(message, Cancel):
            # One that has ended was told so already.
            if self._writing.pop(message.number, None) is not None:
                self._tell(AnswerEnd(message.number))
            return
        try:
            self._writing[message.number] = _Writing(self._model, message)
        except Exception as error:  # noqa: BLE001  # whatever the engine raises, it is this request's
            self._tell(AnswerEnd(message.number, _said(error)))

    def _tell(self, end: AnswerEnd) -> None:
        """Tell at once, behind what was not told yet."""
        self._connection.send([*self._untold, end])
        self._untold = []

    def _round(self) -> Sequence[Token | AnswerEnd]:
        """Each answer's turn."""
        events: list[Token | AnswerEnd] = []
        for number, writing in list(self._writing.items()):
            try:
                events.extend(writing.turn())
            except Exception as error:  # noqa: BLE001  # as above
                events.append(AnswerEnd(number, _said(error)))
                del self._writing[number]
                self._is_urgent = True
                continue
            if events and not writing.is_begun:
                writing.is_begun = self._is_urgent = True
            if writing.is_done:
                events.append(AnswerEnd(number))
                del self._writing[number]
                self._is_urgent = True
        return events


def _said(error: Exception) -> str:
    return str(error) or type(error).__name__


def _loaded(folder: str, threads: int) -> Any:
    configuration = onnxruntime_genai.Config(folder)
    options = {"intra_op_num_threads": threads, "inter_op_num_threads": 1}
    configuration.overlay(orjson.dumps({"model": {"decoder": {"session_options": options}}}).decode())
    return onnxruntime_genai.Model(configuration)


def main(arguments: Sequence[str]) -> int:
    """Load the model, say so, and write answers until the other end of the socket is closed."""
    descriptor, folder, threads = arguments
    # A terminal's Ctrl-C reaches both processes; the parent decides what becomes of answers that are written.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    onnxruntime_genai.disable_telemetry_events()
    with Connection(socket.socket(fileno=int(descriptor)).detach()) as connection:
        try:
            model = _loaded(folder, int(threads))
        except Exception as error:  # noqa: BLE001  # the parent says so
            connection.send(Loaded(_said(error)))
            return 1
        connection.send(Loaded())
        try:
            _Worker(connection, model).run()
        except (EOFError, OSError):
            return 0
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
