"""Where a prediction runs: small ones on the event loop, large ones on threads, none for too long."""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import onnxruntime
import orjson

from aimass_compiler.runtime.server.answer import RequestError
from aimass_compiler.runtime.server.gathering import Gathering

if TYPE_CHECKING:
    from collections.abc import Callable

    from aimass_compiler.runtime.server.answer import Answer
    from aimass_compiler.runtime.server.prediction import Predictor
    from aimass_compiler.runtime.server.question import Asked, Question
    from aimass_compiler.runtime.server.signature import Signature

#: A hop to a thread and back costs 0.1 ms and more under load, and whatever runs on the event loop
#: keeps every other request waiting: about ten times the hop is where the second weighs more.
_INLINE_SECONDS = 0.001
#: Characters of an error that is not ours.
_SHOWN = 200


class Execution:
    """Answers questions; how much runs on the event loop follows from how long the example row took."""

    def __init__(self, predictor: Predictor, signature: Signature) -> None:
        """Warm up; raises ServerFailure when the package's own example cannot be answered."""
        seconds = predictor.warm_up(signature)
        self._inline_bytes = int(len(orjson.dumps(signature.example)) * _INLINE_SECONDS / seconds)
        self._predictor = predictor
        self._gathering = Gathering(predictor)
        self._threads = ThreadPoolExecutor(max(2, min(4, os.cpu_count() or 1)), "prediction")

    async def answer(self, read: Callable[[Asked], Question], asked: Asked) -> Answer:
        """The answer to what was asked; raises RequestError where there is none."""
        if len(asked.body) > self._inline_bytes:
            return await self._on_a_thread(read, asked)
        question = _read(read, asked)
        return question.answer(await self._gathering.predict(question.tensors))

    async def _on_a_thread(self, read: Callable[[Asked], Question], asked: Asked) -> Answer:
        """Who gives up waiting also ends the model's run."""
        limit = onnxruntime.RunOptions()

        def answer() -> Answer:
            question = _read(read, asked)
            return question.answer(self._predictor.predict(question.tensors, limit))

        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, answer)
        except asyncio.CancelledError:
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
