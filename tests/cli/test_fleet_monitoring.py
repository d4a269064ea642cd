"""Where rules are the fleet's, models declare what they promise, and rules and dashboards are made once."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from aimass_compiler.fleet.monitoring.boards import boards
from cli.projects import Project


@pytest.fixture
def fleet(compiled: Project) -> Project:
    settings = compiled.root / "aimass.yaml"
    text = settings.read_text() if settings.exists() else ""
    settings.write_text(f"{text}\nmonitoring: {{rules: fleet}}\n")
    assert compiled.aimass("compile").code == 0
    return compiled


def test_a_model_declares_what_it_promises_and_has_neither_rules_nor_dashboard(fleet: Project) -> None:
    folder = fleet.root / "generated" / "churn"
    objects = yaml.safe_load_all((folder / "base" / "server.yaml").read_text())
    (service,) = (each["metadata"] for each in objects if each["kind"] == "Service")
    assert service["annotations"]["declared.aimass.dev/model"] == "churn"
    assert service["annotations"]["declared.aimass.dev/budget"] == "0.001"
    assert not [path for path in folder.rglob("*") if path.name in {"alerts.yaml", "dashboard.json"}]


def test_a_change_of_a_model_changes_nothing_of_the_fleet(fleet: Project) -> None:
    folder = fleet.root / "generated" / "fleet"
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert folder / "monitoring" / "rules.yaml" in before
    spec = fleet.root / "specs" / "churn.yaml"
    spec.write_text(spec.read_text() + "\nmonitoring: {drift: {warn: 0.15}}\n")
    done = fleet.aimass("compile")
    assert done.code == 0, done.err
    assert "base/server.yaml" in done.out
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_every_dashboard_has_a_key_of_its_own_in_the_cluster(fleet: Project) -> None:
    """Grafana's sidecar writes a file for each key, and two of one name would overwrite each other."""
    text = (fleet.root / "generated" / "fleet" / "monitoring" / "kustomization.yaml").read_text()
    keys = [
        entry.partition("=")[0]
        for each in yaml.safe_load(text)["configMapGenerator"]
        for entry in each["files"]
    ]
    assert len(set(keys)) == len(keys) == len(boards())
    assert all(key.startswith("aimass-fleet-") for key in keys)


def test_the_rules_of_the_fleet_are_checked_once(fleet: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    program = fleet.root / "promtool"
    program.write_text(f'#!/bin/sh\necho "$@" >> {fleet.root}/asked\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(fleet.root), prepend=":")
    done = fleet.aimass("alerts")
    assert "fleet: promtool accepts the alert rules of all models" in done.out
    assert (fleet.root / "asked").read_text().splitlines() == ["check rules rules.yaml"]


@pytest.mark.skipif(
    shutil.which("promtool") is None, reason="no promtool: `make test` builds it where there is Go"
)
def test_prometheus_reads_every_line_of_every_dashboard(tmp_path: Path) -> None:
    lines = [
        target["expr"].replace("$__rate_interval", "2m")
        for board in boards().values()
        for panel in board["panels"]
        for target in panel["targets"]
    ]
    rules = [{"record": f"line{number}", "expr": line} for number, line in enumerate(lines)]
    (tmp_path / "lines.yaml").write_text(json.dumps({"groups": [{"name": "lines", "rules": rules}]}))
    command = ["promtool", "check", "rules", "lines.yaml"]
    answer = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr
