"""The last environment, which users rely on, is no weaker than those before it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aimass_compiler.checks._example import Example
from aimass_compiler.diagnostics import Explanation, Finding, Related, Severity
from aimass_compiler.pipeline.override_locations import place_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aimass_compiler.pipeline import Pipeline

NEEDS = ("settings", "serving", "environments")
EXPLANATIONS = (
    Explanation(
        "AM310",
        "production runs on one server",
        "The last environment of aimass.yaml is the one that users rely on. While its only server is moved, "
        "updated or restarted, no server answers; a disruption budget cannot help, because there is none to "
        "spare. Run two or more, or accept the warning in `waivers` where an outage does not matter.",
    ),
    Explanation(
        "AM311",
        "production has less than an environment before it",
        "Environments are in the order of promotion, and each shows that the next one will do. What was "
        "tested with more servers, memory or cores says little about fewer. Mostly an override stands below "
        "the wrong environment.",
    ),
    Explanation(
        "AM312",
        "production promises less than an environment before it",
        "The last environment of aimass.yaml is the one that users rely on, yet an earlier one has stricter "
        "objectives or a shorter time limit, is updated step by step or can be reached from outside, and "
        "this one not. Mostly an override stands below the wrong environment.",
    ),
)
EXAMPLES = (
    Example(
        "AM310",
        fails="environments: {prod: {serving: {replicas: {min: 1}}}}",
        passes="environments: {dev: {serving: {replicas: {min: 1}}}}",
    ),
    Example(
        "AM311",
        fails="environments: {staging: {serving: {replicas: {min: 4, max: 9}}}}",
        passes="environments: {prod: {serving: {replicas: {min: 4, max: 9}}}}",
    ),
    Example(
        "AM312",
        fails="environments: {staging: {serving: {limits: {timeout: 500ms}}}}",
        passes="environments: {prod: {serving: {limits: {timeout: 500ms}}}}",
    ),
)


def _amount(value: Any) -> float:
    return float(value.amount)


def _slowness(value: Any) -> float:
    return float("-inf") if value is None else -float(value.amount)


#: What is compared: the place in `serving`, what it is called, and how good a value of it is.
_Comparison = tuple[str, str, "Callable[[Any], float]"]
_SERVERS: tuple[_Comparison, ...] = (
    ("replicas.min", "servers", float),
    ("replicas.max", "servers at most", float),
)
_SIZES: tuple[_Comparison, ...] = (
    ("resources.cpu", "cores for a server", _amount),
    ("resources.memory", "memory for a server", _amount),
)
_PROMISES: tuple[_Comparison, ...] = (
    ("objectives.availability", "availability", _amount),
    ("objectives.latency.p50", "median answer time", _slowness),
    ("objectives.latency.p95", "95th percentile of answer times", _slowness),
    ("objectives.latency.p99", "99th percentile of answer times", _slowness),
    ("limits.timeout", "time limit", _slowness),
    ("rollout.canary", "canary", lambda steps: float(bool(steps))),
    ("gateway", "gateway", lambda gateway: float(gateway is not None)),
)


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """What the last environment has less of."""
    *earlier, last = pipeline.environments
    minimum = pipeline.environments[last].serving.replicas.min
    if minimum == 1:
        message = f"`{last}`, the last environment, runs on one server: while it restarts no server answers"
        path = place_in(pipeline, last, "serving.replicas.min")
        hint = "write `serving.replicas.min: 2` or more"
        yield Finding("AM310", path, message, help=hint, severity=Severity.WARNING)
    # Servers that are fewer are told once, be it by `min`, by `max` or because there is one.
    servers = [found for part in _SERVERS for found in _less(pipeline, "AM311", part, earlier, last)]
    replicas = [environment.serving.replicas for environment in pipeline.environments.values()]
    is_sound = all(part.min <= part.max for part in replicas)  # else that is what is wrong
    yield from servers[:1] if minimum > 1 and is_sound else ()
    for code, comparisons in (("AM311", _SIZES), ("AM312", _PROMISES)):
        for comparison in comparisons:
            yield from _less(pipeline, code, comparison, earlier, last)


def _less(
    pipeline: Pipeline, code: str, comparison: _Comparison, earlier: list[str], last: str
) -> Iterator[Finding]:
    part, noun, goodness = comparison
    here = _value(pipeline, last, part)
    for name in earlier:
        there = _value(pipeline, name, part)
        if there is here or goodness(there) <= goodness(here):
            continue
        path, other = place_in(pipeline, last, f"serving.{part}"), place_in(pipeline, name, f"serving.{part}")
        message = (
            f"the {noun} of `{last}`: {_shown(here)}, but of `{name}`, which comes before it, {_shown(there)}"
        )
        note = Related(other, f"`{name}` has {_shown(there)}")
        where = path if path[0] == "environments" or other[0] != "environments" else other
        yield Finding(code, where, message, severity=Severity.WARNING, related=(note,))
        return


def _value(pipeline: Pipeline, name: str, part: str) -> Any:
    found: Any = pipeline.environments[name].serving
    for key in part.split("."):
        found = getattr(found, key)
    return found


def _shown(value: Any) -> str:
    if value is None or value == ():
        return "none"
    return str(value) if isinstance(value, (str, int, float)) else "there is one"
