"""Where a prediction runs: small ones on the event loop, large ones on threads, none for too long."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import onnxruntime
import orjson

from aimass_compiler.runtime.server.admission import Admission
from aimass_compiler.runtime.server.answer import RequestError
from aimass_compiler.runtime.server.gathering import Gathering

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from aimass_compiler.runtime.server.answer import Answer
    from aimass_compiler.runtime.server.prediction import Predictor
    from aimass_compiler.runtime.server.question import Asked, Question
    from aimass_compiler.runtime.server.signature import Signature

#: A hop to a thread and back costs 0.1 ms and more under load, and whatever runs on the event loop
#: keeps every other request waiting: about ten times the hop is where the second weighs more.
_INLINE_SECONDS = 0.001
#: Characters of an error that is not ours.
_SHOWN = 200
_FATAL = 4
#: How long a thread may keep the event loop from going on; Python's own limit is ten times as long.
_SWITCH_SECONDS = 0.0005


class Execution:
    """Answers questions; how much runs on the event loop follows from how long the example row took."""

    def __init__(self, predictor: Predictor, signature: Signature, timeout_seconds: float) -> None:
        """Warm up; raises ServerFailure when the package's own example cannot be answered."""
        seconds = predictor.warm_up(signature)
        size = len(orjson.dumps(signature.example))
        self._inline_bytes = int(size * _INLINE_SECONDS / seconds)
        self._predictor = predictor
        self._gathering = Gathering(predictor, timeout_seconds)
        self._admission = Admission(predictor.pace(signature, seconds))
        # Python reads and writes on one thread at a time anyway: more would only keep others waiting.
        self._reading = threading.Lock()
        sys.setswitchinterval(_SWITCH_SECONDS)
        self._threads = ThreadPoolExecutor(max(2, min(4, os.cpu_count() or 1)), "prediction")

    def check(self, size: int, until: float) -> None:
        """Raise RequestError (503) where a body of this size could not be answered by then."""
        if size > self._inline_bytes:
            self._admission.check(size, until)

    async def answer(self, read: Callable[[Asked], Question], asked: Asked, until: float) -> Answer:
        """The answer to what was asked; raises RequestError where there is none, or none by then."""
        size = len(asked.body)
        if size > self._inline_bytes:
            self._admission.check(size, until)
            return await self._on_a_thread(read, asked)
        self._gathering.check()
        question = _read(read, asked)
        return question.answer(await self._gathering.predict(question.tensors))

    async def _on_a_thread(self, read: Callable[[Asked], Question], asked: Asked) -> Answer:
        """Who gives up waiting also ends the model's run."""
        loop, size = asyncio.get_running_loop(), len(asked.body)
        limit = onnxruntime.RunOptions()
        limit.log_severity_level = _FATAL  # its errors are raised, and need not be written as well
        is_done = True

        def answer() -> Answer:
            with self._reading:
                if not is_done:
                    raise TimeoutError  # nobody waits for it any more
                question = _read(read, asked)
            prediction = self._predictor.predict(question.tensors, limit)
            with self._reading:
                return question.answer(prediction)

        def ended(_: Future[Answer]) -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed, and nobody is let in any more
                loop.call_soon_threadsafe(lambda: self._admission.end(size, is_done=is_done))

        self._admission.begin(size)
        running = self._threads.submit(answer)
        # A thread goes on after its caller was told that it takes too long: until then nothing else begins.
        running.add_done_callback(ended)
        try:
            return await asyncio.wrap_future(running)
        except asyncio.CancelledError:
            is_done = False
            limit.terminate = True
            raise

    def close(self) -> None:
        """Let no thread keep the process from ending."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _read(read: Callable[[Asked], Question], asked: Asked) -> Question:
    """What was asked; a value that makes reading fail is the caller's mistake, foreseen or not."""
    try:
        return read(asked)
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise RequestError(400, f"the request cannot be read: {error}"[:_SHOWN]) from error
