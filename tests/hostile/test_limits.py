"""A spec may be large, and no larger than what compiles in seconds."""

from __future__ import annotations

import time
from typing import Any

from tests.cases.front_end import base, told

MOST = 1_000
CPU_SECONDS = 10


def large(count: int) -> dict[str, Any]:
    """A spec of so many columns, each with a feature."""
    spec = base()
    spec["data"]["columns"] |= {f"c{number}": "number" for number in range(count)}
    return spec | {"features": [{"log": f"c{number}"} for number in range(count)]}


def test_a_thousand_columns_and_features_compile_in_seconds() -> None:
    start = time.process_time()
    findings = told(large(MOST))
    assert time.process_time() - start < CPU_SECONDS
    assert {finding.code for finding in findings} == {"AM216"}


def test_more_features_are_told_at_once() -> None:
    start = time.process_time()
    (finding,) = told(large(10 * MOST))
    assert time.process_time() - start < CPU_SECONDS
    assert (finding.code, finding.path) == ("AM107", ("features",))
    assert finding.message == "`features` must have at most 1000 items, not 10000"
