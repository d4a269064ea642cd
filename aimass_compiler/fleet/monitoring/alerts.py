"""The alerts of every model alike; what they say is what those of one model say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec.structs import replace

from aimass_compiler import conventions, drift_methods
from aimass_compiler.fleet.monitoring.records import (
    DRIFT_LIMIT,
    DRIFT_ROWS_LIMIT,
    KNOWN,
    MODEL,
    OBJECTIVE_BUDGET,
    TOLD,
    WAITING_LIMIT,
    any_of,
    asked,
    counted,
    of_every_engine,
)
from aimass_compiler.render.monitoring.alerts import (
    ABSENT,
    BUDGET_BURN,
    DOWN,
    DRIFT,
    FEWEST_BAD_REQUESTS,
    FEWEST_MISSED_REQUESTS,
    IDLE,
    SATURATED,
    SATURATION,
    VIOLATED_SHARE,
    VIOLATIONS,
    Alert,
    AlertContext,
    alerts,
    budget_burn,
    drift_alerts,
)
from aimass_compiler.render.monitoring.declaration import DECLARED, DRIFT_METHOD, RESTS
from aimass_compiler.render.monitoring.objectives import AVAILABILITY, BURNS, Indicator
from aimass_compiler.render.monitoring.text_alerts import (
    CACHE_FULL,
    FEWEST,
    FULL,
    PREEMPTED,
    PREEMPTED_SHARE,
    QUEUED,
    REFUSED,
    REFUSED_SHARE,
    text_alerts,
)
from aimass_compiler.render.serving.series import Requests, TextSeries
from aimass_compiler.render.training_monitoring.alerts import training_alerts

_GROUPS = {BUDGET_BURN: "objectives", DRIFT: "drift", IDLE: "callers", VIOLATIONS: "callers"}


def alert_groups() -> Iterator[dict[str, Any]]:
    """The groups of alerts by subject, as those of one model."""
    by_group: dict[str, list[dict[str, Any]]] = {}
    for alert in fleet_alerts():
        by_group.setdefault(_GROUPS.get(alert.name, "servers"), []).append(_rule(alert))
    for subject, rules in by_group.items():
        yield {"name": f"aimass.fleet.{subject}", "rules": rules}
    yield {"name": "aimass.fleet.training", "rules": [_rule(alert) for alert in _of_training()]}


def _of_training() -> Iterator[Alert]:
    """Those of training jobs, also of a model that serves nowhere yet, so that none declares it."""
    for alert in training_alerts(_label("model"), _label("namespace"), '{model!=""}'):
        condition = f"{_known(alert.expression)}or on ({MODEL}) (\n{alert.expression})\n"
        yield replace(alert, expression=condition)


def fleet_alerts() -> Iterator[Alert]:
    """Every alert, each with the condition under which it is raised for one model after the other."""
    conditions = _conditions()
    for alert in _told():
        yield replace(alert, expression=conditions[alert.name, alert.severity], labels={})
        if alert.name == DRIFT:
            yield from _otherwise(alert.severity)


def _otherwise(severity: str) -> Iterator[Alert]:
    """The same alert of the models whose drift is not measured as usual, by one method after the other."""
    for method in drift_methods.methods()[1:]:
        every = replace(_every(), method=method.name)
        for alert in drift_alerts(every):
            if alert.severity == severity:
                chosen = f'and on ({MODEL}) {DECLARED}{{{DRIFT_METHOD}="{method.name}"}}'
                yield replace(alert, expression=_moved(severity, method.series, chosen))


def _rule(alert: Alert) -> dict[str, Any]:
    about = {
        "owner": _declared_label("owner"),
        conventions.ANNOTATION_RUNBOOK: _declared_label(conventions.LABEL_RUNBOOK),
    }
    return {
        "alert": alert.name,
        "expr": alert.expression,
        "for": alert.hold,
        "labels": {"severity": alert.severity},
        "annotations": {"summary": alert.summary, "description": alert.description, **about},
    }


def _label(name: str) -> str:
    return f"{{{{ $labels.{name} }}}}"


def _asked_for(series: str, more: str, shown: str) -> str:
    """What Prometheus fills in from a series of the model that the alert is about."""
    query = f"{series}{{namespace=%q,model=%q{more}}}".replace('"', '\\"')
    return (
        f'{{{{ with query (printf "{query}" $labels.namespace $labels.model) }}}}'
        f"{{{{ . | first | {shown} }}}}{{{{ end }}}}"
    )


def _declared_label(name: str) -> str:
    return _asked_for(DECLARED, "", f'label "{name}"')


def _told() -> Iterator[Alert]:
    """What alerts say, with Prometheus' templates in the place of a model."""
    every, waiting = _every(), _asked_for(WAITING_LIMIT, "", "value")
    for severity in BURNS:
        yield budget_burn(every, Indicator(_label("objective"), (), "", 1e-9), severity)
    yield from alerts(every)
    text = TextSeries("", Requests(), (), 0)
    for each in text_alerts(every.model, every.environment, "", text, waiting):
        yield Alert(each.name, "ticket", each.expression, each.hold, each.summary, each.description)


def _every() -> AlertContext:
    """Any model, with templates in the place of what is said of one."""
    warn, page = (
        _asked_for(DRIFT_LIMIT, f',severity="{severity}"', "value") for severity in ("ticket", "page")
    )
    return AlertContext(_label("model"), _label("environment"), "", warn, page, "", 0, (), None)


