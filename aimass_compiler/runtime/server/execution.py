"""Where a prediction runs, with which others, and for how long: admission, time limits, dynamic batching.

A number of requests says nothing about how long they take: 200 of one row are done in a fiftieth of a second,
three of a megabyte each take longer than a caller waits. So bytes are admitted, by the pace so far. A timer a
request (`asyncio.timeout`) costs more than everything else that the server does around a small model, and
nearly every one of them is cancelled: one table watches the time limits of all.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy
import onnxruntime
import orjson

from aimass_compiler.runtime.server.response import Prediction, RequestError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Future
    from types import TracebackType

    from aimass_compiler.runtime.server.endpoints import InferenceRequest, RawRequest
    from aimass_compiler.runtime.server.model import ContractModel, Tensors
    from aimass_compiler.runtime.server.model_signature import Signature
    from aimass_compiler.runtime.server.response import Response
    from aimass_compiler.runtime.server.turns import Sharing


#: What of the past counts, each time that a body is done: some ten of them make the estimate.
_MEMORY = 0.9
#: An answer that comes too late has cost as much as one in time.
_CAUTION = 1.1
#: How long the pace of the beginning counts to have been kept.
_FIRST_SECONDS = 0.2


class Admission:
    """Knows how many bytes wait or are worked on, and how many are done in a second."""

    def __init__(self, pace: float, now: Callable[[], float] = time.monotonic) -> None:
        """Begin with `pace`, in bytes a second."""
        self._now = now
        self._bytes, self._seconds = pace * _FIRST_SECONDS, _FIRST_SECONDS
        self._ahead = 0
        self._since = 0.0

    @property
    def pace(self) -> float:
        """Bytes of bodies that are done in a second; a moving mean over busy seconds."""
        return max(self._bytes / self._seconds, 1.0)

    def check(self, size: int, until: float) -> None:
        """Raise RequestError (503) where a body of `size` bytes is not done by then, in monotonic seconds.

        When nothing is ahead it is tried, however slow others have been.
        """
        wait = self._ahead / self.pace
        if self._ahead and self._now() + _CAUTION * (wait + size / self.pace) > until:
            message = f"the requests ahead take {wait:.1f} s; try again"
            raise RequestError(503, message, retry_after_seconds=max(1, math.ceil(wait)))

    def begin(self, size: int) -> None:
        """Count a body among those that are worked on."""
        if not self._ahead:
            self._since = self._now()
        self._ahead += size

    def end(self, size: int, *, is_done: bool) -> None:
        """Count a body out again; one that was given up has taken time, and is no progress."""
        now = self._now()
        self._bytes = self._bytes * _MEMORY + (size if is_done else 0)
        self._seconds = self._seconds * _MEMORY + now - self._since
        self._since = now
        self._ahead -= size


#: A request may take this share of its limit longer than the limit.
_TOLERANCE = 0.05


class Deadlines:
    """Makes every request that runs past its limit end with TimeoutError."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._until: dict[asyncio.Task[Any], float] = {}
        self._is_watching = False

    def __call__(self) -> _Deadline:
        """A context for the current task, to be entered once."""
        return _Deadline(self, asyncio.get_running_loop())

    def start(self, task: asyncio.Task[Any], loop: asyncio.AbstractEventLoop) -> None:
        """Begin to watch a task."""
        self._until[task] = loop.time() + self._seconds
        if not self._is_watching:
            self._is_watching = True
            loop.call_later(self._seconds * _TOLERANCE, self._watch, loop)

    def end(self, task: asyncio.Task[Any]) -> bool:
        """Stop to watch a task; whether it had been ended for being late."""
        return self._until.pop(task, None) is None

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for task, until in list(self._until.items()):
            if until > now:
                break  # they were started in this order
            del self._until[task]
            task.cancel()
        self._is_watching = bool(self._until)
        if self._is_watching:
            loop.call_later(self._seconds * _TOLERANCE, self._watch, loop)


