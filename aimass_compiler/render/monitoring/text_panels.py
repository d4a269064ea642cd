"""What a dashboard shows of a language model: times of tokens, who waits, the cache, and tokens a second."""

from __future__ import annotations

from collections.abc import Iterator

from aimass_compiler import conventions
from aimass_compiler.render.monitoring.panel import RATE, Panel, percentiles
from aimass_compiler.render.serving.series import TextSeries


def text_panels(chosen: str, text: TextSeries) -> Iterator[Panel]:
    """All of them; `chosen` selects the series of the model."""
    yield _times("Time to first token", text.metric(conventions.METRIC_FIRST_TOKEN), chosen, text)
    yield _times("Time of each token", text.metric(conventions.METRIC_TOKEN), chosen, text)
    yield Panel("Tokens", "short", tuple(_tokens(chosen, text)), "Tokens a second, read and written.")
    running, waiting = (
        f"sum(avg_over_time({text.metric(name)}{chosen}{RATE}))"
        for name in (conventions.METRIC_RUNNING, conventions.METRIC_WAITING)
    )
    yield Panel("Requests", "short", ((running, "are answered"), (waiting, "wait")))
    cache = f"max({text.metric(conventions.METRIC_CACHE_USAGE)}{chosen})"
    yield Panel("Cache", "percentunit", ((cache, "fullest server"),), threshold=1)
    again = f"sum(rate({text.metric(conventions.METRIC_PREEMPTIONS)}{chosen}{RATE}))"
    refused = f"sum by (reason) (rate({text.metric(conventions.METRIC_ADMISSION_REJECTIONS)}{chosen}{RATE}))"
    yield Panel("Begun again and refused", "reqps", ((again, "begun again"), (refused, "{{reason}}")))
    servers = f"count({text.metric(conventions.METRIC_RUNNING)}{chosen})"
    yield Panel("Servers", "short", ((servers, "servers"),))


def _times(title: str, histogram: str, chosen: str, text: TextSeries) -> Panel:
    """With the strictest time that is promised."""
    buckets = f"sum by (le) (rate({histogram}_bucket{chosen}{RATE}))"
    promised = (time.end for time in text.times if time.histogram == histogram)
    return Panel(title, "s", percentiles(buckets), threshold=min(promised, default=None))


def _tokens(chosen: str, text: TextSeries) -> Iterator[tuple[str, str]]:
    for name, legend in (
        (conventions.METRIC_PROMPT_TOKENS, "read"),
        (conventions.METRIC_GENERATED_TOKENS, "written"),
    ):
        yield f"sum(rate({text.metric(name)}{chosen}{RATE}))", legend
