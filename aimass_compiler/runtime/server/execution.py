"""Where a prediction runs: small ones on the event loop, large ones on threads, none for too long."""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import onnxruntime
import orjson

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from aimass_compiler.runtime.server.answer import Answer
    from aimass_compiler.runtime.server.plain import Asked

#: A hop to a thread and back costs 0.1 ms and more under load, and whatever runs on the event loop
#: keeps every other request waiting: about ten times the hop is where the second weighs more.
_INLINE_SECONDS = 0.001


class Execution:
    """Runs endpoints; how much runs on the event loop follows from how long the example row took."""

    def __init__(self, example: Mapping[str, Any], seconds: float) -> None:
        self._inline_bytes = int(len(orjson.dumps(example)) * _INLINE_SECONDS / seconds)
        self._threads = ThreadPoolExecutor(max(2, min(4, os.cpu_count() or 1)), "prediction")

    def is_small(self, body: bytes) -> bool:
        """Whether to answer on the event loop."""
        return len(body) <= self._inline_bytes

    async def run(self, endpoint: Callable[[Asked], Answer], asked: Asked) -> Answer:
        """The endpoint's answer from a thread; who gives up waiting also ends the model's run."""
        limit = onnxruntime.RunOptions()
        running = asyncio.get_running_loop().run_in_executor(
            self._threads, endpoint, asked._replace(limit=limit)
        )
        try:
            return await running
        except asyncio.CancelledError:
            limit.terminate = True
            raise

    def close(self) -> None:
        """Let no thread keep the process from ending."""
        self._threads.shutdown(wait=False, cancel_futures=True)
