"""The latencies that are promised rise with their percentiles and can be kept."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from aimass_compiler.checks._example import Example
from aimass_compiler.checks._places import noted
from aimass_compiler.diagnostics import Assign, Explanation, Finding, Fix, Related, Severity
from aimass_compiler.pipeline.override_locations import place_in, written
from aimass_compiler.pipeline.serving import Latency

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.diagnostics import Path
    from aimass_compiler.pipeline import Pipeline

NEEDS = ("serving.limits", "serving.objectives")
EXPLANATIONS = (
    Explanation(
        "AM243",
        "a higher percentile has a shorter time",
        "When 99 of 100 answers come within a time, 95 of them do too: the times rise with the percentiles.",
    ),
    Explanation(
        "AM244",
        "requests are given up before they are late",
        "`limits.timeout` ends a request with an error. Where it is shorter than the promised latency, no "
        "answer is ever late, because it is an error first.",
    ),
)
EXAMPLES = (
    Example(
        "AM243",
        fails="serving: {objectives: {latency: {p95: 100ms, p99: 50ms}}}",
        passes="serving: {objectives: {latency: {p95: 50ms, p99: 100ms}}}",
    ),
    Example(
        "AM244",
        fails="serving: {objectives: {latency: {p99: 500ms}}, limits: {timeout: 200ms}}",
        passes="serving: {objectives: {latency: {p99: 500ms}}, limits: {timeout: 2s}}",
    ),
)
_TIMEOUT = "serving.limits.timeout"
_PROMISE = "serving.objectives.latency.p99"


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """Latencies that do not rise, and timeouts that come first."""
    for path, latency in written(pipeline, "serving.objectives.latency"):
        given = [
            (name, limit) for name in Latency.model_fields if (limit := getattr(latency, name)) is not None
        ]
        for (lower, shorter), (higher, longer) in pairwise(given):
            if longer.seconds < shorter.seconds:
                message = f"`{higher}` is {longer}, which is shorter than `{lower}`, {shorter}"
                note = Related((*path, lower), f"`{lower}` is {shorter}")
                edits = (Assign((*path, higher), str(shorter)), Assign((*path, lower), str(longer)))
                is_both = {lower, higher} <= latency.model_fields_set
                fix = Fix(f"exchange `{lower}` and `{higher}`", edits) if is_both else None
                yield Finding("AM243", (*path, higher), message, related=(note,), fix=fix)
    yield from _timeouts(pipeline)


def _timeouts(pipeline: Pipeline) -> Iterator[Finding]:
    seen = set()
    for path, serving in written(pipeline, "serving"):
        timeout, limit = serving.limits.timeout, serving.objectives.latency.p99
        if limit is None or timeout.seconds >= limit.seconds or (timeout, limit) in seen:
            continue
        seen.add((timeout, limit))
        message = f"requests are given up after {timeout}, before the promised `p99` of {limit}"
        timeout_path, promise_path = _places(pipeline, path)
        is_timeout_meant = "timeout" in serving.limits.model_fields_set
        if timeout_path[0] != promise_path[0]:  # the one that is of this environment alone
            is_timeout_meant = timeout_path[0] == "environments"
        if is_timeout_meant:
            where, note = timeout_path, Related(promise_path, f"`p99` is {limit}")
        else:
            where, note = promise_path, Related(timeout_path, f"`timeout` is {timeout}")
        notes = noted(pipeline, note.path, note.message)
        hint = f"give requests more time than {limit}, or promise a shorter `p99`"
        yield Finding("AM244", where, message, help=hint, severity=Severity.WARNING, related=notes)


def _places(pipeline: Pipeline, path: Path) -> tuple[Path, Path]:
    """Where the timeout and the promise were written for the environment of a path, or for all."""
    if path[0] != "environments":
        return tuple(_TIMEOUT.split(".")), tuple(_PROMISE.split("."))
    name = str(path[1])
    return place_in(pipeline, name, _TIMEOUT), place_in(pipeline, name, _PROMISE)
