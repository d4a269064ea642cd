"""Prometheus itself follows the series of training jobs, by the rules of a model and by those of a fleet."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from render.models import pipeline

from aimass_compiler.fleet.monitoring import rule_file
from aimass_compiler.render import render
from aimass_compiler.render.training_monitoring.alerts import FAILED, GONE, MEMORY, STALLED

pytestmark = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="no promtool: `make test` builds it where there is Go"
)
_WHOSE = 'model="churn",namespace="ml-dev",pod="one",stage="train"'
_LATER = 'model="churn",namespace="ml-dev",pod="two",stage="train"'
BEGAN = "aimass_training_began_timestamp_seconds"
ENDED = "aimass_training_ended_timestamp_seconds"
_ALL = (STALLED, FAILED, GONE, MEMORY)


def of_model() -> dict[str, Any]:
    files = render(pipeline())
    found: dict[str, Any] = yaml.safe_load(files["overlays/dev/training-alerts.yaml"])["spec"]
    return found


def of_fleet() -> dict[str, Any]:
    (content,) = rule_file().values()
    groups = yaml.safe_load(content)["groups"]
    return {"groups": [each for each in groups if each["name"] == "aimass.fleet.training"]}


RULES = {"model": of_model, "fleet": of_fleet}


def running(last: str = "0+60x200", patience: int = 1800) -> dict[str, str]:
    """A job that began at once; `last` is when it went on, at each minute."""
    return {
        f"{BEGAN}{{{_WHOSE}}}": "0x200",
        f"aimass_training_progress_timestamp_seconds{{{_WHOSE}}}": last,
        f"aimass_training_patience_seconds{{{_WHOSE}}}": f"{patience}x200",
    }


def fires(folder: Path, rules: dict[str, Any], series: dict[str, str], minutes: int) -> list[str]:
    """The alerts that fire after so many minutes."""
    (folder / "rules.yaml").write_text(yaml.safe_dump(rules))
    given = [{"series": key, "values": value} for key, value in series.items()]
    fired = []
    for name in _ALL:
        check = {
            "expr": f'count(ALERTS{{alertname="{name}",alertstate="firing",model="churn"}}) > 0',
            "eval_time": f"{minutes}m",
            "exp_samples": [{"labels": "{}", "value": 1}],
        }
        test = {"interval": "1m", "input_series": given, "promql_expr_test": [check]}
        document = {"rule_files": ["rules.yaml"], "evaluation_interval": "1m", "tests": [test]}
        (folder / "test.yaml").write_text(yaml.safe_dump(document))
        command = ["promtool", "test", "rules", "test.yaml"]
        if not subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode:
            fired.append(name)
    return fired


STALLS = running(last="0+60x9 600x190")
SHORT = {key: value.replace("x200", "x20") for key, value in running("0+60x20").items()}
FAILS = SHORT | {f'{ENDED}{{{_WHOSE},outcome="training"}}': "_x20 1200"}
SUCCEEDS = SHORT | {f'{ENDED}{{{_WHOSE},outcome="done"}}': "_x20 1200"}
TRIED_AGAIN = FAILS | {
    key.replace(_WHOSE, _LATER): f"_x22 {value}"
    for key, value in {f"{BEGAN}{{{_WHOSE}}}": "1320x100"}.items()
}
FULL = running() | {
    f"ray_node_mem_used{{{_WHOSE}}}": "95x200",
    f"ray_node_mem_total{{{_WHOSE}}}": "100x200",
}
ROOMY = running() | {
    f"aimass_training_memory_bytes{{{_WHOSE}}}": "80x200",
    f"aimass_training_memory_limit_bytes{{{_WHOSE}}}": "100x200",
}


@pytest.mark.parametrize("whose", RULES)
@pytest.mark.parametrize(
    ("series", "minutes", "wanted"),
    [
        pytest.param(running(), 120, [], id="it goes on"),
        pytest.param(STALLS, 35, [], id="it waits as it did before"),
        pytest.param(STALLS, 50, [STALLED], id="it stalls"),
        pytest.param(FAILS, 28, [FAILED], id="it failed"),
        pytest.param(FAILS, 100, [], id="it failed long ago"),
        pytest.param(SUCCEEDS, 60, [], id="it succeeded"),
        pytest.param(SHORT, 24, [], id="between two stages"),
        pytest.param(SHORT, 40, [GONE], id="it was killed"),
        pytest.param(TRIED_AGAIN, 50, [], id="it is tried again"),
        pytest.param(FULL, 30, [MEMORY], id="its memory is nearly full"),
        pytest.param(ROOMY, 30, [], id="its memory has room"),
    ],
)
def test_an_alert_is_raised_when_it_must_be(
    tmp_path: Path, whose: str, series: dict[str, str], minutes: int, wanted: list[str]
) -> None:
    assert fires(tmp_path, RULES[whose](), series, minutes) == wanted


def test_a_model_that_is_declared_gives_its_team_and_one_that_is_not_fires_too(tmp_path: Path) -> None:
    known = {'aimass:known{namespace="ml-dev",model="churn",environment="dev",team="growth"}': "1x200"}
    assert fires(tmp_path, of_fleet(), STALLS | known, 50) == [STALLED], "once"


@pytest.mark.parametrize("whose", RULES)
def test_prometheus_takes_the_rules(tmp_path: Path, whose: str) -> None:
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(RULES[whose]()))
    command = ["promtool", "check", "rules", "rules.yaml"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
