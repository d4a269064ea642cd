"""What is measured of written answers, and which of them are worse than the released model's."""

from __future__ import annotations

import json
import math
import stat
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy
import polars
import pytest

from aimass_compiler.catalog import load
from aimass_compiler.catalog.base_model import PathBase
from aimass_compiler.catalog.conversation import Conversation
from aimass_compiler.catalog.metrics.rouge_l import rouge_l
from aimass_compiler.catalog.task import Task
from aimass_compiler.pipeline.evaluation import Suite
from aimass_compiler.runtime.evaluation.fit import judge_fit
from aimass_compiler.runtime.evaluation.measures import Measurements, metrics_named
from aimass_compiler.runtime.evaluation.predictions import Predictions
from aimass_compiler.runtime.evaluation.suites import judge_suites
from aimass_compiler.runtime.evaluation.written_answers import lines_of, worse_answers, write_answers
from aimass_compiler.runtime.failure import StageFailure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aimass_compiler.catalog.metric import Metric

HOW = Conversation(base=PathBase(path="models/base"), columns=("prompt",), sequence_length=64)
TASK = Task(kind="generation", target="answer", conversation=HOW)
RIGHT = ("send it back", "call us", "wait a day")
ROWS = polars.DataFrame({"prompt": ["broken", "lost", "late"], "answer": RIGHT})


def predictions(answers: Sequence[str], likely: Sequence[float] = (-1.0, -2.0, -3.0)) -> Predictions:
    scores = numpy.empty(len(answers), [("answer", object), ("log_probability", "f8"), ("tokens", "i8")])
    scores["answer"], scores["log_probability"], scores["tokens"] = answers, likely, (4, 2, 3)
    return Predictions(numpy.array(RIGHT, object), scores)


def measured(name: str, found: Predictions) -> float:
    return found.measured(cast("type[Metric]", load("metrics", name))(), TASK)


def measurements(found: Predictions) -> Measurements:
    metrics = metrics_named(["perplexity", "exact_match", "rouge_l"])
    return Measurements.of(TASK, metrics, dict.fromkeys(("train", "validation", "test"), found))


def test_perplexity_counts_tokens_alike_and_not_rows() -> None:
    assert measured("perplexity", predictions(RIGHT)) == pytest.approx(math.exp(6 / 9))


def test_white_space_is_no_difference_and_a_letter_is() -> None:
    assert measured(
        "exact_match", predictions(("send it back\n", "Call us", "wait a  day"))
    ) == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("police kill the gunman", 3 / 4),  # of Lin's own example: 3 of 4 words in their order
        ("the gunman kill police", 2 / 4),
        ("Police killed the gunman!", 1.0),
        ("", 0.0),
    ],
)
def test_rouge_l_is_that_of_its_paper(answer: str, expected: float) -> None:
    assert rouge_l("police killed the gunman", answer) == pytest.approx(expected)


def test_rouge_l_reads_every_script() -> None:
    assert rouge_l("Пришлите чек, пожалуйста", "пришлите чек") == pytest.approx(4 / 5)


def test_answers_that_got_worse_are_told_and_others_are_not() -> None:
    old = predictions(("send it back", "no", "wait a week"))
    new = predictions(("send it", "call us", "wait a day"))
    found = worse_answers(measurements(new), "test", new, old, ROWS)
    assert [(each.row, each.was, each.now, each.prompt) for each in found] == [
        (0, "send it back", "send it", "broken")
    ]
    assert list(lines_of(found)) == [
        "test row 0 is answered worse (exact_match): `send it`, where the released model has `send it back` "
        "and `send it back` is right"
    ]


def test_the_table_of_answers_has_what_was_asked_and_said(tmp_path: Path) -> None:
    write_answers(tmp_path / "answers.parquet", TASK, ROWS, predictions(("a", "b", "c")))
    table = polars.read_parquet(tmp_path / "answers.parquet")
    assert table.columns == ["row", "prompt", "expected", "answer", "log_probability", "tokens"]
    assert table.row(1) == (1, "lost", "call us", "b", -2.0, 2)


def test_texts_fit_unless_a_gate_says_otherwise() -> None:
    fit = judge_fit("perplexity", measurements(predictions(RIGHT)), ())
    assert (fit.verdict, fit.baseline) == ("fits", None)


SUITE = Suite.model_validate(
    {
        "lm_eval": {"tasks": ["own"], "path": "evaluations"},
        "gates": [{"task": "own", "metric": "acc", "min": 0.5}],
    }
)


def test_a_gate_on_a_suite_is_kept_or_missed_in_words() -> None:
    (kept,) = judge_suites([SUITE], {"own": {"acc": 0.75}})
    (missed,) = judge_suites([SUITE], {"own": {"acc": 0.25}})
    assert (kept.passed, missed.passed) == (True, False)
    assert missed.reason == "acc of own is 0.25, but the gate asks for min 0.5"


def test_a_metric_that_a_suite_has_not_is_a_failure() -> None:
    with pytest.raises(StageFailure, match="a gate asks for `acc` of the task `own`, which has `f1`"):
        judge_suites([SUITE], {"own": {"f1": 0.5}})


@pytest.mark.parametrize(
    ("results", "said"),
    [
        ({"own": {"acc,none": 0.5, "acc_stderr,none": 0.1, "alias": "own"}}, ""),
        ({"own": {"alias": "own"}}, "no number of the task `own`"),
        ({}, "no number of the task `own`"),
    ],
)
def test_the_harness_is_a_program_whose_numbers_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, results: dict[str, object], said: str
) -> None:
    """A stand-in of the program: what it is called with, and what it writes, as lm-eval 0.4.13 does."""
    from aimass_compiler.runtime.evaluation import suites

    program, report = tmp_path / "lm_eval", json.dumps({"results": results})
    program.write_text(
        "#!/bin/sh\n"
        'while [ "$1" != --output_path ]; do shift; done\n'
        f'mkdir -p "$2/model"; echo \'{report}\' > "$2/model/results_2026-01-01.json"\n'
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("AIMASS_LM_EVAL", str(program))
    (tmp_path / "evaluations").mkdir()
    if said:
        with pytest.raises(StageFailure, match=said):
            suites._run(SUITE, tmp_path, tmp_path)
    else:
        assert suites._run(SUITE, tmp_path, tmp_path) == {"own": {"acc": 0.5}}
