"""Drift is told when there is some, in time, and the warning before the call."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from aimass_compiler.checks._example import Example
from aimass_compiler.checks._places import exchanged, noted
from aimass_compiler.diagnostics import Explanation, Finding, Fix, Path, Severity
from aimass_compiler.pipeline.override_locations import first_written, written

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.pipeline import Pipeline
    from aimass_compiler.pipeline.monitoring import Drift

NEEDS = ("serving.tests", "monitoring.drift")
EXPLANATIONS = (
    Explanation(
        "AM245",
        "the warning of drift would come after the call",
        "Above `warn` a ticket is opened, above `page` someone is paged: `warn` is the smaller one.",
    ),
    Explanation(
        "AM308",
        "the window of drift sees too little traffic to decide",
        "A verdict needs `drift.rows` rows within `drift.window`. Even under the load that the server is "
        "tested with, one row a request, so many do not come in that time, and drift would never be "
        "reported. Make the window longer, or lower `rows`.",
    ),
    Explanation(
        "AM309",
        "chance alone would look like drift",
        "The index of a column in ten bins, over n rows that did not change, is about chi-squared with nine "
        "degrees of freedom over n (Yurdakul 2018): it exceeds 17/n once in twenty windows, and distances by "
        "`ks` and `js` exceed 1.36 and 1.75 over the root of n. That is above the threshold, so that every "
        "model with a few features would warn all the time. Ask for more `rows`, or raise the threshold.",
    ),
)
EXAMPLES = (
    Example(
        "AM245",
        fails="monitoring: {drift: {warn: 0.3}}",
        passes="monitoring: {drift: {warn: 0.3, page: 0.5}}",
    ),
    Example(
        "AM308",
        fails="monitoring: {drift: {window: 5s}}",
        passes="monitoring: {drift: {window: 5m}}",
    ),
    Example(
        "AM309",
        fails="monitoring: {drift: {rows: 50}}",
        passes="monitoring: {drift: {rows: 500}}",
    ),
)


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """Thresholds in the wrong order or within chance, and windows without traffic."""
    for path, drift in written(pipeline, "monitoring.drift"):
        if drift.warn >= drift.page:
            message = f"`warn` is {drift.warn:g}, which is not below `page`, {drift.page:g}"
            yield Finding("AM245", (*path, "warn"), message, fix=_exchanged(path, drift))
            continue
        chance = drift.measure.chance(drift.rows)
        if chance > drift.warn:
            message = (
                f"over {drift.rows} rows chance makes a {drift.measure.shown} of {chance:.2g}, above `warn`, "
                f"{drift.warn:g}"
            )
            hint = f"ask for `rows: {ceil(drift.measure.rows_for(drift.warn))}` or more"
            where = first_written(pipeline, (*path, "rows"), (*path, "warn"))
            yield Finding("AM309", where, message, help=hint, severity=Severity.WARNING)
    yield from _too_few(pipeline)


def _exchanged(path: Path, drift: Drift) -> Fix | None:
    """Both the wrong way round, where both were written."""
    if not {"warn", "page"} <= drift.model_fields_set or drift.warn == drift.page:
        return None
    return exchanged(path, "warn", "page", drift)


def _too_few(pipeline: Pipeline) -> Iterator[Finding]:
    rps = pipeline.serving.tests.load.rps
    for path, drift in written(pipeline, "monitoring.drift"):
        rows = rps * drift.window.seconds
        if rows < drift.rows:
            message = (
                f"in {drift.window} come {rows:.3g} rows at {rps} a second, but a verdict needs {drift.rows}"
            )
            hint = "make `window` longer, or lower `rows`"
            load = ("serving", "tests", "load", "rps")
            notes = noted(pipeline, load, f"the server is tested with {rps} requests a second")
            where = first_written(pipeline, (*path, "window"), (*path, "rows"), load)
            yield Finding("AM308", where, message, help=hint, severity=Severity.WARNING, related=notes)
