"""Written answers: the rows of the test split in full, and those that the released model answered better."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy
import polars

from aimass_compiler.catalog.turns import turns_of
from aimass_compiler.runtime.workspace import write_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from aimass_compiler.catalog.task import Task
    from aimass_compiler.runtime.evaluation.measures import Measurements
    from aimass_compiler.runtime.evaluation.predictions import Predictions

#: How many answers a document lists, and how many are printed.
_LISTED, _PRINTED = 50, 3
_LONGEST = 120


@dataclass(frozen=True)
class WorseAnswer:
    """A row that the released model answered better."""

    split: str
    row: int
    metric: str
    """By which it is worse: the first of those that compare answers."""
    prompt: str
    expected: str
    was: str
    now: str

    @property
    def shown(self) -> str:
        """The row in a line."""
        was, now, expected = (_short(text) for text in (self.was, self.now, self.expected))
        return (
            f"{self.split} row {self.row} is answered worse ({self.metric}): `{now}`, where the released "
            f"model has `{was}` and `{expected}` is right"
        )


def worse_answers(
    measurements: Measurements, split: str, new: Predictions, old: Predictions, rows: polars.DataFrame
) -> list[WorseAnswer]:
    """The rows that a metric of single answers finds worse than in the released model, in their order."""
    task = measurements.task
    judging = {name: metric for name, metric in measurements.metrics.items() if metric.is_of_answers}
    if not task.is_written or not judging:
        return []
    prompts = [prompt_text(each.turns) for each in turns_of(rows, task)]
    found = []
    for place, (expected, was, now) in enumerate(
        zip(new.truth, old.scores["answer"], new.scores["answer"], strict=True)
    ):
        if was == now:
            continue
        one = numpy.array([place])
        worse = [
            name
            for name, metric in judging.items()
            if new.at(one).measured(metric, task) < old.at(one).measured(metric, task)
        ]
        if worse:
            found.append(WorseAnswer(split, place, worse[0], prompts[place], str(expected), was, now))
    return found


def document_of(worse: Sequence[WorseAnswer]) -> list[dict[str, Any]]:
    """The first of them, as verdict.json lists them."""
    return [asdict(each) for each in worse[:_LISTED]]


def lines_of(worse: Sequence[WorseAnswer]) -> Iterator[str]:
    """The first of them, and how many there are."""
    yield from (each.shown for each in worse[:_PRINTED])
    if len(worse) > _PRINTED:
        yield f"{len(worse):,} answers are worse than the released model's; verdict.json lists them"


def write_answers(path: Path, task: Task, rows: polars.DataFrame, predictions: Predictions) -> None:
    """The rows in their order, with prompt, right answer and answer as they were written."""
    scores = predictions.scores
    table = polars.DataFrame(
        {
            "row": range(len(scores)),
            "prompt": [prompt_text(each.turns) for each in turns_of(rows, task)],
            "expected": list(predictions.truth),
            "answer": list(scores["answer"]),
            "log_probability": scores["log_probability"],
            "tokens": scores["tokens"],
        },
        schema_overrides={
            "row": polars.Int64, "prompt": polars.String, "expected": polars.String, "answer": polars.String
        },
    )  # fmt: skip
    write_table(path, table)


def prompt_text(turns: Sequence[dict[str, str]]) -> str:
    """What is asked: the user's words where there are no others, else all turns as JSON."""
    if len(turns) == 1:
        return turns[0]["content"]
    return json.dumps(list(turns), ensure_ascii=False)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"
