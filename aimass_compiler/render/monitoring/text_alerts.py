"""The alerts of a language model's servers: who waits, full caches, answers begun again, refusals."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from aimass_compiler import conventions
from aimass_compiler.render.serving.series import TextSeries

QUEUED = "ModelQueued"
CACHE_FULL = "ModelCacheFull"
PREEMPTED = "ModelPreempted"
REFUSED = "ModelRefusing"

#: The share of the cache beyond which answers are soon thrown out of it.
FULL = 0.95
#: Of the answers that are begun, the share that is thrown out and begun again.
PREEMPTED_SHARE = 0.05
#: Of the requests, the share that is refused because too many are there.
REFUSED_SHARE = 0.01
#: Fewer are no reason to look.
FEWEST = 10


class TextAlert(Struct, frozen=True):
    """What an alert of a language model says beside its model and environment."""

    name: str
    expression: str
    hold: str
    summary: str
    description: str
    threshold: str


def text_alerts(
    model: str, environment: str, chosen: str, text: TextSeries, waiting: str
) -> Iterator[TextAlert]:
    """All of them; `chosen` selects the series of the model in the environment.

    `waiting` is how many requests may wait at one server, as PromQL and people read it.
    """
    yield from _full(model, environment, chosen, text, waiting)
    yield from _lost(model, environment, chosen, text)


def _mean(metric: str, chosen: str) -> str:
    """Of each server over five minutes, then of all: a scrape meets any moment."""
    return f"avg by (namespace, model) (avg_over_time({metric}{chosen}[5m]))"


def _full(model: str, environment: str, chosen: str, text: TextSeries, most: str) -> Iterator[TextAlert]:
    waiting = _mean(text.metric(conventions.METRIC_WAITING), chosen)
    yield TextAlert(
        QUEUED,
        f"{waiting} > {most}\n",
        "10m",
        f"requests to {model} wait longer than is promised",
        f"For ten minutes more than {most} requests have waited at each server of {model} in "
        f"{environment}: the first token comes late. Raise the most replicas, or `concurrent` where the "
        "cache has room.",
        most,
    )
    yield TextAlert(
        CACHE_FULL,
        f"{_mean(text.metric(conventions.METRIC_CACHE_USAGE), chosen)} > {FULL}\n",
        "10m",
        f"the cache of {model} is full",
        f"The caches of {model} in {environment} have been more than {FULL:.0%} full for ten minutes: "
        "further answers wait or are begun again. Raise the most replicas, or lower `concurrent`.",
        f"{FULL}",
    )


def _lost(model: str, environment: str, chosen: str, text: TextSeries) -> Iterator[TextAlert]:
    def increase(metric: str, *more: str) -> str:
        inside = ",".join((chosen[1:-1], *more))
        return f"sum by (namespace, model) (increase({metric}{{{inside}}}[15m]))"

    first = f"{text.metric(conventions.METRIC_FIRST_TOKEN)}_count"
    begun_again = increase(text.metric(conventions.METRIC_PREEMPTIONS))
    yield TextAlert(
        PREEMPTED,
        f"{begun_again}\n/ {increase(first)}\n> {PREEMPTED_SHARE}\nand {begun_again} >= {FEWEST}\n",
        "15m",
        f"{model} begins answers again",
        f"More than {PREEMPTED_SHARE:.0%} of the answers of {model} in {environment} were thrown out of the "
        "cache half-way and begun again. Lower `concurrent`, or give servers more memory.",
        f"{PREEMPTED_SHARE}",
    )
    refused = increase(text.metric(conventions.METRIC_ADMISSION_REJECTIONS))
    asked = increase(text.requests.counter, *text.requests.of_callers)
    yield TextAlert(
        REFUSED,
        f"{refused}\n/ {asked}\n> {REFUSED_SHARE}\nand {refused} >= {FEWEST}\n",
        "15m",
        f"{model} refuses requests",
        f"More than {REFUSED_SHARE:.0%} of the requests to {model} in {environment} were refused because as "
        "many as `limits.concurrency` allows were there. Raise the most replicas, or the limit.",
        f"{REFUSED_SHARE}",
    )
