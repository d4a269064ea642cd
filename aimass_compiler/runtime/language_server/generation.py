"""What the process that answers callers and the one that runs the model tell each other."""

from __future__ import annotations

from typing import NamedTuple


class TokenSampling(NamedTuple):
    """How the next token is chosen; by default it is the likeliest, as in evaluation."""

    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = 0
    repetition_penalty: float = 1.0
    seed: int | None = None


class Grammar(NamedTuple):
    """A grammar that the answer follows, as onnxruntime-genai names it: its kind, and its text."""

    kind: str
    text: str


class GenerationRequest(NamedTuple):
    """One answer to be written."""

    number: int
    prompt: tuple[int, ...]
    most: int
    """Tokens of the answer at most."""
    sampling: TokenSampling
    least: int = 0
    """Tokens before which it does not end."""
    guide: Grammar | None = None
    alternatives: int = -1
    """How many of the likeliest tokens are returned with each; -1 is none, and no log-probability either."""


class Cancel(NamedTuple):
    """An answer that nobody waits for any more."""

    number: int


class Token(NamedTuple):
    """One more token of an answer."""

    number: int
    token: int
    log_probability: float = 0.0
    alternatives: tuple[tuple[int, float], ...] = ()


class AnswerEnd(NamedTuple):
    """No more tokens come of an answer; `refusal` says why there is none, where the caller asked wrongly."""

    number: int
    refusal: str = ""


class Loaded(NamedTuple):
    """The model is loaded; `failure` says why it is not."""

    failure: str = ""
