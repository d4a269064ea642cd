"""What answers prompts with text: the training stack, merged weights, or an engine that serves them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from msgspec import Struct

if TYPE_CHECKING:
    import numpy

#: The turns of a conversation, each with its `role` and `content`.
Turns = Sequence[dict[str, Any]]


class TokenRow(Struct, frozen=True):
    """A prompt and what is to follow it, as token ids."""

    prompt: tuple[int, ...]
    answer: tuple[int, ...]
    """With the id that ends it, where the chat template has one."""

    def within(self, room: int | None) -> TokenRow:
        """The row cut off as in training: no answer is left where the prompt alone fills the room."""
        if room is None:
            return self
        return TokenRow(self.prompt[:room], self.answer[: max(0, room - len(self.prompt))])


class TextEngine(Protocol):
    """What can be asked for tokens and for how likely tokens are."""

    name: str
    """What a certificate calls it, such as `merged weights`."""
    stop_ids: tuple[int, ...]
    """The ids that end an answer, in ascending order."""

    def prompt_ids(self, turns: Turns) -> tuple[int, ...]:
        """The prompt's token ids, by the chat template, with what begins an answer behind them."""

    def log_probabilities(self, rows: Sequence[TokenRow]) -> list[numpy.ndarray]:
        """The natural logarithm of the probability of each token of each answer, float64."""

    def greedy(self, prompts: Sequence[tuple[int, ...]], most: int) -> list[tuple[int, ...]]:
        """The likeliest tokens one after the other, `most` at most, without the stop id that ended them."""

    def text(self, ids: Sequence[int]) -> str:
        """What these ids say, without special tokens."""


def shares_of(likely: numpy.ndarray) -> numpy.ndarray:
    """The likelihoods of choices divided by their sum, float32 [N, K], from their logarithms [N, K]."""
    import numpy

    found = numpy.exp(likely - likely.max(axis=1, keepdims=True))
    shares: numpy.ndarray = (found / found.sum(axis=1, keepdims=True)).astype(numpy.float32)
    return shares
