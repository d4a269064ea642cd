"""What a request asks: first a body, then tensors and a way to write their prediction."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aimass_compiler.runtime.server.answer import Answer, Prediction
    from aimass_compiler.runtime.server.model import Tensors


class Asked(NamedTuple):
    """A request for predictions, its body read."""

    body: bytes
    headers: Mapping[bytes, bytes]


class Question(NamedTuple):
    """A request that was understood."""

    tensors: Tensors
    answer: Callable[[Prediction], Answer]
