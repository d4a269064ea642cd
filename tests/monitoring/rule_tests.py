"""Unit tests of generated alerts for `promtool test rules`: each fires when it must and is silent otherwise.

Format: https://prometheus.io/docs/prometheus/latest/configuration/unit_testing_rules/
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from msgspec.structs import replace

from aimass_compiler.catalog.quantities import Duration
from aimass_compiler.pipeline import Pipeline
from aimass_compiler.render.emit import emit
from aimass_compiler.render.monitoring.alerts import (
    BRACES,
    DRIFT,
    Alert,
    AlertContext,
    alerts,
    annotations_of,
    watched,
)
from aimass_compiler.render.monitoring.alerts import labels as alert_labels
from aimass_compiler.render.monitoring.rule_files import RULES_ENDING, rule_files
from aimass_compiler.render.monitoring.rules import groups
from monitoring.scenarios import Scenario, within_an_hour, within_days
from monitoring.series import FEATURE, SPARSE, Series, exported

TEST_ENDING = ".test.yaml"
_LONG = 100  # minutes; what takes longer has sparse samples
#: Minutes between two looks at the rules: few show how long each alert is pending, days need many.
_STEP, _LONG_STEP = 2, 20


def rules_and_tests(pipeline: Pipeline) -> dict[str, bytes]:
    """For each environment the rules that promtool reads and their tests, side by side.

    Days are lived through once for environments whose rules differ in nothing but names.
    """
    files = rule_files(pipeline)
    tested: set[AlertContext] = set()
    for name, environment in pipeline.environments.items():
        here, rules = watched(pipeline.metadata, name, environment), f"{name}{RULES_ENDING}"
        soon = alert_tests(within_an_hour(here), here, rules, _STEP)
        files[f"{name}{TEST_ENDING}"] = emit(soon, pipeline.name)
        nameless = replace(here, environment="", namespace="")
        if nameless not in tested:
            tested.add(nameless)
            late = alert_tests(within_days(here), here, rules, _LONG_STEP)
            files[f"{name}.days{TEST_ENDING}"] = emit(late, pipeline.name)
    return files


def alert_tests(
    scenarios: Iterable[Scenario], watched: AlertContext, rule_file: str, step: int
) -> dict[str, Any]:
    """The test file of the rules in `rule_file`, which are looked at every `step` minutes."""
    return {
        "rule_files": [rule_file],
        "evaluation_interval": f"{step}m",
        # Otherwise promtool takes them in any order, and alerts might read what was recorded a step ago.
        "group_eval_order": [group["name"] for group in groups(watched)],
        "tests": [_test(scenario, watched, step) for scenario in scenarios],
    }


def _test(scenario: Scenario, watched: AlertContext, step: int) -> dict[str, Any]:
    every = SPARSE if scenario.minutes > _LONG else 1
    series: Series = exported(scenario.story, watched, every) if scenario.story else {}
    raised = [alert for alert in alerts(watched) if scenario.raised(alert, watched)]
    return {
        "name": scenario.name,
        "interval": f"{every}m",
        "input_series": [
            {"series": name, "values": values} for name, values in {**series, **scenario.more}.items()
        ],
        "alert_rule_test": [
            {
                "alertname": name,
                "eval_time": f"{minute}m",
                "exp_alerts": [_raised(alert, watched) for alert in due if alert.name == name],
            }
            for minute, due in _looks(scenario, raised, step)
            for name in dict.fromkeys(alert.name for alert in alerts(watched))
        ],
    }


def _looks(scenario: Scenario, raised: list[Alert], step: int) -> list[tuple[int, list[Alert]]]:
    """When to look, and what is raised by then: in the end, and just before and when each one is due."""
    found = {scenario.minutes or _LONG: raised}
    if scenario.since is not None:
        due = [scenario.since + _hold(alert, step) for alert in raised]
        for minute in {*due, *(minute - step for minute in due)}:
            found[minute] = [alert for alert, when in zip(raised, due, strict=True) if when <= minute]
    return sorted(found.items())


def _hold(alert: Alert, step: int) -> int:
    """The minutes for which an alert is held back, where the rules are looked at every `step` minutes."""
    minutes = Duration(alert.hold).seconds / 60
    return math.ceil(minutes / step) * step


def _raised(alert: Alert, watched: AlertContext) -> dict[str, Any]:
    own = {"feature": FEATURE} if alert.name == DRIFT else {}
    expected = {**alert_labels(alert, watched), "namespace": watched.namespace, **own}
    return {"exp_labels": expected, "exp_annotations": _filled_in(annotations_of(alert, watched))}


def _filled_in(templates: dict[str, str]) -> dict[str, str]:
    """What Prometheus makes of annotations."""
    return {
        key: text.replace("{{ $labels.feature }}", FEATURE).replace(BRACES, "{{")
        for key, text in templates.items()
    }
