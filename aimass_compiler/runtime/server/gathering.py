"""Requests that arrived together are predicted together: one run of the model for all of them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import numpy

from aimass_compiler.runtime.server.answer import Prediction

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aimass_compiler.runtime.server.model import Tensors
    from aimass_compiler.runtime.server.prediction import Predictor


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

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor
        self._places: list[_Place] = []

    async def predict(self, tensors: Tensors) -> Prediction:
        """What `Predictor.predict` answers for these tensors alone, its errors included."""
        place = _Place(tensors)
        self._places.append(place)
        await asyncio.sleep(0)
        if place.found is None:
            self._run()
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
