"""Requests that arrived together are predicted together: one run of the model for all of them."""

from __future__ import annotations

import asyncio
import math
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy

from aimass_compiler.runtime.server.answer import Prediction, RequestError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aimass_compiler.runtime.server.model import Tensors
    from aimass_compiler.runtime.server.prediction import Predictor

#: The share of the newest turn in the mean of what a request takes.
_NEWEST = 0.1


class _Place:
    """A request's tensors, and what became of them."""

    __slots__ = ("found", "tensors")

    def __init__(self, tensors: Tensors) -> None:
        self.tensors = tensors
        self.found: Prediction | Exception | None = None


class Gathering:
    """Gathers for one turn of the event loop, so nobody waits for a request that has not arrived.

    Under load a turn brings several requests, and the model's fixed cost is paid once for all.
    """

    def __init__(self, predictor: Predictor, timeout_seconds: float = math.inf) -> None:
        self._predictor = predictor
        self._timeout_seconds = timeout_seconds
        self._places: list[_Place] = []
        self._began = 0.0
        self._seconds_each = 0.0

    def check(self) -> None:
        """Raise RequestError (503) when as many wait for this turn as the last ones took time for."""
        if len(self._places) * self._seconds_each > self._timeout_seconds:
            message = f"{len(self._places)} requests came at once, which is all that can be answered in time"
            raise RequestError(503, f"{message}; try again", retry_after_seconds=1)

    async def predict(self, tensors: Tensors) -> Prediction:
        """What `Predictor.predict` answers for these tensors alone, its errors included."""
        place = _Place(tensors)
        if not self._places:
            self._began = perf_counter()
        self._places.append(place)
        await asyncio.sleep(0)
        if place.found is None:
            count = len(self._places)
            self._run()
            each = (perf_counter() - self._began) / count
            self._seconds_each += _NEWEST * (each - self._seconds_each)
        if isinstance(place.found, Prediction):
            return place.found
        raise place.found or RuntimeError("a request was left out of its run")

    def _run(self) -> None:
        places, self._places = self._places, []
        try:
            found = _apart(self._predictor.predict(_joined(places)), [_rows(place) for place in places])
        except Exception as error:  # noqa: BLE001  # whatever it is, it belongs to the requests
            if len(places) == 1:
                places[0].found = error
                return
            # One request's error is not another's: each is run alone.
            for place in places:
                self._places = [place]
                self._run()
            return
        for place, prediction in zip(places, found, strict=True):
            place.found = prediction


def _rows(place: _Place) -> int:
    return len(next(iter(place.tensors.values())))


def _joined(places: Sequence[_Place]) -> Tensors:
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
        found.append(Prediction(size, _part(prediction.tensors, part), _part(prediction.outputs, part)))
        start += size
    return found


def _part(tensors: Any, part: slice) -> Tensors:
    return {name: tensor[part] for name, tensor in tensors.items()}
