"""The fleet's rules raise what each model's own rules raise, for every model at once."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from render.models import VARIED, pipeline

from aimass_compiler.fleet.monitoring import rule_file
from aimass_compiler.fleet.monitoring.records import PIECE_MINUTES
from aimass_compiler.render.emit import emit
from aimass_compiler.render.monitoring.alerts import AlertContext, watched
from monitoring import rule_tests, scenarios
from monitoring.fleet_stories import both, differences, fleet_groups, story, told
from monitoring.scenarios import Scenario, within_an_hour, within_days
from monitoring.test_text_alerts import ENVIRONMENTS, text_tests

pytestmark = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="no promtool: `make test` builds it where there is Go"
)
#: Minutes between two looks at the rules within hours.
_STEP = 2
#: Minutes of which promtool compares all looks at once: of days there are too many samples.
_AT_ONCE = 120


def passes(folder: Path, document: dict[str, Any], groups: Sequence[dict[str, Any]]) -> None:
    """Promtool finds what the document expects of these groups.

    The fleet's templates fill in nothing where a model has no owner or no runbook, and cannot leave it out.
    """
    expected = (
        alert["exp_annotations"]
        for test in document["tests"]
        for look in test.get("alert_rule_test", ())
        for alert in look["exp_alerts"]
    )
    for texts in expected:
        texts.update({"owner": "", "runbook_url": ""} | texts)
    order = [f"{number} {group['name']}" for number, group in enumerate(groups)]
    named = [{**group, "name": name} for group, name in zip(groups, order, strict=True)]
    (folder / "fleet.rules.yaml").write_bytes(emit({"groups": named}, "fleet"))
    whole = {**document, "rule_files": ["fleet.rules.yaml"], "group_eval_order": order}
    (folder / "fleet.test.yaml").write_text(json.dumps(whole), encoding="utf-8")
    command = ["promtool", "test", "rules", "fleet.test.yaml"]
    answer = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr


def as_in_prod(changes: dict[str, Any] | None = None) -> AlertContext:
    built = pipeline(changes)
    return watched(built.metadata, "prod", built.environments["prod"])


def test_prometheus_takes_the_rules(tmp_path: Path) -> None:
    for name, content in rule_file().items():
        (tmp_path / name).write_bytes(content)
        command = ["promtool", "check", "rules", name]
        answer = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert answer.returncode == 0, answer.stdout + answer.stderr


#: Every scenario is lived through by night; by day those that tell most of how the fleet's rules are written.
_TELLING = (
    "others are ill",
    "every request fails",
    "every request is slow",
    "drift beyond a ticket",
    "much drift beside a server with few rows",
    "no server is there, but others are",
    "one of two servers does not answer",
    "the servers become full",
    "many requests break the contract",
)


@pytest.mark.parametrize(
    "names", [_TELLING, pytest.param(None, marks=pytest.mark.nightly)], ids=["telling", "all"]
)
def test_within_an_hour_alerts_say_what_they_say_of_one_model(
    names: Sequence[str] | None, tmp_path: Path
) -> None:
    here = as_in_prod({"metadata": {"owner": '{{ growth }} "&" co'}})
    chosen = [each for each in within_an_hour(here) if names is None or each.name in names]
    document = rule_tests.alert_tests(chosen, here, "", _STEP)
    passes(tmp_path, document, fleet_groups([here], _STEP))


_LATE = ("requests are bad for hours, at seven times the pace", "requests have stopped for longer")


@pytest.mark.parametrize("names", [_LATE, pytest.param(None, marks=pytest.mark.nightly)], ids=["late", "all"])
def test_within_days_the_shipped_rules_raise_what_they_raise_of_one_model(
    names: Sequence[str] | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A piece has a rate only where there are two samples in it.
    for module in (rule_tests, scenarios):
        monkeypatch.setattr(module, "SPARSE", 2)
    here = as_in_prod({"monitoring": {"runbook": None}})
    chosen: list[Scenario] = [each for each in within_days(here) if names is None or each.name in names]
    document = rule_tests.alert_tests(chosen, here, "", PIECE_MINUTES)
    passes(tmp_path, document, fleet_groups([here], PIECE_MINUTES))


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_language_models_of_every_engine_are_watched_by_the_same_rules(
    environment: str, tmp_path: Path
) -> None:
    built = VARIED["language-on-gpus"]
    here = watched(built.metadata, environment, built.environments[environment])
    document = {"evaluation_interval": f"{_STEP}m", "tests": text_tests(here)}
    passes(tmp_path, document, fleet_groups([here], _STEP))


def company() -> list[AlertContext]:
    """Models whose thresholds differ, two of them of one name and two in one namespace."""
    strict = as_in_prod(
        {
            "serving": {"objectives": {"availability": "99.99%", "latency": {"p50": "5ms", "p99": "1s"}}},
            "monitoring": {"drift": {"method": "js", "warn": 0.3, "page": 0.9, "rows": 50}, "runbook": None},
        }
    )
    lax = as_in_prod(
        {
            "serving": {"objectives": {"availability": "90%", "latency": {"p95": "50ms", "p99": "50ms"}}},
            "monitoring": {"drift": {"method": "ks"}},
        }
    )
    unwatched = as_in_prod({"serving": {"objectives": {"availability": "100%", "latency": {"p99": None}}}})
    return [
        as_in_prod(),
        replace(strict, namespace="growth"),
        replace(lax, model="fraud", namespace="growth"),
        replace(unwatched, model="demand"),
    ]


def compared(
    minutes: int, part: int, step: int, sample: int, seed: int, models: Sequence[AlertContext] = ()
) -> dict[str, Any]:
    """A company that lives through a random time, and what must not differ between both sets of rules."""
    chance = random.Random(seed)  # noqa: S311  # no secret
    series: dict[str, str] = {}
    for model in models or company():
        series |= told(story(chance, minutes, part, model), model, chance, sample)
    return {
        "name": f"seed {seed}",
        "interval": f"{sample}m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [
            {"expr": expression, "eval_time": f"{end}m", "exp_samples": []}
            for end in range(_AT_ONCE, minutes + 1, _AT_ONCE)
            for expression in differences(_AT_ONCE, step, 2 * step + 2)
        ],
    }


@pytest.mark.parametrize("seeds", [range(2), pytest.param(range(2, 30), marks=pytest.mark.nightly)])
def test_for_hours_both_sets_of_rules_raise_the_same_at_the_same_times(seeds: range, tmp_path: Path) -> None:
    tests = [compared(240, 20, _STEP, 1, seed) for seed in seeds]
    passes(tmp_path, {"evaluation_interval": f"{_STEP}m", "tests": tests}, both(company(), _STEP))


@pytest.mark.nightly
def test_for_days_both_sets_of_rules_raise_the_same_at_the_same_times(tmp_path: Path) -> None:
    models = company()[1:3]
    tests = [compared(4 * 24 * 60, 240, PIECE_MINUTES, 2, 1, models)]
    document = {"evaluation_interval": f"{PIECE_MINUTES}m", "tests": tests}
    passes(tmp_path, document, both(models, PIECE_MINUTES))


def test_wrong_rules_of_the_fleet_do_not_pass(tmp_path: Path) -> None:
    text = json.dumps(both(company(), _STEP))
    for right, wrong in (
        ("14.4 *", "1e9 *"),
        (" 6 *", " 1e9 *"),
        ("aimass:drift_limit{", "2 * aimass:drift_limit{"),
    ):
        text = text.replace(right, wrong)
    document = {"evaluation_interval": f"{_STEP}m", "tests": [compared(120, 20, _STEP, 1, 1)]}
    with pytest.raises(AssertionError) as told_so:
        passes(tmp_path, document, json.loads(text))
    assert '"ModelBudgetBurn", alertstate="firing"' in str(told_so.value)
    assert '"ModelDrift", alertstate="firing"' in str(told_so.value)
