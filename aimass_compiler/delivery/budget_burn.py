"""Whether a release burns an error budget: by the alerts that became active since it came."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from aimass_compiler.delivery.release_history import stay_of
from aimass_compiler.pipeline.settings import Settings
from aimass_compiler.programs import prometheus
from aimass_compiler.releases.release_file import Release
from aimass_compiler.render.monitoring.alerts import BUDGET_BURN
from aimass_compiler.render.monitoring.objectives import selector

_PAGE = (f'alertname="{BUDGET_BURN}"', 'severity="page"')
_FIRING = 'alertstate="firing"'


def burning_objectives(
    root: Path, settings: Settings, release: Release, address: str | None, now: datetime
) -> list[str]:
    """The objectives whose budgets began to burn fast in the time that the environment gives a release.

    `address` is where Prometheus is. Raises PrometheusError and git.GitError.
    """
    revert = settings.environments[release.environment].revert
    if revert is None:
        return []
    since = accountable_since(root, release, timedelta(seconds=revert.within.seconds), now)
    if since is None:
        return []
    if address is None:
        raise prometheus.PrometheusError("nothing says where Prometheus is, to see whether a budget burns")
    query = alerts_query(release.name, settings.namespace_of(release.environment))
    found = prometheus.ask(address, query, settings.prometheus.tenant)
    return sorted({each.labels.get("objective", "") for each in found if each.value >= since.timestamp()})


def alerts_query(model: str, namespace: str) -> str:
    """The alerts about a model's budgets that fire now; their values are since when they are active.

    Source: https://prometheus.io/docs/prometheus/latest/configuration/alerting_rules/ and rules/alerting.go
    """
    since, firing = selector(model, namespace, *_PAGE), selector(model, namespace, *_PAGE, _FIRING)
    return f"ALERTS_FOR_STATE{since} and ignoring (alertstate) ALERTS{firing}"


def accountable_since(root: Path, release: Release, within: timedelta, now: datetime) -> datetime | None:
    """From when on a budget that begins to burn is taken for the fault of a release; None where that is over.

    `within` counts from when it came, and again from when its canary took over. What burnt before it came
    is the fault of another one, and may be what it repairs. Raises git.GitError.
    """
    stay = stay_of(root, release)
    if stay is None or now - (stay.alone_since or stay.since) > within:
        return None
    return stay.since
