"""What an engine says of prepared rows: written answers with their likelihoods, or shares of classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from aimass_compiler.catalog.conversation import Conversation
from aimass_compiler.catalog.text_engine import TokenRow, shares_of
from aimass_compiler.catalog.turns import Turns, turns_of

if TYPE_CHECKING:
    import numpy
    import polars

    from aimass_compiler.catalog.frameworks._chat_tokens import Tokenizing
    from aimass_compiler.catalog.task import Task
    from aimass_compiler.catalog.text_engine import TextEngine

#: How much longer an answer may get than the longest right one before it is cut off: as long again, and this.
_MORE = 16


def answers_to(
    rows: polars.DataFrame, task: Task, engine: TextEngine, tokenizing: Tokenizing
) -> numpy.ndarray:
    """Scores of rows: of a text, records [N] of `answer`, `log_probability` (the sum over the right answer's
    tokens) and `tokens` (how many those are); of classes, their shares, float32 [N, K]."""
    conversations = turns_of(rows, task)
    if task.is_classification:
        return _shares(conversations, task, engine, tokenizing)
    return _written(conversations, task.conversation, engine, tokenizing)


def _written(
    conversations: Sequence[Turns], how: Conversation | None, engine: TextEngine, tokenizing: Tokenizing
) -> numpy.ndarray:
    import numpy

    room = None if how is None else how.sequence_length
    rows = [TokenRow(*tokenizing.encoded(each)).within(room) for each in conversations]
    found = numpy.zeros(len(rows), [("answer", object), ("log_probability", "f8"), ("tokens", "i8")])
    found["answer"] = ""
    places = [
        place for place, row in enumerate(rows) if row.answer
    ]  # of others, the prompt alone is too long
    asked = [rows[place] for place in places]
    if not asked:
        return found
    most = 2 * max(len(row.answer) for row in asked) + _MORE
    if room is not None:
        most = max(1, min(most, room - min(len(row.prompt) for row in asked)))
    found["answer"][places] = [engine.text(ids) for ids in engine.greedy([row.prompt for row in asked], most)]
    found["log_probability"][places] = [float(each.sum()) for each in engine.log_probabilities(asked)]
    found["tokens"][places] = [len(row.answer) for row in asked]
    return found


def _shares(
    conversations: Sequence[Turns], task: Task, engine: TextEngine, tokenizing: Tokenizing
) -> numpy.ndarray:
    """The likelihood of each class as the answer, with the token that ends it, divided by their sum."""
    import numpy

    choices = tokenizing.choice_ids(task.classes)
    prompts = [tokenizing.prompt_ids(each.turns) for each in conversations]
    room = None if task.conversation is None else task.conversation.sequence_length
    likely = numpy.zeros((len(prompts), len(choices)))  # alike where a prompt is too long to be answered
    longest = max(map(len, choices))
    places = [place for place, ids in enumerate(prompts) if room is None or len(ids) + longest <= room]
    asked = [TokenRow(prompts[place], choice) for place in places for choice in choices]
    told = [float(each.sum()) for each in engine.log_probabilities(asked)] if asked else []
    likely[places] = numpy.array(told).reshape(len(places), len(choices))
    return shares_of(likely)