class _Deadline:
    """One task's limit."""

    __slots__ = ("_deadlines", "_loop", "_task")

    def __init__(self, deadlines: Deadlines, loop: asyncio.AbstractEventLoop) -> None:
        self._deadlines = deadlines
        self._loop = loop

    def __enter__(self) -> None:
        task = asyncio.current_task(self._loop)
        if task is None:
            raise RuntimeError("a deadline needs a task")
        self._task = task
        self._deadlines.start(task, self._loop)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._deadlines.end(self._task) and kind is asyncio.CancelledError:
            self._task.uncancel()
            raise TimeoutError from error


#: The share of the newest turn in the mean of what a request takes.
_NEWEST = 0.1


class _Waiting:
    """A request's tensors, and what became of them."""

    __slots__ = ("found", "tensors")

    def __init__(self, tensors: Tensors) -> None:
        self.tensors = tensors
        self.found: Prediction | Exception | None = None


class DynamicBatching:
    """Gathers for one turn of the event loop, so nobody waits for a request that has not arrived.

    Under load a turn brings several requests, and the model's fixed cost is paid once for all. Where other
    models wait for their turns, no more is done in one than `turn_seconds` allow.
    """

    def __init__(
        self, predictor: ContractModel, timeout_seconds: float = math.inf, turn_seconds: float = math.inf
    ) -> None:
        self._predictor = predictor
        self._timeout_seconds = timeout_seconds
        self._turn_seconds = turn_seconds
        self._places: list[_Waiting] = []
        self._began = 0.0
        self._seconds_each = 0.0
        self._is_over = False

    def check(self) -> None:
        """Raise RequestError (503) when as many wait for this turn as the last ones took time for."""
        if len(self._places) * self._seconds_each > self._timeout_seconds:
            message = f"{len(self._places)} requests came at once, which is all that can be answered in time"
            raise RequestError(503, f"{message}; try again", retry_after_seconds=1)

    async def predict(self, tensors: Tensors) -> Prediction:
        """What `ContractModel.predict` answers for these tensors alone, its errors included."""
        place = _Waiting(tensors)
        if not self._places:
            self._began = perf_counter()
        self._places.append(place)
        await asyncio.sleep(0)
        while place.found is None:
            if self._is_over:
                await asyncio.sleep(0)
            else:
                self._take_turn()
        if isinstance(place.found, Prediction):
            return place.found
        raise place.found or RuntimeError("a request was left out of its run")

    def _take_turn(self) -> None:
        """Answer those that came, the longest waiting first; whoever is left over waits for the next turn."""
        share = self._turn_seconds / self._seconds_each if self._seconds_each else math.inf
        count = int(min(len(self._places), max(1.0, share)))
        now, later = self._places[:count], self._places[count:]
        self._run(now)
        ended = perf_counter()
        self._seconds_each += _NEWEST * ((ended - self._began) / count - self._seconds_each)
        self._places, self._began = later, ended
        if later:
            self._is_over = True
            asyncio.get_running_loop().call_soon(self._begin_turn)

    def _begin_turn(self) -> None:
        self._is_over = False
        self._began = perf_counter()

    def _run(self, places: Sequence[_Waiting]) -> None:
        try:
            found = _apart(self._predictor.predict(_joined(places)), [_rows(place) for place in places])
        except Exception as error:  # noqa: BLE001  # whatever it is, it belongs to the requests
            if len(places) == 1:
                places[0].found = error
                return
            # One request's error is not another's: each is run alone.
            for place in places:
                self._run([place])
            return
        for place, prediction in zip(places, found, strict=True):
            place.found = prediction


def _rows(place: _Waiting) -> int:
    return len(next(iter(place.tensors.values())))


def _joined(places: Sequence[_Waiting]) -> Tensors:
    if len(places) == 1:
        return dict(places[0].tensors)
    return {name: numpy.concatenate([place.tensors[name] for place in places]) for name in places[0].tensors}


def _apart(prediction: Prediction, sizes: Sequence[int]) -> list[Prediction]:
    if len(sizes) == 1:
        return [prediction]
    found = []
    start = 0
    for size in sizes:
        part = slice(start, start + size)
        tensors, outputs = _part(prediction.tensors, part), _part(prediction.outputs, part)
        found.append(Prediction(size, tensors, outputs, prediction.began, prediction.ended))
        start += size
    return found


def _part(tensors: Any, part: slice) -> Tensors:
    return {name: tensor[part] for name, tensor in tensors.items()}


