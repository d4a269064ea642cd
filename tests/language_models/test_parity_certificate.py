"""The certificate says of each form of a model whether it reads and answers as the one before it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy
import pytest

from aimass_compiler.runtime.packaging.parity_certificate import CertifiedRow, Form, certify

if TYPE_CHECKING:
    from aimass_compiler.catalog.text_engine import TokenRow, Turns
    from aimass_compiler.runtime.packaging.parity_certificate import Certificate

WORDS = ("<end>", "yes", "no", "maybe", "is", "it")
ROWS = [
    CertifiedRow(number, [{"role": "user", "content": "is it"}], answer)
    for number, answer in enumerate([(1, 0), (2, 0), (3, 0)])
]


@dataclass(frozen=True)
class Oracle:
    """An engine that finds every token as likely as `likely` says, and always chooses the likeliest first."""

    name: str
    likely: tuple[float, ...] = (0.3, 0.4, 0.2, 0.05, 0.03, 0.02)
    stop_ids: tuple[int, ...] = (0,)
    reads: tuple[int, ...] = (4, 5)

    def prompt_ids(self, turns: Turns) -> tuple[int, ...]:
        return self.reads if turns else ()

    def log_probabilities(self, rows: Sequence[TokenRow]) -> list[numpy.ndarray]:
        return [numpy.log([self.likely[token] for token in row.answer]) for row in rows]

    def greedy(self, prompts: Sequence[tuple[int, ...]], most: int) -> list[tuple[int, ...]]:
        return [(int(numpy.argmax(self.likely)),)[:most]] * len(prompts)

    def text(self, ids: Sequence[int]) -> str:
        return " ".join(WORDS[each] for each in ids)


TRAINED = Oracle("training stack")
MERGED = Oracle("merged weights")


def problems(engine: Oracle, largest: float | None = 0.02, mean: float | None = None) -> list[str]:
    return certify(ROWS, TRAINED, [Form(engine, largest, mean)]).problems


def test_forms_that_agree_are_certified_in_a_sentence() -> None:
    found = certify(ROWS, TRAINED, [Form(MERGED, 0.02), Form(Oracle("engine"), 0.02)])
    assert found.problems == []
    assert found.statement.startswith(
        "On 3 rows (6 prompt and 6 answer tokens): merged weights, held against training stack: the same "
    )
    assert [form["against"] for form in found.document()["forms"]] == ["training stack", "merged weights"]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"stop_ids": (0, 3)}, "merged weights ends answers on 0, 3, but training stack on 0"),
        ({"stop_ids": ()}, "merged weights ends answers on nothing, but training stack on 0"),
        (
            {"reads": (4, 5, 5)},
            "merged weights reads row 0 as other tokens: token 2 of the prompt is 5 (`it`), "
            "but the end for training stack",
        ),
        (
            {"likely": (0.3, 0.4, 0.25, 0.05, 0.0, 0.0)},
            "merged weights gives token 0 of the answer to row 1, 2 (`no`), a log-probability 0.22 away "
            "from that of training stack; 0.02 is allowed",
        ),
    ],
)
def test_what_differs_is_told_exactly(changed: dict[str, tuple[float, ...]], said: str) -> None:
    assert problems(replace(MERGED, **changed))[0] == said  # type: ignore[arg-type]  # of either kind


def test_another_choice_is_a_difference_unless_both_are_as_likely() -> None:
    other = replace(MERGED, likely=(0.3, 0.2, 0.4, 0.05, 0.03, 0.02))
    assert any(
        "answers row 0 otherwise: token 0 is 2 (`no`), but 1 (`yes`)" in each for each in problems(other)
    )
    close = (0.3, 0.301, 0.299, 0.05, 0.03, 0.02)
    closely = replace(TRAINED, likely=close), replace(MERGED, likely=(0.3, 0.299, 0.301, *close[3:]))
    found = certify(ROWS, closely[0], [Form(closely[1], 0.02)])
    assert found.problems == []
    assert found.document()["forms"][0]["chosen_tokens"] == {"same": 0, "as_likely": 3}


def test_weights_of_less_precision_are_judged_on_average() -> None:
    rough = Oracle("onnxruntime-genai (int4)", likely=(0.28, 0.25, 0.35, 0.06, 0.03, 0.03))
    assert problems(rough, None, 0.5) == []
    (said,) = problems(rough, None, 0.1)
    assert said.startswith(
        "onnxruntime-genai (int4) is 0.24 away from training stack in log-probability, on average"
    )


def test_a_number_that_is_none_is_no_agreement() -> None:
    with numpy.errstate(invalid="ignore"):
        broken = replace(MERGED, likely=(numpy.nan, 0.4, 0.2, 0.05, 0.03, 0.02))
        assert any("nan away" in said for said in problems(broken))


def test_many_differences_are_counted_and_a_form_that_was_not_asked_is_named() -> None:
    rows = ROWS * 4
    found: Certificate = certify(
        rows, TRAINED, [Form(replace(MERGED, reads=(5,)), 0.02)], {"vllm": "not here"}
    )
    assert found.problems[-1] == "… and 7 more"
    assert found.statement.endswith(
        "merged weights, held against training stack, answers otherwise; vllm was not asked: not here."
    )
