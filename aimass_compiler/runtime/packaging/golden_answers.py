"""Golden answers: a few prompts with the tokens that the server must answer before it is ready."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aimass_compiler import conventions
from aimass_compiler.catalog.text_engine import TokenRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aimass_compiler.catalog.text_engine import TextEngine
    from aimass_compiler.catalog.turns import Turns

#: Each is a row of real data in the image, and is answered before a server is ready.
_PROMPTS, _TOKENS = 4, 32


def golden_answers(
    engine: TextEngine, conversations: Sequence[Turns], tolerance: float, context: int | None
) -> dict[str, Any]:
    """Prompts of different right answers, with what the engine that serves makes of them in its context."""
    different = {each.answer: each for each in reversed(conversations)}
    chosen = [list(each.turns) for each in list(different.values())[-_PROMPTS:]]
    return {
        "format": conventions.GOLDEN_ANSWERS_FORMAT,
        "prompts": [_prompt(engine, turns, context) for turns in chosen],
        "tolerance": tolerance,
    }


def _prompt(engine: TextEngine, turns: list[dict[str, str]], context: int | None) -> dict[str, Any]:
    prompt = engine.prompt_ids(turns)
    most = _TOKENS if context is None else min(_TOKENS, context - len(prompt))
    (answer,) = engine.greedy([prompt], most)
    answer += _end(engine, (*prompt, *answer)) if len(answer) < most else ()
    (chances,) = engine.log_probabilities([TokenRow(prompt, answer)])
    return {
        "messages": turns,
        "prompt_ids": list(prompt),
        "answer_ids": list(answer),
        "log_probabilities": [round(float(each), 6) for each in chances],
    }


def _end(engine: TextEngine, before: tuple[int, ...]) -> tuple[int, ...]:
    """The likeliest of the ids that end an answer."""
    rows = [TokenRow(before, (end,)) for end in engine.stop_ids]
    chances = [float(each[0]) for each in engine.log_probabilities(rows)]
    return (engine.stop_ids[chances.index(max(chances))],) if chances else ()
