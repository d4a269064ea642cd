"""`aimass init` proposes a language model for files of prompts and answers, and of chats."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.starter.projects import compiled, data_of, prepared, proposed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ANSWERS = ("restart it and wait two minutes", "it is in the mail of the first", "ask your team for a key")
QUESTIONS = ("my router is slow since", "where is the invoice of", "who lets me in on")


def asked(number: int) -> str:
    return f"{QUESTIONS[number % 3]} day {number}"


def pairs(question: str, answer: str, count: int = 90) -> Iterator[dict[str, Any]]:
    for number in range(count):
        yield {"id": number, question: asked(number), answer: ANSWERS[number % 3]}


def chats(count: int = 90) -> Iterator[dict[str, Any]]:
    for number in range(count):
        turns = (("system", "Be brief."), ("user", asked(number)), ("assistant", ANSWERS[number % 3]))
        yield {"messages": [{"role": role, "content": content} for role, content in turns]}


def lines(rows: Iterator[dict[str, Any]]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


@pytest.mark.parametrize(("question", "answer"), [("prompt", "answer"), ("question", "response")])
def test_prompts_and_answers_become_a_language_model(tmp_path: Path, question: str, answer: str) -> None:
    text = proposed(tmp_path, "data/tickets.jsonl", lines(pairs(question, answer)))
    pipeline = compiled(text)
    assert pipeline.task.kind == "generation"
    assert pipeline.task.conversation is not None
    assert pipeline.task.conversation.columns == (question,)
    assert pipeline.task.conversation.sequence_length == 64
    assert data_of(text)["data"]["columns"] == {question: "text", answer: "text"}
    assert "revision: COMMIT" in text
    prepared(pipeline, tmp_path)


def test_chats_are_their_own_target(tmp_path: Path) -> None:
    pipeline = compiled(proposed(tmp_path, "data/chats.jsonl", lines(chats())))
    assert (pipeline.task.kind, pipeline.task.target) == ("generation", "messages")
    prepared(pipeline, tmp_path)


def test_another_target_is_predicted_as_ever(tmp_path: Path) -> None:
    rows = ({**row, "team": "ab"[number % 2]} for number, row in enumerate(pairs("prompt", "answer")))
    pipeline = compiled(proposed(tmp_path, "tickets.jsonl", lines(rows), "team"))
    assert pipeline.task.kind == "classification"


def test_answers_that_are_numbers_are_no_texts(tmp_path: Path) -> None:
    rows = [{"question": asked(number), "answer": number * 37 % 11 + 0.5} for number in range(90)]
    assert compiled(proposed(tmp_path, "rows.jsonl", lines(iter(rows)))).task.kind == "regression"
