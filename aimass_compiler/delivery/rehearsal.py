"""A package tried on the server of this compiler before it is served by it: ready, right, and how fast."""

from __future__ import annotations

import json
import math
import statistics
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from aimass_compiler import conventions
from aimass_compiler.programs import model_server
from aimass_compiler.releases.version_record import ServiceTest

_ASKED_ROWS, _ASKED_TEXTS = 200, 24
_PERCENTILES = (50, 95, 99)
#: How far an answer may be off: another runtime may add float32 in another order.
_RELATIVE, _ABSOLUTE = 1e-4, 1e-5


class RehearsalFailed(Exception):  # noqa: N818  # of the package on this server, not an error of ours
    """The server does not start on the package, or answers otherwise than was evaluated."""


def rehearse(package: Path) -> ServiceTest:
    """Start the server on a package, and hold it to its golden rows or prompts.

    A server asks itself about them before it is ready; that it answers the same through its protocol is
    asked here. Raises RehearsalFailed, and ServerError where what serves is not installed.
    """
    golden = json.loads((package / conventions.GOLDEN_FILE).read_text(encoding="utf-8"))
    rehearsed = _texts if "prompts" in golden else _rows
    model_server.command(package)  # what is not installed is no fault of the package
    try:
        with model_server.running(package) as server:
            seconds = list(rehearsed(golden, server.url))
    except model_server.ServerError as error:
        raise RehearsalFailed(str(error)) from None
    cuts = statistics.quantiles(seconds, n=100, method="inclusive")
    return ServiceTest(True, {f"p{percent}": round(cuts[percent - 1] * 1000, 3) for percent in _PERCENTILES})


def _rows(golden: Mapping[str, Any], url: str) -> Iterator[float]:
    """How long each of the rows took to be answered, which together are answered alike."""
    rows, expected = golden["rows"], golden["predictions"]
    _hold(model_server.ask(url, rows)["predictions"], expected)
    for number in range(_ASKED_ROWS):
        place = number % len(rows)
        started = time.perf_counter()
        answer = model_server.ask(url, [rows[place]])
        yield time.perf_counter() - started
        _hold(answer["predictions"], [expected[place]])


def _texts(golden: Mapping[str, Any], url: str) -> Iterator[float]:
    """How long each of the prompts took to be answered, with the tokens that are certified."""
    prompts, tolerance = golden["prompts"], golden["tolerance"]
    for number in range(_ASKED_TEXTS):
        prompt = prompts[number % len(prompts)]
        certified = prompt["log_probabilities"]
        started = time.perf_counter()
        told = model_server.log_probabilities(url, prompt["messages"], len(certified))
        yield time.perf_counter() - started
        if len(told) != len(certified) or max(map(_apart, told, certified), default=0.0) > tolerance:
            raise RehearsalFailed(
                f"a golden prompt is answered by tokens of log-probabilities {told}, "
                f"but {certified} are certified within {tolerance:g}"
            )


def _apart(told: float, certified: float) -> float:
    return abs(told - certified)


def _hold(answers: list[Mapping[str, Any]], expected: list[Mapping[str, Any]]) -> None:
    if len(answers) != len(expected) or not all(map(_is_same, answers, expected)):
        raise RehearsalFailed(f"the golden rows are answered {answers}, but were evaluated as {expected}")


def _is_same(answer: Any, expected: Any) -> bool:
    """Whether an answer has all that was expected, numbers nearly."""
    if isinstance(expected, Mapping):
        return all(key in answer and _is_same(answer[key], value) for key, value in expected.items())
    if isinstance(expected, float | int) and not isinstance(expected, bool):
        return math.isclose(answer, expected, rel_tol=_RELATIVE, abs_tol=_ABSOLUTE)
    return bool(answer == expected)
