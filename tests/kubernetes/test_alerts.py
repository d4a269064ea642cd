"""Prometheus' own tool runs the rendered tests of the rendered alerts."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from render.models import VARIED, pipeline

from aimass_compiler.pipeline import Pipeline
from aimass_compiler.render.monitoring.promtool import promtool_files

PROMTOOL = shutil.which("promtool")
pytestmark = [
    pytest.mark.kubernetes,
    pytest.mark.skipif(PROMTOOL is None, reason="promtool, which comes with Prometheus, is not on the PATH"),
]


def promtool(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["promtool", *arguments], cwd=folder, capture_output=True, text=True, check=False)


def write(built: Pipeline, folder: Path) -> Path:
    for name, content in promtool_files(built).items():
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(pipeline(), tmp_path_factory.mktemp("plain"))


@pytest.mark.parametrize("name", VARIED)
def test_prometheus_takes_the_rules(name: str, tmp_path: Path) -> None:
    folder = write(VARIED[name], tmp_path)
    answer = promtool(folder, "check", "rules", *(path.name for path in sorted(folder.glob("*.rules.yaml"))))
    assert answer.returncode == 0, answer.stderr


@pytest.mark.parametrize(
    "objectives",
    [
        {},
        {"availability": "100%", "latency": {"p50": "5ms", "p99": None}},
        {"availability": "90%", "latency": {"p95": "60ms"}},
    ],
)
def test_alerts_fire_when_they_must_and_are_silent_otherwise(
    objectives: dict[str, object], tmp_path: Path
) -> None:
    monitoring = {
        "drift": {"warn": 0.2, "page": 0.3, "rows": 50},
        "runbook": "https://wiki.example.com/?q=$labels#%7B",
    }
    built = pipeline({"serving": {"objectives": objectives}, "monitoring": monitoring})
    folder = write(built, tmp_path)
    answer = promtool(folder, "test", "rules", *(f"{name}.test.yaml" for name in built.environments))
    assert answer.returncode == 0, answer.stdout + answer.stderr


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ('code=~"5.."', 'code=~"[45].."'),
        ("> 0.003", "> 0.0003"),
        ("> 0.25\n", "> 2.5\n"),
        (">= 500", ">= 5"),
        (">= 10\n", ">= 1\n"),
        ("> 0.9\n", "> 0.5\n"),
        ("offset 1d", "offset 2d"),
        ("absent(", "count("),
    ],
)
def test_a_wrong_alert_does_not_pass(right: str, wrong: str, plain: Path, tmp_path: Path) -> None:
    rules = (plain / "dev.rules.yaml").read_text(encoding="utf-8")
    assert right in rules
    (tmp_path / "dev.rules.yaml").write_text(rules.replace(right, wrong), encoding="utf-8")
    shutil.copy(plain / "dev.test.yaml", tmp_path)
    assert promtool(tmp_path, "test", "rules", "dev.test.yaml").returncode != 0