def _conditions() -> dict[tuple[str, str], str]:
    """By name and severity, what raises an alert: one series for each model, with its environment."""
    return {
        **{(BUDGET_BURN, severity): _burns(severity) for severity in BURNS},
        **{(DRIFT, severity): _usually_moved(severity) for severity in ("page", "ticket")},
        (ABSENT, "page"): _absent(),
        (DOWN, "ticket"): _known(
            f"sum by ({MODEL}) (\n"
            f'  1 - label_replace(up{{job!="{conventions.JOB_DECLARED}"}}, "model", "$1", "job", "(.+)")\n'
            ") > 0"
        ),
        (SATURATED, "ticket"): _full(),
        (IDLE, "ticket"): _idle(),
        (VIOLATIONS, "ticket"): _violated(),
        (QUEUED, "ticket"): _waiting(),
        (CACHE_FULL, "ticket"): _known(f"{_mean(of_every_engine(conventions.METRIC_CACHE_USAGE))} > {FULL}"),
        (PREEMPTED, "ticket"): _share(
            _sum(of_every_engine(conventions.METRIC_PREEMPTIONS)),
            _sum(any_of([f"{prefix}{conventions.METRIC_FIRST_TOKEN}_count" for prefix in _PREFIXES])),
            PREEMPTED_SHARE,
            FEWEST,
        ),
        (REFUSED, "ticket"): _share(
            _sum(of_every_engine(conventions.METRIC_ADMISSION_REJECTIONS)),
            f"(\n{asked('15m')})",
            REFUSED_SHARE,
            FEWEST,
        ),
    }


_PREFIXES = tuple(conventions.ENGINE_PREFIXES.values())


def _known(condition: str) -> str:
    """The condition for the models that are declared, with their labels."""
    return f"(\n{condition}\n)\n* on ({MODEL}) group_left ({TOLD}) {KNOWN}\n"


def _burns(severity: str) -> str:
    parts = []
    for burn in BURNS[severity]:
        short, long = (
            f"{counted('bad', window)} / {counted('all', window)} > {burn.factor:g} * {OBJECTIVE_BUDGET}"
            for window in (burn.short, burn.long)
        )
        parts.append(f"{short}\nand {long}\nand {counted('bad', burn.long)} >= {FEWEST_BAD_REQUESTS}")
    return _known("\nor\n".join(parts))


def _usually_moved(severity: str) -> str:
    # Servers of an earlier release, which measure otherwise, have another limit.
    series = drift_methods.method(drift_methods.USUAL).series
    return _moved(severity, series, f'unless on ({MODEL}) {DECLARED}{{{DRIFT_METHOD}!=""}}')


def _moved(severity: str, series: str, chosen: str) -> str:
    return _known(
        "avg by (namespace, model, feature) (\n"
        f"  {series} {chosen}\n"
        f"  and on (namespace, pod, model) (\n"
        f"    {conventions.METRIC_DRIFT_ROWS} >= on ({MODEL}) group_left () {DRIFT_ROWS_LIMIT}\n"
        "  )\n"
        ")\n"
        f'> on ({MODEL}) group_left () {DRIFT_LIMIT}{{severity="{severity}"}}'
    )


def _absent() -> str:
    running = [
        conventions.METRIC_MODEL_INFO,
        *(f"{prefix}{conventions.METRIC_RUNNING}" for prefix in _PREFIXES),
    ]
    resting = f'unless on ({MODEL}) {DECLARED}{{{RESTS}="yes"}}'
    return f"{KNOWN} unless on ({MODEL}) {any_of(running)}\n{resting}\n"


def _full() -> str:
    in_flight, limit = (
        f"sum by ({MODEL}) (avg_over_time({metric}[5m]))"
        for metric in (conventions.METRIC_IN_FLIGHT, conventions.METRIC_CONCURRENCY_LIMIT)
    )
    # Servers of text are full when requests wait.
    return _known(f"{in_flight}\n/ {limit}\n> {SATURATION}\nunless on ({MODEL}) {WAITING_LIMIT}")


def _idle() -> str:
    hour = f'{counted("all", "1h")}{{objective="{AVAILABILITY}"}}'
    return _known(
        f"sum by ({MODEL}) ({hour} offset 1d) >= {FEWEST_MISSED_REQUESTS}\n"
        f"unless sum by ({MODEL}) ({hour}) > 0"
    )


def _violated() -> str:
    broken, every = (_sum(metric) for metric in (conventions.METRIC_VIOLATIONS, conventions.METRIC_REQUESTS))
    return _share(broken, every, VIOLATED_SHARE, FEWEST_BAD_REQUESTS)


def _waiting() -> str:
    return _known(f"{_mean(of_every_engine(conventions.METRIC_WAITING))} > {WAITING_LIMIT}")


def _mean(series: str) -> str:
    return f"avg by ({MODEL}) (avg_over_time({series}[5m]))"


def _sum(series: str) -> str:
    return f"sum by ({MODEL}) (increase({series}[15m]))"


def _share(part: str, whole: str, limit: float, fewest: int) -> str:
    return _known(f"{part}\n/ {whole}\n> {limit}\nand {part} >= {fewest}")
