"""What a caller may ask can be counted, and its limits do not contradict each other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from aimass_compiler.checks._example import Example
from aimass_compiler.diagnostics import Explanation, Finding, Severity
from aimass_compiler.pipeline.override_locations import place_in, written

if TYPE_CHECKING:
    from aimass_compiler.diagnostics import Path
    from aimass_compiler.pipeline import Pipeline
    from aimass_compiler.pipeline.access import Access, Caller

NEEDS = ("model", "serving", "environments")
EXPLANATIONS = (
    Explanation(
        "AM544",
        "a quota of a day is less than what may be asked at once",
        "A caller could use up its quota with the first burst, or within the time of its rate, and would be "
        "refused for the rest of the day. Mostly a number is in another unit than was meant: `rate` is in "
        "the time that it says, `quota` always in a day.",
    ),
    Explanation(
        "AM545",
        "this model has none of what is limited",
        "Rows are what models of rows are asked, and tokens what language models read and write. `burst` is "
        "of `requests`, and limits nothing without them.",
    ),
    Explanation(
        "AM546",
        "the gateway cannot count so many callers",
        "Envoy Gateway takes at most 16 rules where each proxy counts for itself, and 256 where a service "
        "counts for all (`limits: global`); each rate of a caller is one, and so is each quota of a global "
        "one. Give fewer callers separate rates, leave `implementation` out so that the servers count "
        "alone, or let the service count.",
    ),
)


def _access(caller: str) -> str:
    return f"serving: {{access: {{keys: churn-callers, callers: {{shop: {{{caller}}}}}}}}}"


def _many(count: int) -> str:
    callers = ", ".join(f"caller-{number}: {{rate: {{requests: 5/s}}}}" for number in range(1, count + 1))
    gateway = "gateway: {host: churn.example.com}"
    return f"serving: {{{gateway}, access: {{keys: churn-callers, callers: {{{callers}}}}}}}"


EXAMPLES = (
    Example(
        "AM544",
        fails=_access("rate: {requests: 50/s, burst: 100}, quota: {requests: 60}"),
        passes=_access("rate: {requests: 50/s, burst: 100}, quota: {requests: 100000}"),
    ),
    Example(
        "AM545",
        fails=_access("rate: {tokens: 20000/m}"),
        passes=_access("rate: {rows: 20000/m}"),
    ),
    Example(
        "AM546",
        fails=_many(17),
        passes=_many(16),
        settings="environments: {dev: {gateway: {implementation: envoy-gateway}}}",
    ),
)
_MOST_RULES = {"local": 16, "global": 256}


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """What is wrong with budgets, for all or in one environment."""
    is_of_text = bool(pipeline.first_model.artifact.engines)
    seen = set()
    for path, access in written(pipeline, "serving.access"):
        for name, caller in access.callers.items() if access is not None else ():
            where = (*path, "callers", name)
            for finding in (
                *_contradictions(where, name, caller),
                *_other_units(where, caller, is_of_text=is_of_text),
            ):
                if finding.message not in seen:
                    seen.add(finding.message)
                    yield finding
    yield from _uncounted(pipeline)


def _contradictions(path: Path, name: str, caller: Caller) -> Iterator[Finding]:
    rate, quota = caller.rate, caller.quota
    if rate is None or quota is None:
        return
    for unit in ("requests", "rows", "tokens"):
        fast, day = getattr(rate, unit), getattr(quota, unit)
        if fast is None or day is None:
            continue
        most, words = fast.number, f"`rate` allows {fast}"
        if unit == "requests" and rate.largest_burst > most:
            most, words = rate.largest_burst, f"`burst` allows {rate.largest_burst} at once"
        if day < most:
            message = f"the quota of `{name}` is {day} {unit} a day, but its {words}"
            yield Finding("AM544", (*path, "quota", unit), message, help="`quota` is of a whole day")


def _other_units(path: Path, caller: Caller, *, is_of_text: bool) -> Iterator[Finding]:
    unit, instead = ("rows", "tokens") if is_of_text else ("tokens", "rows")
    for part in ("rate", "quota"):
        limits = getattr(caller, part)
        if limits is not None and getattr(limits, unit) is not None:
            message = f"this model is asked {instead}, and no {unit}"
            yield Finding("AM545", (*path, part, unit), message, help=f"write `{instead}`")
    if caller.rate is not None and caller.rate.burst is not None and caller.rate.requests is None:
        message = "`burst` is of `requests`, of which there is no rate"
        yield Finding("AM545", (*path, "rate", "burst"), message, help="add `requests: 50/s`")


def _uncounted(pipeline: Pipeline) -> Iterator[Finding]:
    for name, environment in pipeline.environments.items():
        settings, access = pipeline.settings.environments.get(name), environment.serving.access
        gateway = settings.gateway if settings is not None else None
        if access is None or environment.serving.gateway is None or gateway is None:
            continue
        if gateway.is_mesh:
            continue
        count, most = _rules(access, is_global=gateway.limits == "global"), _MOST_RULES[gateway.limits]
        if count > most:
            message = f"{count} limits are more than the {most} that Envoy Gateway counts in `{name}`"
            hint = "leave `gateway` of the environment out, and the servers count alone"
            where = (*place_in(pipeline, name, "serving.access"), "callers")
            yield Finding("AM546", where, message, help=hint, severity=Severity.ERROR, at_key=True)


def _rules(access: Access, *, is_global: bool) -> int:
    rates = [caller.rate for caller in access.callers.values() if caller.rate and caller.rate.requests]
    quotas = [caller.quota for caller in access.callers.values() if caller.quota and caller.quota.requests]
    return len(rates) + (len(quotas) if is_global else 0)