#: A hop to a thread and back costs 0.1 ms and more under load, and whatever runs on the event loop
#: keeps every other request waiting: about ten times the hop is where the second weighs more.
_INLINE_SECONDS = 0.001
#: Characters of an error that is not ours.
_SHOWN = 200
_FATAL = 4
#: How long a thread may keep the event loop from going on; Python's own limit is ten times as long.
_SWITCH_SECONDS = 0.0005


class Execution:
    """Answers requests; how much runs on the event loop follows from how long the example row took."""

    def __init__(
        self,
        predictor: ContractModel,
        signature: Signature,
        timeout_seconds: float,
        threads: int | None = None,
        sharing: Sharing | None = None,
    ) -> None:
        """Warm up; raises ServerFailure when the package's own example cannot be answered.

        On as many `threads` as given; by default 2 to 4, as there are CPUs. With `sharing`, on its threads.
        """
        seconds = predictor.warm_up()
        size = len(orjson.dumps(signature.example))
        self._inline_bytes = int(size * _INLINE_SECONDS / seconds)
        self._predictor = predictor
        turn_seconds = math.inf if sharing is None else sharing.turn_seconds
        self._batching = DynamicBatching(predictor, timeout_seconds, turn_seconds)
        self._admission = Admission(predictor.pace(seconds))
        # Python reads and writes on one thread at a time anyway: more would only keep others waiting.
        self._reading = threading.Lock()
        sys.setswitchinterval(_SWITCH_SECONDS)
        self._shared = None if sharing is None else sharing.threads
        self._threads = None if self._shared else ThreadPoolExecutor(threads or usual_threads(), "prediction")

    def check(self, size: int, until: float) -> None:
        """Raise RequestError (503) where a body of this size could not be answered by then."""
        if size > self._inline_bytes:
            self._admission.check(size, until)

    async def answer(
        self, read: Callable[[RawRequest], InferenceRequest], asked: RawRequest, until: float
    ) -> Response:
        """The answer to what was asked; raises RequestError where there is none, or none by then."""
        size = len(asked.body)
        if size > self._inline_bytes:
            self._admission.check(size, until)
            return await self._on_a_thread(read, asked)
        self._batching.check()
        request = _read(read, asked)
        return request.answer(await self._batching.predict(request.tensors))

    async def _on_a_thread(
        self, read: Callable[[RawRequest], InferenceRequest], asked: RawRequest
    ) -> Response:
        """Who gives up waiting also ends the model's run."""
        loop, size = asyncio.get_running_loop(), len(asked.body)
        limit = onnxruntime.RunOptions()
        limit.log_severity_level = _FATAL  # its errors are raised, and need not be written as well
        is_done = True

        def answer() -> Response:
            with self._reading:
                if not is_done:
                    raise TimeoutError  # nobody waits for it any more
                request = _read(read, asked)
            prediction = self._predictor.predict(request.tensors, limit)
            with self._reading:
                return request.answer(prediction)

        def ended(_: Future[Response]) -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed, and nobody is let in any more
                loop.call_soon_threadsafe(lambda: self._admission.end(size, is_done=is_done))

        self._admission.begin(size)
        running = self._submit(answer)
        # A thread goes on after its caller was answered 504: until then nothing else begins.
        running.add_done_callback(ended)
        try:
            return await asyncio.wrap_future(running)
        except asyncio.CancelledError:
            is_done = False
            limit.terminate = True
            raise

    def _submit(self, work: Callable[[], Response]) -> Future[Response]:
        if self._threads is not None:
            return self._threads.submit(work)
        if self._shared is None:
            raise RuntimeError("nothing is there to run it")
        return self._shared.submit(self, work)

    def close(self) -> None:
        """Let no thread keep the process from ending."""
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)
        elif self._shared is not None:
            self._shared.cancel(self)


def usual_threads() -> int:
    """How many threads a server has for predictions that take long."""
    return max(2, min(4, os.cpu_count() or 1))


def _read(read: Callable[[RawRequest], InferenceRequest], asked: RawRequest) -> InferenceRequest:
    """What was asked; a value that makes reading fail is the caller's mistake, foreseen or not."""
    try:
        return read(asked)
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise RequestError(400, f"the request cannot be read: {error}"[:_SHOWN]) from error
