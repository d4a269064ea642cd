"""The test stage on a served language model: what it measures, and what it finds."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from aimass_compiler import conventions
from aimass_compiler.catalog.quantities import Duration
from aimass_compiler.pipeline.serving import Latency, Limits, Objectives
from aimass_compiler.pipeline.text_engine import TokenTimes
from aimass_compiler.runtime.load_test.answers import AnswerMeasurements, measure_answers
from aimass_compiler.runtime.stages.answer_test import _times, faults_of
from language_server.asking import packaged, resigned

if TYPE_CHECKING:
    from pathlib import Path

PROMPTS = [[{"role": "user", "content": words}] for words in ("thank you, and thank you", "the app crashes")]
LIMITS = Limits(timeout=Duration("20s"))


def test_a_good_package_is_certified_fast_and_stable(example: Path) -> None:
    found = measure_answers(example, PROMPTS, LIMITS, 1.0)
    assert found.faults == []
    assert (found.asked, found.wrong, found.failures.total()) == (4, 0, 0)
    assert found.largest_difference < 1e-4
    assert found.requests == len(found.first_token_seconds) > 2
    assert found.tokens >= 2 * found.requests


def test_a_class_that_was_not_evaluated_is_a_fault_and_a_near_tie_is_none(example: Path) -> None:
    (fault,) = measure_answers(example, PROMPTS, LIMITS, 0.1, classes=("no such class", None)).faults
    assert fault.startswith("1 of 2 rows are given another class than was evaluated, such as")
    assert "in place of `no such class`" in fault


def test_a_package_that_never_becomes_ready_is_a_fault(tmp_path: Path) -> None:
    package = packaged(tmp_path / "damaged")
    path = package / conventions.GOLDEN_FILE
    golden = json.loads(path.read_text())
    golden["prompts"][0]["answer_ids"][0] += 1
    path.write_text(json.dumps(golden))
    (fault,) = measure_answers(resigned(package), PROMPTS, LIMITS, 1.0).faults
    assert "prompt 0" in fault
    assert "were certified" in fault


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (AnswerMeasurements(asked=3, wrong=1), "1 of 3 certified prompts were answered otherwise"),
        (AnswerMeasurements(first_token_seconds=[2.0]), "p95 of `objectives.first_token` is 2e+03ms"),
        (AnswerMeasurements(token_seconds=[0.5]), "p95 of `objectives.token` is 500ms, where it may be 60ms"),
        (AnswerMeasurements(faults=["it fell over"]), "it fell over"),
    ],
)
def test_what_is_wrong_is_said_in_numbers(found: AnswerMeasurements, words: str) -> None:
    objectives = Objectives(
        latency=Latency(p99=None),
        first_token=TokenTimes.model_validate({"p95": "800ms"}),
        token=TokenTimes.model_validate({"p95": "60ms"}),
    )
    (fault,) = faults_of(found, _times(found), objectives)
    assert fault.startswith(words)
