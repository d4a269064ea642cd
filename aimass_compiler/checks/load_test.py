"""The load test can show what it is for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler.checks._example import Example
from aimass_compiler.checks._places import noted
from aimass_compiler.diagnostics import Explanation, Finding, Severity
from aimass_compiler.pipeline.override_locations import first_written
from aimass_compiler.pipeline.serving import Latency

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aimass_compiler.catalog.quantities import Duration
    from aimass_compiler.pipeline import Pipeline

NEEDS = ("serving.limits", "serving.objectives", "serving.tests")
EXPLANATIONS = (
    Explanation(
        "AM306",
        "the load test asks for more at once than the server has room for",
        "By Little's law, requests in flight are requests a second times the seconds that each takes. With "
        "answers as slow as the objective allows that is more than `limits.concurrency`: large bodies would "
        "be refused in a test that the server should pass, and in production ModelSaturated be raised.",
    ),
    Explanation(
        "AM307",
        "the load test is too short to judge the objective",
        "The slowest hundredth of fewer than 100 requests is less than one of them: the test would judge by "
        "its single slowest answer. Send more requests a second, or for longer.",
    ),
)
EXAMPLES = (
    Example(
        "AM306",
        fails="serving: {limits: {concurrency: 4}, tests: {load: {rps: 100}}}",
        passes="serving: {limits: {concurrency: 64}, tests: {load: {rps: 100}}}",
    ),
    Example(
        "AM307",
        fails="serving: {tests: {load: {rps: 5, for: 5s}}}",
        passes="serving: {tests: {load: {rps: 5, for: 30s}}}",
    ),
)
_LOAD = ("serving", "tests", "load")
_LATENCY = ("serving", "objectives", "latency")
_SHARES = {"p50": 2, "p95": 20, "p99": 100}
#: From here on, fractions say nothing.
_MANY = 100


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """Loads that the limits refuse, or that are too few to judge by."""
    serving = pipeline.serving
    load, latency = serving.tests.load, serving.objectives.latency
    given = {name: limit for name in Latency.model_fields if (limit := getattr(latency, name)) is not None}
    if not given:
        return
    yield from _refused(pipeline, given)
    sent, wanted = load.rps * load.duration.seconds, max(_SHARES[name] for name in given)
    if sent < wanted:
        highest = max(given)
        message = f"the load test sends {_shown(sent)} requests, but to judge by `{highest}` takes {wanted}"
        notes = noted(pipeline, (*_LATENCY, highest), "this is what it judges")
        hint = "raise `rps` or `for`"
        yield Finding("AM307", _LOAD, message, help=hint, severity=Severity.WARNING, related=notes)


def _refused(pipeline: Pipeline, given: Mapping[str, Duration]) -> Iterator[Finding]:
    limits, rps = pipeline.serving.limits, pipeline.serving.tests.load.rps
    name, limit = max(given.items(), key=lambda item: item[1].seconds)
    in_flight = rps * limit.seconds
    # Where the limit is beyond the timeout, that is told.
    if in_flight > limits.concurrency and limit.seconds <= limits.timeout.seconds:
        message = (
            f"{rps} requests a second that take {limit} are {_shown(in_flight)} at once, "
            f"but there is room for {limits.concurrency}"
        )
        concurrency, latency = ("serving", "limits", "concurrency"), (*_LATENCY, name)
        where = first_written(pipeline, (*_LOAD, "rps"), concurrency, latency)
        notes = noted(pipeline, latency, f"an answer may take {limit}") if where != latency else ()
        hint = "raise `limits.concurrency`, or lower `tests.load.rps`"
        yield Finding("AM306", where, message, help=hint, severity=Severity.WARNING, related=notes)


def _shown(number: float) -> str:
    return f"{number:,.0f}" if number >= _MANY else f"{number:.3g}"
