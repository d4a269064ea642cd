"""Prometheus' own tool runs unit tests of the generated alerts."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from render.files import read
from render.models import VARIED, pipeline

from aimass_compiler.pipeline import Pipeline
from aimass_compiler.render.monitoring.rule_files import rule_files
from monitoring.mutants import MARK, Mutant, is_equivalent, mutants, with_mutants
from monitoring.rule_tests import TEST_ENDING, rules_and_tests

PROMTOOL = shutil.which("promtool")
pytestmark = pytest.mark.skipif(
    PROMTOOL is None, reason="no promtool: `make test` builds it where there is Go"
)


def promtool(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["promtool", *arguments], cwd=folder, capture_output=True, text=True, check=False)


def write(built: Pipeline, folder: Path) -> Path:
    for name, content in rules_and_tests(built).items():
        (folder / name).write_bytes(content)
    return folder


@pytest.mark.parametrize("name", VARIED)
def test_prometheus_takes_the_rules(name: str, tmp_path: Path) -> None:
    files = rule_files(VARIED[name])
    for file, content in files.items():
        (tmp_path / file).write_bytes(content)
    answer = promtool(tmp_path, "check", "rules", *sorted(files))
    assert answer.returncode == 0, answer.stderr


@pytest.mark.parametrize(
    ("objectives", "method"),
    [
        ({}, "psi"),
        pytest.param(
            {"availability": "100%", "latency": {"p50": "5ms", "p99": None}}, "ks", marks=pytest.mark.nightly
        ),
        pytest.param({"availability": "90%", "latency": {"p95": "60ms"}}, "js", marks=pytest.mark.nightly),
    ],
)
def test_alerts_fire_when_they_must_and_are_silent_otherwise(
    objectives: dict[str, object], method: str, tmp_path: Path
) -> None:
    monitoring = {
        "drift": {"method": method, "warn": 0.2, "page": 0.3, "rows": 50},
        "runbook": "https://wiki.example.com/?q=$labels#%7B",
    }
    built = pipeline({"serving": {"objectives": objectives}, "monitoring": monitoring})
    folder = write(built, tmp_path)
    tests = sorted(path.name for path in folder.glob(f"*{TEST_ENDING}"))
    answer = promtool(folder, "test", "rules", *tests)
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_every_alert_has_a_scenario_that_raises_it_and_one_that_does_not() -> None:
    files = rules_and_tests(pipeline())
    tests = read(files, "prod.test.yaml")["tests"] + read(files, "dev.days.test.yaml")["tests"]
    told = [
        (check["alertname"], alert["exp_labels"]["severity"])
        for test in tests
        for check in test["alert_rule_test"]
        for alert in check["exp_alerts"]
    ]
    groups = read(files, "prod.rules.yaml")["groups"]
    declared = {
        (rule["alert"], rule["labels"]["severity"])
        for group in groups
        for rule in group["rules"]
        if "alert" in rule
    }
    assert set(told) == declared
    silent = [check["alertname"] for check in tests[0]["alert_rule_test"] if not check["exp_alerts"]]
    assert set(silent) == {name for name, _ in declared}


#: Every so many rules with something wrong are tried; `make mutants` tries all.
EVERY = int(os.environ.get("MUTANTS_EVERY", "24"))


@pytest.fixture(scope="module")
def caught(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Mutant], set[str]]:
    """Wrong rules, and what promtool found wrong when it tested all of them like the right ones."""
    built = rules_and_tests(pipeline(settings={"environments": {"live": {"namespace": "models"}}}))
    rules, *tests = (yaml.safe_load(content) for content in built.values())
    chosen = list(mutants(rules["groups"]))[::EVERY]
    folder = tmp_path_factory.mktemp("mutants")
    grown, expecting = with_mutants(rules, tests, chosen)
    (folder / "live.rules.yaml").write_text(json.dumps(grown), encoding="utf-8")
    names = [f"{number}.test.yaml" for number in range(len(expecting))]
    for name, document in zip(names, expecting, strict=True):
        (folder / name).write_text(json.dumps(document), encoding="utf-8")
    answer = promtool(folder, "test", "rules", *names)
    return chosen, set(re.findall(r"alertname: (\w+),", answer.stderr))


def test_a_wrong_alert_does_not_pass(caught: tuple[list[Mutant], set[str]]) -> None:
    chosen, failed = caught
    numbers = {int(found[1]) for name in failed if (found := MARK.search(name))}
    unnoticed = [mutant for place, mutant in enumerate(chosen) if place not in numbers]
    assert [mutant.what for mutant in unnoticed if not is_equivalent(mutant)] == []


def test_the_right_ones_pass_beside_them(caught: tuple[list[Mutant], set[str]]) -> None:
    assert [name for name in caught[1] if not MARK.search(name)] == []


def test_text_of_a_spec_is_no_template_in_an_alert(tmp_path: Path) -> None:
    """Promtool fills templates in as Prometheus does, and holds them to what the spec says."""
    braces = '{{ $labels.namespace }} {{ .Value }} {{{ "x" }}} {{ end }} {{template "x"}} "\'`\\'
    built = pipeline({"metadata": {"owner": braces, "description": braces}})
    folder = write(built, tmp_path)
    tests = yaml.safe_load((folder / "dev.test.yaml").read_text())["tests"]
    told = {
        alert["exp_annotations"]["owner"]
        for test in tests
        for look in test["alert_rule_test"]
        for alert in look["exp_alerts"]
    }
    assert told == {braces}
    answer = promtool(folder, "test", "rules", "dev.test.yaml")
    assert answer.returncode == 0, answer.stdout + answer.stderr
