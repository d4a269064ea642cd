"""What the exported metrics cannot tell of a model's objectives."""

from __future__ import annotations

from collections.abc import Iterator
from operator import attrgetter

from aimass_compiler import conventions
from aimass_compiler.catalog.quantities import Duration
from aimass_compiler.diagnostics import Example, Explanation, Finding, Severity
from aimass_compiler.pipeline import Pipeline
from aimass_compiler.pipeline.override_locations import written
from aimass_compiler.render.monitoring.objectives import BURNS, boundary
from aimass_compiler.render.serving.series import SLOW_SHARES

EXPLANATIONS = (
    Explanation(
        "AM421",
        "the alert uses a longer time than the objective",
        "Servers count answers by the time they took in buckets with fixed ends. An objective between two "
        "ends is watched at the longer one, so a breach by less than the difference goes unseen. Choose one "
        "of the ends, or live with the difference.",
    ),
    Explanation(
        "AM422",
        "no alert can watch this objective",
        "An availability of 100 % leaves nothing that may fail, so there is no pace at which it could be "
        "used up; and an answer time beyond the last bucket of the histogram is not measured. Choose a "
        "lower availability or a shorter time. The tests of the served model use the objective as it "
        "stands.",
    ),
    Explanation(
        "AM423",
        "the objective allows so many failures that no one would be paged",
        "A page means that the budget of 30 days is used up six or 14.4 times too fast. Where so much may "
        "fail that even an outage is slower than that, only tickets are opened. Raise the availability.",
    ),
    Explanation(
        "AM424",
        "Prometheus forgets before the alerts can look back",
        "`prometheus.retention` in aimass.yaml says how long samples are kept. The slowest alert on an "
        "objective compares the last three days with its budget; with less it judges by what is left, and a "
        "slow leak of the budget goes unseen. Keep samples longer.",
    ),
)
EXAMPLES = (
    Example(
        "AM421",
        "serving: {objectives: {latency: {p99: 60ms}}}",
        "serving: {objectives: {latency: {p99: 100ms}}}",
    ),
    Example(
        "AM422", "serving: {objectives: {availability: 100%}}", "serving: {objectives: {availability: 99.9%}}"
    ),
    Example(
        "AM423", "serving: {objectives: {availability: 80%}}", "serving: {objectives: {availability: 99.9%}}"
    ),
    Example(
        "AM424",
        "prometheus: {retention: 1d}\n",
        "prometheus: {retention: 15d}\n",
        "settings",
    ),
)


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """Objectives that the alerts watch only roughly, or not at all."""
    yield from _retention(pipeline)
    yield from _availability(pipeline)
    for percentile in SLOW_SHARES:
        yield from _latency(pipeline, percentile)


def _retention(pipeline: Pipeline) -> Iterator[Finding]:
    kept = pipeline.settings.prometheus.retention
    windows = (Duration(burn.long) for burns in BURNS.values() for burn in burns)
    longest = max(windows, key=attrgetter("seconds"))
    if kept is not None and kept.seconds < longest.seconds:
        message = f"samples are kept for {kept}, but an alert looks back over {longest}"
        path, file = ("prometheus", "retention"), conventions.SETTINGS_FILE
        hint = f"keep them for {longest} or longer"
        yield Finding("AM424", path, message, help=hint, severity=Severity.WARNING, file=file)


def _availability(pipeline: Pipeline) -> Iterator[Finding]:
    fastest = min(burn.factor for burn in BURNS["page"])
    for path, availability in written(pipeline, "serving.objectives.availability"):
        budget = 1 - availability.fraction
        if budget <= 0:
            message = (
                f"an availability of {availability} leaves no request that may fail, so no alert can watch it"
            )
            yield Finding("AM422", path, message, help="write `99.9%`", severity=Severity.WARNING)
        elif budget * fastest >= 1:
            message = f"with an availability of {availability} even an outage only opens a ticket"
            yield Finding("AM423", path, message, help="write `99.9%`", severity=Severity.WARNING)


def _latency(pipeline: Pipeline, percentile: str) -> Iterator[Finding]:
    for path, limit in written(pipeline, f"serving.objectives.latency.{percentile}"):
        if limit is None:
            continue
        end, last = boundary(limit.seconds), conventions.DURATION_BUCKETS[-1]
        if end is None and limit.seconds > _longest_timeout(pipeline):
            continue  # no answer takes so long: it is given up before, and that is told
        if end is None:
            message = f"servers measure answer times up to {last:g}s, so no alert can watch {limit}"
            yield Finding(
                "AM422", path, message, help=f"write `{last:g}s` or less", severity=Severity.WARNING
            )
        elif end != limit.seconds:
            message = (
                f"the alert watches {_shown(end)} instead of {limit}: answer times are counted in fixed steps"
            )
            yield Finding(
                "AM421", path, message, help=_steps_around(limit.seconds), severity=Severity.WARNING
            )


def _longest_timeout(pipeline: Pipeline) -> float:
    limits: list[Duration] = [limit for _, limit in written(pipeline, "serving.limits.timeout")]
    return max(limit.seconds for limit in limits)


def _steps_around(seconds: float) -> str:
    ends = conventions.DURATION_BUCKETS
    place = next(index for index, end in enumerate(ends) if end >= seconds)
    return "exact steps are " + " and ".join(
        f"`{_shown(end)}`" for end in ends[max(0, place - 1) : place + 1]
    )


def _shown(seconds: float) -> str:
    return f"{seconds:g}s" if seconds >= 1 else f"{seconds * 1000:g}ms"
