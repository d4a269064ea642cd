"""A team's quota and budget count the servers that its models share, once and not for each model."""

from __future__ import annotations

from pathlib import Path

import pytest

from aimass_compiler.cli import main
from aimass_compiler.exit_codes import ExitCode

SPEC = """
apiVersion: aimass/v1
kind: Model
metadata: {name: %s, owner: growth@example.com}
data: {sources: {rows: data/rows.csv}, columns: {x: number, "y": {type: category, values: [a, b]}}}
target: "y"
model: logistic_regression
serving: {shared: small}
"""
SETTINGS = """
environments: {dev: {}, prod: {}}
servers: {small: {replicas: {min: 2, max: 4}, resources: {cpu: 2, memory: 4Gi}}}
prices: {cpu_hour: 0.04, gib_hour: 0.005, gpu_hour: 2.5}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in ("churn", "upsell"):
        path = tmp_path / "specs" / "growth" / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(SPEC % name)
    (tmp_path / "aimass.yaml").write_text(SETTINGS)
    (tmp_path / "teams").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("bounds", "told"),
    [
        ("quota: {cpu: 3}", "ask for 4 cores in prod with the fewest servers, and may have 3"),
        ("quota: {pods: 3}", "ask for 4 pods in prod with the most servers, and may have 3"),
        # Two environments, two servers each, of 0.1 USD an hour.
        ("budget: {money: 200}", "ask for 292 USD a month with the fewest servers, and may have 200"),
    ],
)
def test_shared_servers_count_once(
    project: Path, capsys: pytest.CaptureFixture[str], bounds: str, told: str
) -> None:
    (project / "teams" / "growth.yaml").write_text(bounds)
    main(["compile", "--root", str(project)])
    assert f"the models of team `growth` {told}" in capsys.readouterr().err


def test_what_is_enough_is_enough(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "teams" / "growth.yaml").write_text("quota: {cpu: 20, pods: 4}\nbudget: {money: 600}\n")
    assert main(["compile", "--root", str(project)]) == ExitCode.DONE
    assert "of team `growth`" not in capsys.readouterr().err
