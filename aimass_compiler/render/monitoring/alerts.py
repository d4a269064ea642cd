"""The alerts of one model in one environment, and what they are computed from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import Struct, field

from aimass_compiler import conventions, drift_methods
from aimass_compiler.pipeline import EnvironmentPipeline, Metadata
from aimass_compiler.render.monitoring.objectives import (
    Indicator,
    budget,
    indicators,
    latency_times,
    selector,
    watched_ends,
)
from aimass_compiler.render.monitoring.text_alerts import text_alerts
from aimass_compiler.render.serving.series import Requests, TextSeries, Timed, text_of

BUDGET_BURN = "ModelBudgetBurn"
DRIFT = "ModelDrift"
ABSENT = "ModelAbsent"
DOWN = "ModelServerDown"
SATURATED = "ModelSaturated"
IDLE = "ModelIdle"
VIOLATIONS = "ModelContractViolated"

#: One failed request at night is no emergency, even when it is one of three.
FEWEST_BAD_REQUESTS = 10
#: Fewer requests an hour may well be none on another day.
FEWEST_MISSED_REQUESTS = 10
#: The share of requests that may break the contract before somebody should ask the callers.
VIOLATED_SHARE = 0.1
SATURATION = 0.9
#: How a template of Prometheus says two braces that begin nothing.
BRACES = '{{"{{"}}'


class AlertContext(Struct, frozen=True):
    """One model in one environment, and all that its alerts depend on."""

    model: str
    environment: str
    namespace: str
    warn: str
    """The drift above which a ticket is opened, as PromQL has it."""
    page: str
    """The drift above which somebody is called."""
    rows: str
    """The fewest rows that allow a verdict on drift."""
    budget: float
    """The share of requests that may fail."""
    ends: tuple[tuple[str, float], ...]
    """For each latency objective the end of the bucket that stands for it."""
    runbook: str | None
    owner: str = ""
    """Who answers for the model; empty where the spec does not say."""
    text: TextSeries | None = None
    """What is exported of a language model; None for any other."""
    server: str = ""
    """The server that it shares with others; empty where it has its own."""
    may_rest: bool = False
    """Whether no server runs while no request comes."""
    method: str = drift_methods.USUAL
    """How drift is measured."""

    @property
    def everything(self) -> str:
        """The PromQL selector of the series that its servers export."""
        return selector(self.model, self.namespace)

    @property
    def times(self) -> tuple[Timed, ...]:
        """The times that are promised, and that a histogram can tell."""
        return (*latency_times(self.ends), *(self.text.times if self.text else ()))

    @property
    def indicators(self) -> tuple[Indicator, ...]:
        return tuple(indicators(self.budget, self.requests, self.times, self.model, self.namespace))

    @property
    def requests(self) -> Requests:
        """How its requests are counted."""
        return self.text.requests if self.text else Requests()

    @property
    def asked(self) -> str:
        """The PromQL series of all requests of callers."""
        return self.requests.counter + selector(self.model, self.namespace, *self.requests.of_callers)


def watched(about: Metadata, environment: str, running: EnvironmentPipeline) -> AlertContext:
    """What there is to watch of a model in an environment."""
    objectives, drift = running.serving.objectives, running.monitoring.drift
    return AlertContext(
        about.name,
        environment,
        running.namespace,
        f"{drift.warn:.6g}",
        f"{drift.page:.6g}",
        f"{drift.rows}",
        budget(objectives),
        tuple(watched_ends(objectives).items()),
        running.monitoring.runbook,
        about.owner,
        text_of(running.serving),
        running.serving.shared or "",
        running.serving.replicas.idle is not None and running.serving.shared is None,
        drift.method,
    )


class Alert(Struct, frozen=True):
    """One alert of a severity: when, after how long, and what it says."""

    name: str
    severity: str
    expression: str
    hold: str
    summary: str
    description: str
    thresholds: tuple[str, ...] = ()
    """What it fires above, as PromQL has it; of several burn rates that of each."""
    labels: dict[str, str] = field(default_factory=dict)


def alerts(watched: AlertContext) -> Iterator[Alert]:
    """Every alert; those of one name differ in severity or objective."""
    for indicator in watched.indicators:
        for severity in ("page", "ticket"):
            if indicator.burns(severity):
                yield budget_burn(watched, indicator, severity)
    if watched.text is None:
        yield from drift_alerts(watched)
    yield from _servers(watched)
    yield from _full(watched) if watched.text is None else _of_text(watched, watched.text)
    yield _idle(watched)
    if watched.text is None:
        yield _violations(watched)


def rule(alert: Alert, watched: AlertContext) -> dict[str, Any]:
    """The alert as Prometheus reads it."""
    return {
        "alert": alert.name,
        "expr": alert.expression,
        "for": alert.hold,
        "labels": labels(alert, watched),
        "annotations": annotations_of(alert, watched),
    }


def annotations_of(alert: Alert, watched: AlertContext) -> dict[str, str]:
    """What the alert says to people, as templates of Prometheus."""
    texts = {"summary": alert.summary, "description": alert.description}
    if watched.owner:
        texts["owner"] = watched.owner.replace("{{", BRACES)
    if watched.runbook is not None:
        texts[conventions.ANNOTATION_RUNBOOK] = watched.runbook
    return texts


def labels(alert: Alert, watched: AlertContext) -> dict[str, str]:
    """The environment stands here so that Alertmanager can let `dev` sleep at night."""
    return {
        "severity": alert.severity,
        "model": watched.model,
        "environment": watched.environment,
        **alert.labels,
    }


def budget_burn(watched: AlertContext, indicator: Indicator, severity: str) -> Alert:
    """The budget of an objective goes too fast, for the burns that call for this severity."""
    chosen = watched.everything
    conditions, thresholds = [], []
    for burn in indicator.burns(severity):
        threshold = f"{burn.factor * indicator.budget:.6g}"
        thresholds.append(threshold)
        conditions.append(
            f"{indicator.recorded(burn.short)}{chosen} > {threshold}\n"
            f"and {indicator.recorded(burn.long)}{chosen} > {threshold}\n"
            f"and ({indicator.count_bad(burn.long)}) >= {FEWEST_BAD_REQUESTS}\n"
        )
    pace = "fast" if severity == "page" else "slowly but surely"
    return Alert(
        BUDGET_BURN,
        severity,
        "or\n".join(conditions),
        "2m" if severity == "page" else "15m",
        f"{watched.model} misses its {indicator.name} objective",
        f"Too many requests to {watched.model} in {watched.environment} are bad by its {indicator.name} "
        f"objective: the budget of 30 days is being used up {pace}.",
        tuple(thresholds),
        {conventions.LABEL_OBJECTIVE: indicator.name},
    )


def drift_alerts(watched: AlertContext) -> Iterator[Alert]:
    """A feature has moved, by the method that the model is watched by."""
    method = drift_methods.method(watched.method)
    measured = (
        "avg by (namespace, model, feature) (\n"
        f"  {method.series}{watched.everything}\n"
        f"  and on (namespace, pod) ({conventions.METRIC_DRIFT_ROWS}{watched.everything} >= {watched.rows})\n"
        ")"
    )
    for severity, limit in (("page", watched.page), ("ticket", watched.warn)):
        yield Alert(
            DRIFT,
            severity,
            f"{measured} > {limit}\n",
            "15m",
            f"{{{{ $labels.feature }}}} of {watched.model} moved away from the training data",
            f"The {method.shown} of {{{{ $labels.feature }}}} in {watched.environment} is above "
            f"{limit}: look at where the data comes from, or train again.",
            (limit,),
        )


def _servers(watched: AlertContext) -> Iterator[Alert]:
    model, environment, chosen = watched.model, watched.environment, watched.everything
    running = (
        watched.text.metric(conventions.METRIC_RUNNING) if watched.text else conventions.METRIC_MODEL_INFO
    )
    if not watched.may_rest:
        yield Alert(
            ABSENT,
            "page",
            f"absent({running}{chosen})",
            "5m",
            f"no server of {model} answers",
            f"Prometheus has seen no server of {model} in {environment} for five minutes.",
        )
    # Prometheus itself gives `up` the pods' name as its job.
    up = f'up{{job="{watched.server or model}",namespace="{watched.namespace}"}}'
    yield Alert(
        DOWN,
        "ticket",
        f"sum by (namespace) (1 - {up}) > 0",
        "15m",
        f"a server of {model} does not answer",
        f"At least one server of {model} in {environment} has not answered Prometheus for 15 minutes.",
    )


def _full(watched: AlertContext) -> Iterator[Alert]:
    model, environment, chosen = watched.model, watched.environment, watched.everything
    # Between two waves of requests even a full server is empty for a moment, which a scrape may meet. Both
    # are means, because one that was just removed would otherwise count above the line only.
    in_flight, limit = (
        f"sum by (namespace, model) (avg_over_time({metric}{chosen}[5m]))"
        for metric in (conventions.METRIC_IN_FLIGHT, conventions.METRIC_CONCURRENCY_LIMIT)
    )
    yield Alert(
        SATURATED,
        "ticket",
        f"{in_flight}\n/\n{limit}\n> {SATURATION}\n",
        "10m",
        f"the servers of {model} are nearly full",
        f"{model} in {environment} has been at more than {SATURATION:.0%} of its concurrency for ten "
        "minutes; beyond it requests are refused. Raise the most replicas, or the concurrency.",
    )


def _of_text(watched: AlertContext, text: TextSeries) -> Iterator[Alert]:
    for each in text_alerts(watched.model, watched.environment, watched.everything, text, f"{text.waiting}"):
        yield Alert(
            each.name,
            "ticket",
            each.expression,
            each.hold,
            each.summary,
            each.description,
            (each.threshold,),
        )


def _idle(watched: AlertContext) -> Alert:
    """Those who asked do so no more."""
    model, environment = watched.model, watched.environment
    asked = f"sum by (namespace, model) (increase({watched.asked}[1h]"
    # A server that was never asked has no series of requests, so no rate of theirs is ever 0.
    return Alert(
        IDLE,
        "ticket",
        f"{asked} offset 1d)) >= {FEWEST_MISSED_REQUESTS}\nunless {asked})) > 0\n",
        "15m",
        f"no one asks {model} any more",
        f"{model} in {environment} has had no request for an hour, but had some a day ago at this time: "
        "look at the callers and at the way to the servers.",
    )


def _violations(watched: AlertContext) -> Alert:
    """Callers ask for what the contract does not allow."""
    model, environment, chosen = watched.model, watched.environment, watched.everything
    broken = f"sum by (namespace, model) (increase({conventions.METRIC_VIOLATIONS}{chosen}[15m]))"
    every = f"sum by (namespace, model) (increase({conventions.METRIC_REQUESTS}{chosen}[15m]))"
    return Alert(
        VIOLATIONS,
        "ticket",
        f"{broken}\n/ {every}\n> {VIOLATED_SHARE}\nand {broken} >= {FEWEST_BAD_REQUESTS}\n",
        "15m",
        f"requests to {model} break its contract",
        f"More than {VIOLATED_SHARE:.0%} of the requests to {model} in {environment} have been refused "
        "because of their fields; the dashboard shows which. Ask the callers what has changed.",
    )
