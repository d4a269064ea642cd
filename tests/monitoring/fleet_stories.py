"""Several models of one fleet, each with a story of its own, under both sets of rules at once."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from aimass_compiler import conventions
from aimass_compiler.fleet.monitoring.alerts import alert_groups
from aimass_compiler.fleet.monitoring.records import record_groups
from aimass_compiler.render.monitoring.alerts import BUDGET_BURN, AlertContext
from aimass_compiler.render.monitoring.declaration import declared_labels
from aimass_compiler.render.monitoring.rules import groups
from monitoring.series import ALL, ROOM, Stretch, exported

#: What alerts of the models' own rules are called in front of their names, beside those of the fleet.
OWN = "Own"
_ALIKE = "alertname, severity, environment, namespace, model, objective, feature"


def fleet_groups(models: Sequence[AlertContext], piece_minutes: int) -> list[dict[str, Any]]:
    """The fleet's rules, and what Prometheus has of the Services of models.

    Promtool looks at all groups equally often, so pieces are as long as that is.
    """
    found = [
        {"record": "up", "expr": "vector(1)", "labels": target(each, declared_labels(each, ""))}
        for each in models
    ]
    return [{"name": "targets", "rules": found}, *record_groups(piece_minutes), *alert_groups()]


def target(model: AlertContext, declared: Mapping[str, str]) -> dict[str, str]:
    """The labels of what the fleet's ScrapeConfig makes of a model's Service."""
    place = {"namespace": model.namespace, "environment": model.environment}
    return {"job": conventions.JOB_DECLARED, "instance": "localhost:9090", **place, **declared}


def both(models: Sequence[AlertContext], piece_minutes: int) -> list[dict[str, Any]]:
    """The rules of the fleet and those of each model, whose alerts have other names."""
    own = [group for each in models for group in groups(each)]
    renamed = [
        {
            **group,
            "rules": [
                {**rule, "alert": OWN + rule["alert"]} if "alert" in rule else rule for rule in group["rules"]
            ],
        }
        for group in own
    ]
    return [*fleet_groups(models, piece_minutes), *renamed]


def told(
    story: Sequence[Stretch], watched: AlertContext, chance: random.Random, every: int
) -> Mapping[str, str]:
    """The series of a server, and half the time those of another one beside it."""
    found = exported(story, watched, every)
    if chance.random() < 0.5:
        return found
    other = exported([replace(part, drift=part.drift / 2) for part in story], watched, every)
    return found | {name.replace('pod="one"', 'pod="two"'): values for name, values in other.items()}


def story(chance: random.Random, minutes: int, part: int, watched: AlertContext) -> list[Stretch]:
    """What happens to a model: parts in which anything may go wrong, by itself or together."""
    drift = float(watched.page)
    return [
        Stretch(
            part,
            flow=chance.choice((0, 0.2, 30, 600)),
            failed=chance.choice((0, 0, 0, 0.5, 2, 8, 20, ALL)),
            slow=chance.choice((0, 0, 0, 0.5, 2, 8, 20, ALL)),
            refused=chance.choice((0, 0, 0.05, 0.3)),
            in_flight=chance.choice((1, 1, ROOM)),
            drift=chance.choice((0, 0, drift * 0.9, drift * 1.1, drift * 3)),
            rows=chance.choice((None, None, 1)),
        )
        for _ in range(minutes // part)
    ]


def differences(minutes: int, step: int, tolerance: int) -> list[str]:
    """Expressions that find nothing where both sets of rules raise the same alerts at the same times.

    Those of budgets may come and go `tolerance` minutes apart, as windows of hours are summed from pieces.
    """
    found = []
    for one, another in ((_own, _of_fleet), (_of_fleet, _own)):
        exact = f"{one('!=', '')} unless on ({_ALIKE}, alertstate) {another('!=', '')}"
        firing = 'alertstate="firing"'
        around = f"[{2 * tolerance}m:{step}m] offset -{tolerance}m"
        near = f"{one('=', firing)} unless on ({_ALIKE}) max_over_time(({another('=', firing)}){around})"
        found += [f"count_over_time(({each})[{minutes}m:{step}m])" for each in (exact, near)]
    return found


def _own(is_budget: str, more: str) -> str:
    chosen = f'ALERTS{{alertname=~"{OWN}.+",alertname{is_budget}"{OWN}{BUDGET_BURN}",{more}}}'
    return f'label_replace({chosen}, "alertname", "$1", "alertname", "{OWN}(.+)")'


def _of_fleet(is_budget: str, more: str) -> str:
    return f'ALERTS{{alertname!~"{OWN}.+",alertname{is_budget}"{BUDGET_BURN}",{more}}}'
