"""The process that runs the model, seen from the one that answers callers: started, asked, and queued for."""

from __future__ import annotations

import asyncio
import collections
import socket
import subprocess
import sys
from multiprocessing.connection import Connection
from time import monotonic
from typing import TYPE_CHECKING

from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.runtime.language_server.generation import (
    AnswerEnd,
    Cancel,
    GenerationRequest,
    Loaded,
    Token,
)
from aimass_compiler.runtime.server.request import CallerGone
from aimass_compiler.runtime.server.response import ServerFailure

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_WORKER = "aimass_compiler.runtime.language_server.worker"
_END_SECONDS = 1.0


class EngineProcess:
    """The model in a process of its own; closing it ends the process."""

    def __init__(self, folder: Path, threads: int) -> None:
        """Load the model; raises ServerFailure where it cannot be."""
        ours, theirs = socket.socketpair()
        with theirs:
            command = [sys.executable, "-m", _WORKER, str(theirs.fileno()), str(folder), str(threads)]
            self._process = subprocess.Popen(  # noqa: S603  # a list of arguments, never a shell
                command, pass_fds=(theirs.fileno(),), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
            )
        self.connection = Connection(ours.detach())
        try:
            loaded: Loaded = self.connection.recv()
        except (EOFError, OSError):
            loaded = Loaded(f"the engine's process ended with {self._process.wait()}")
        if loaded.failure:
            self.close()
            message = f"{folder} cannot be loaded by onnxruntime-genai: {loaded.failure}"
            raise ServerFailure(ExitCode.PACKAGE, message)

    @property
    def pid(self) -> int:
        return self._process.pid

    def answer(self, ask: GenerationRequest) -> list[Token]:
        """Every token of an answer, waited for; raises ServerFailure where there is none.

        Only before the engine is shared.
        """
        tokens: list[Token] = []
        try:
            self.connection.send(ask)
            while True:
                for event in self.connection.recv():
                    if isinstance(event, AnswerEnd):
                        if event.refusal:
                            raise ServerFailure(
                                ExitCode.PACKAGE, f"the model does not answer: {event.refusal}"
                            )
                        return tokens
                    tokens.append(event)
        except (EOFError, OSError) as error:
            raise ServerFailure(ExitCode.PACKAGE, "the engine's process ended while it was asked") from error

    def close(self) -> None:
        """End the process, which does so itself once nobody is at the other end."""
        self.connection.close()
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class PendingAnswer:
    """An answer that is waited for, or written; its events are taken by one task."""

    def __init__(self, ask: GenerationRequest) -> None:
        self.ask = ask
        self.is_over = False
        """Whether the engine has no more to say."""
        self.is_left = False
        """Whether its caller went away."""
        self._events: list[tuple[Token | AnswerEnd, float]] = []
        self._arrived = asyncio.Event()

    def put(self, event: Token | AnswerEnd) -> None:
        """Add an event, with when it came."""
        self.is_over = isinstance(event, AnswerEnd)
        self._events.append((event, monotonic()))
        self._arrived.set()

    def leave(self) -> None:
        """Let whoever waits for events know that nobody reads the answer any more."""
        self.is_left = True
        self._arrived.set()

    async def take(self) -> list[tuple[Token | AnswerEnd, float]]:
        """What has come since it was last asked for; waits until there is something.

        Raises CallerGone when the caller left.
        """
        await self._arrived.wait()
        if self.is_left:
            raise CallerGone
        self._arrived.clear()
        taken, self._events = self._events, []
        return taken


class EngineGone(Exception):  # noqa: N818  # of the engine, not an error of the request
    """The engine's process ended."""


class EngineQueue:
    """Who is answered next: those who came first, so many at once; the others wait."""

    def __init__(self, process: EngineProcess, places: int, gone: Callable[[], None]) -> None:
        """Write `places` answers at once, and call `gone` when the process ends by itself."""
        self._process = process
        self._places = places
        self._gone = gone
        self._writing: dict[int, PendingAnswer] = {}
        self._waiting: collections.deque[PendingAnswer] = collections.deque()
        self._is_attached = False
        self.is_gone = False

    @property
    def running(self) -> int:
        """Answers that are being written."""
        return len(self._writing)

    @property
    def waiting(self) -> int:
        """Answers that wait for a place."""
        return len(self._waiting)

    @property
    def tokens(self) -> int:
        """Tokens that the cache has room for, of the answers that are being written."""
        return sum(len(answer.ask.prompt) + answer.ask.most for answer in self._writing.values())

    def ask(self, ask: GenerationRequest) -> PendingAnswer:
        """Wait for a place, and begin in it; raises EngineGone where there is no engine any more."""
        if not self._is_attached:
            self._is_attached = True
            asyncio.get_running_loop().add_reader(self._process.connection.fileno(), self._read)
        if self.is_gone:
            raise EngineGone
        answer = PendingAnswer(ask)
        self._waiting.append(answer)
        self._fill()
        return answer

    def give_up(self, answer: PendingAnswer) -> None:
        """Free the place of an answer that nobody reads any more; does nothing for one that is over."""
        if answer.is_over:
            return
        if answer.ask.number in self._writing:
            # The place is free once the engine says so: until then it may be at work on it.
            self._send(Cancel(answer.ask.number))
        elif answer in self._waiting:
            self._waiting.remove(answer)

    def _fill(self) -> None:
        while self._waiting and len(self._writing) < self._places and not self.is_gone:
            answer = self._waiting.popleft()
            self._writing[answer.ask.number] = answer
            self._send(answer.ask)

    def _send(self, message: GenerationRequest | Cancel) -> None:
        try:
            self._process.connection.send(message)
        except OSError:
            self._end()

    def _read(self) -> None:
        try:
            while self._process.connection.poll():
                for event in self._process.connection.recv():
                    answer = self._writing[event.number]
                    if isinstance(event, AnswerEnd):
                        del self._writing[event.number]
                    answer.put(event)
        except (EOFError, OSError):
            self._end()
        self._fill()

    def _end(self) -> None:
        """Tell everyone that no more comes."""
        if self.is_gone:
            return
        self.is_gone = True
        asyncio.get_running_loop().remove_reader(self._process.connection.fileno())
        for answer in (*self._writing.values(), *self._waiting):
            answer.put(AnswerEnd(answer.ask.number))
        self._writing.clear()
        self._waiting.clear()
        self._gone()
