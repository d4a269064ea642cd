"""What is recorded of every model alike: its thresholds, and how many requests were bad over each window."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from msgspec import Struct

from aimass_compiler import conventions
from aimass_compiler.catalog.quantities import Duration
from aimass_compiler.render.monitoring.declaration import (
    BUDGET,
    DECLARED,
    DRIFT_PAGE,
    DRIFT_ROWS,
    DRIFT_WARN,
    WAITING,
)
from aimass_compiler.render.monitoring.objectives import AVAILABILITY, BURNS
from aimass_compiler.render.serving.series import REQUESTS, SLOW_SHARES

#: Which model it is, and which of its objectives.
MODEL, OBJECTIVE = "namespace, model", "namespace, model, objective"
#: What an alert says beside that.
TOLD = "environment, team"

#: Which models there are, once each; its value is 1.
KNOWN = "aimass:known"
OBJECTIVE_BUDGET = "aimass:objective_budget"
OBJECTIVE_END = "aimass:objective_end"
DRIFT_LIMIT = "aimass:drift_limit"
DRIFT_ROWS_LIMIT = "aimass:drift_rows_limit"
WAITING_LIMIT = "aimass:waiting_limit"

#: The windows that are counted from the servers' counters; longer ones are summed from pieces.
SHORT_WINDOWS = ("5m", "30m", "1h")
#: How long a piece is, and how often one is counted. Prometheus forgets after five minutes; four divide all
#: windows and leave a minute, should it be late.
PIECE_MINUTES = 4
#: A piece begins one scrape earlier, so that what happens between the scrapes beside its edge is in one.
_OVERLAP_SECONDS = 30

_GROUP = "aimass.fleet"
#: How often thresholds are looked at: more often than every five minutes, after which Prometheus forgets.
_INTERVAL = "2m"


class Timing(Struct, frozen=True):
    """One histogram of promised times, under whatever name an engine exports it."""

    objectives: str
    """What the names of its objectives begin with."""
    histograms: tuple[str, ...]

    def series(self, suffix: str) -> str:
        """The PromQL of its counts of all, or of its buckets."""
        return any_of([f"{name}_{suffix}" for name in self.histograms])


TIMINGS = (
    Timing("latency", (conventions.METRIC_DURATION,)),
    *(
        Timing(objective, tuple(f"{prefix}{metric}" for prefix in conventions.ENGINE_PREFIXES.values()))
        for objective, metric in (
            ("first_token", conventions.METRIC_FIRST_TOKEN),
            ("token", conventions.METRIC_TOKEN),
        )
    ),
)


def any_of(metrics: Sequence[str], *more: str) -> str:
    """The PromQL of series that have one of these names."""
    if len(metrics) == 1:
        return metrics[0] + (f"{{{','.join(more)}}}" if more else "")
    names = f'__name__=~"{"|".join(metrics)}"'
    return "{" + ",".join((names, *more)) + "}"


def of_every_engine(metric: str) -> str:
    """One of the facts that engines export which generate text, of all of them."""
    return any_of([f"{prefix}{metric}" for prefix in conventions.ENGINE_PREFIXES.values()])


def windows() -> tuple[str, ...]:
    """Every window over which a budget may burn, from short to long."""
    found = {window for burns in BURNS.values() for burn in burns for window in (burn.short, burn.long)}
    return tuple(sorted(found, key=lambda window: Duration(window).seconds))


def counted(kind: str, window: str) -> str:
    """The metric that records how many requests were `bad`, or `all` of them, over a window."""
    return f"aimass:objective:{kind}_increase{window}"


def asked(window: str) -> str:
    """How many requests callers made of each model in a window, as PromQL."""
    return _requests(window, failed=False)


def record_groups(piece_minutes: int = PIECE_MINUTES) -> Iterator[dict[str, Any]]:
    """The groups in the order in which they read each other."""
    yield {"name": f"{_GROUP}.thresholds", "interval": _INTERVAL, "rules": list(_thresholds())}
    short = [rule for window in SHORT_WINDOWS for rule in _increases(window, window)]
    yield {"name": f"{_GROUP}.requests", "rules": short}
    yield {
        "name": f"{_GROUP}.budgets",
        "interval": f"{piece_minutes}m",
        "rules": [*_pieces(piece_minutes), *_sums()],
    }


def _thresholds() -> Iterator[dict[str, Any]]:
    # Prometheus asks for nothing there: that it has such a target is what is known.
    found = f'group without (job, instance) (up{{job="{conventions.JOB_DECLARED}"}})'
    yield {"record": DECLARED, "expr": found}
    # One for each model whatever is declared, or a second one would stop the rules of all models.
    whose = f"topk by ({MODEL}) (1, max by ({MODEL}, {TOLD}) ({DECLARED}))\n"
    yield {"record": KNOWN, "expr": whose}
    yield {"record": OBJECTIVE_END, "expr": _ends()}
    shares = [
        f'max by ({OBJECTIVE}) ({OBJECTIVE_END}{{objective=~".+_{percentile}"}}) * {share}\n'
        for percentile, share in SLOW_SHARES.items()
    ]
    availability = f'label_replace({_number(BUDGET)}, "objective", "{AVAILABILITY}", "", "")\n'
    yield {"record": OBJECTIVE_BUDGET, "expr": "or ".join([availability, *shares])}
    for severity, label in (("page", DRIFT_PAGE), ("ticket", DRIFT_WARN)):
        yield {"record": DRIFT_LIMIT, "expr": f"{_number(label)}\n", "labels": {"severity": severity}}
    yield {"record": DRIFT_ROWS_LIMIT, "expr": f"{_number(DRIFT_ROWS)}\n"}
    yield {"record": WAITING_LIMIT, "expr": f"{_number(WAITING)}\n"}


def _number(label: str) -> str:
    """What a label says, as a number: the only function that reads one takes it for the end of a bucket."""
    chosen = f'{DECLARED}{{{label}!=""}}'
    return (
        f"max by ({MODEL}) (histogram_quantile(1,\n"
        f'  label_replace({chosen}, "le", "$1", "{label}", "(.+)")\n'
        f'  or label_replace({chosen}, "le", "+Inf", "", "")\n'
        "))"
    )


def _ends() -> str:
    """For each objective of time a series whose label `le` is the end of the bucket that stands for it."""
    names = [f"{timing.objectives}_{percentile}" for timing in TIMINGS for percentile in SLOW_SHARES]
    parts = (
        f'label_replace(label_replace({DECLARED}{{{name}!=""}}, "le", "$1", "{name}", "(.+)"), '
        f'"objective", "{name}", "", "")'
        for name in names
    )
    return f"max by ({OBJECTIVE}, le) (\n  " + "\n  or ".join(parts) + "\n)\n"


def _increases(name: str, window: str, share: str = "") -> Iterator[dict[str, Any]]:
    """The requests of a window for each objective, or a share of them, recorded as those of `name`."""
    for kind, failed, timed in (("bad", True, _late), ("all", False, _of_ends)):
        asked_for = (
            f'label_replace(\n{_requests(window, failed=failed)}, "objective", "{AVAILABILITY}", "", "")\n'
        )
        every = "or\n".join([asked_for, *(timed(timing, window) for timing in TIMINGS)])
        yield {"record": counted(kind, name), "expr": f"(\n{every}){share}\n" if share else every}


def _requests(window: str, *, failed: bool) -> str:
    """All requests of callers, or those that failed, by whichever of the counters the servers have."""
    parts = (
        f"sum by ({MODEL}) (increase({each.counter}"
        + "{"
        + ",".join(('model!=""', *each.of_callers, *([each.failed] if failed else [])))
        + "}"
        + f"[{window}]))"
        for each in dict.fromkeys(REQUESTS.values())
    )
    return "\nor ".join(parts) + "\n"


def _of_ends(timing: Timing, window: str) -> str:
    """All that a histogram counted in a window, once for each of its objectives."""
    return _by_objective(f"sum by ({MODEL}) (increase({timing.series('count')}[{window}]))", MODEL, timing)


def _late(timing: Timing, window: str) -> str:
    """What a histogram counted in a window beyond the end that an objective has."""
    in_time = f"sum by ({MODEL}, le) (increase({timing.series('bucket')}[{window}]))"
    return f"{_of_ends(timing, window)}- {_by_objective(in_time, f'{MODEL}, le', timing)}"


def _by_objective(series: str, labels: str, timing: Timing) -> str:
    return (
        f"sum by ({OBJECTIVE}) (\n"
        f"  {series}\n"
        f'  * on ({labels}) group_right () {OBJECTIVE_END}{{objective=~"{timing.objectives}_.+"}}\n'
        ")\n"
    )


def _pieces(minutes: int) -> Iterator[dict[str, Any]]:
    seconds = minutes * 60
    window = f"{seconds + _OVERLAP_SECONDS}s"
    yield from _increases("_piece", window, f" * {seconds} / {seconds + _OVERLAP_SECONDS}")


def _sums() -> Iterator[dict[str, Any]]:
    for window in windows():
        if window in SHORT_WINDOWS:
            continue
        # Without its first minute no window holds a piece more, whether or not its beginning counts.
        inside = int(Duration(window).seconds) // 60 - 1
        for kind in ("bad", "all"):
            piece = counted(kind, "_piece")
            yield {"record": counted(kind, window), "expr": f"sum_over_time({piece}[{inside}m])"}
