"""Workflows: clean by their linters, pinned, least privileged, and true about our own commands."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from render.models import VARIED

from aimass_compiler import render
from aimass_compiler.cluster import objects
from aimass_compiler.pipeline.settings import Settings
from scripts.cluster import programs

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".github"
WORKFLOWS = sorted((FOLDER / "workflows").glob("*.yml"))
SCRIPTS = sorted((FOLDER / "scripts").glob("*.sh"))
_USED = re.compile(r"uses: *(?P<action>\S+)(?P<comment>.*)")
_COMMAND = re.compile(r"(?:^|[\s/])(?P<program>aimass(?:-compile)?)\b(?P<rest>[^\n#|>]*)")


def steps() -> list[dict[str, Any]]:
    return [
        step
        for path in WORKFLOWS
        for job in yaml.safe_load(path.read_text())["jobs"].values()
        for step in job["steps"]
    ]


def commands() -> set[tuple[str, ...]]:
    """Every call of ours in workflows and hooks, as words."""
    runs = [step["run"] for step in steps() if "run" in step]
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    runs += [hook["entry"] for hook in hooks]
    return {(call["program"], *call["rest"].split()) for run in runs for call in _COMMAND.finditer(run)}


def test_zizmor_finds_nothing() -> None:
    program = Path(sys.executable).with_name("zizmor")
    found = subprocess.run(
        [program, "--offline", "--persona=pedantic", "--no-ignores", "--strict-collection", FOLDER],
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stdout + found.stderr


@pytest.mark.skipif(
    shutil.which("actionlint") is None, reason="no actionlint: `make test` builds it where there is Go"
)
def test_actionlint_finds_nothing() -> None:
    found = subprocess.run(["actionlint", *WORKFLOWS], capture_output=True, text=True, check=False)
    assert (found.returncode, found.stdout) == (0, "")


def test_every_action_is_pinned_by_its_commit() -> None:
    used = [match for path in WORKFLOWS for match in _USED.finditer(path.read_text())]
    assert used
    for match in used:
        assert re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}", match["action"]), match["action"]
        assert re.fullmatch(r" # v\d+\.\d+\.\d+", match["comment"]), match["action"]


def test_what_main_builds_is_what_pull_requests_get(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    kept, got = (
        [step["with"] for step in steps() if step.get("uses", "").startswith(action)]
        for action in ("actions/cache@", "actions/cache/restore@")
    )
    assert all(each == kept[0] for each in (*kept, *got))
    assert got
    assert programs.cache() == Path.home() / kept[0]["path"].removeprefix("~/")
    for path in re.findall(r"'([^'*]+?)/?\**'", kept[0]["key"]):
        assert (ROOT / path).exists(), path


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_jobs_get_the_permissions_that_they_name_and_no_others(path: Path) -> None:
    workflow = yaml.safe_load(path.read_text())
    assert workflow["permissions"] == {}
    assert all(job["permissions"] for job in workflow["jobs"].values())


def test_our_commands_have_the_options_that_are_used() -> None:
    assert {call[0] for call in commands()} == {"aimass", "aimass-compile"}
    for program, *words in commands():
        subcommand = words[:1] if program == "aimass" else []
        executable = Path(sys.executable).with_name(program)
        described = subprocess.run(
            [executable, *subcommand, "--help"], capture_output=True, text=True, check=True
        )
        for word in words:
            option = word.partition("=")[0]
            assert not option.startswith("--") or option in described.stdout, f"{program} {words}"
        if "--format" in words:
            chosen = words[words.index("--format") + 1]
            assert re.search(rf"--format {{[a-z,]*\b{chosen}\b", described.stdout), chosen


def test_the_environments_are_those_of_the_settings() -> None:
    workflow = yaml.safe_load((FOLDER / "workflows" / "apply.yml").read_text())
    applied = [
        job["environment"] for name, job in workflow["jobs"].items() if name not in ("images", "train")
    ]
    offered = workflow[True]["workflow_dispatch"]["inputs"]["environment"]["options"]
    assert applied == offered == list(Settings().environments)


def test_every_environment_is_looked_at_for_drift() -> None:
    (job,) = yaml.safe_load((FOLDER / "workflows" / "drift.yml").read_text())["jobs"].values()
    assert job["strategy"]["matrix"]["environment"] == list(Settings().environments)
    # A look that somebody must approve is none, so the environments of apply.yml will not do.
    assert job["environment"] == {"name": "drift-${{ matrix.environment }}", "deployment": False}


def test_the_overlays_are_held_to_the_environments_before_anything_is_applied() -> None:
    calls = [step["run"] for step in steps() if "environments.sh" in step.get("run", "")]
    assert calls == [f".github/scripts/environments.sh {' '.join(Settings().environments)}"] * 2


def test_every_kind_that_is_rendered_has_its_place_in_the_order() -> None:
    """What only watches is not named there, and comes last."""
    overlays = [render.render(pipeline) for pipeline in VARIED.values()]
    rendered = {
        (document["apiVersion"].rpartition("/")[0], document["kind"])
        for files in overlays
        for path, content in files.items()
        if path.startswith(("base/", "overlays/")) and path.endswith(".yaml")
        for document in yaml.safe_load_all(content)
    }
    ordered = {kind for kinds in objects.RANKS for kind in kinds}
    watching = {kind for group, kind in rendered if group == "monitoring.coreos.com"}
    assert {"ServiceMonitor", "PrometheusRule"} <= watching
    assert {kind for _, kind in rendered} - watching - {"Kustomization"} <= ordered


def test_what_applies_brings_no_more_than_the_cluster_needs() -> None:
    pinned = (ROOT / "requirements/cluster.txt").read_text()
    everything = (ROOT / "requirements/dev.txt").read_text()
    named = set(re.findall(r"^[\w.-]+==[\w.+-]+", pinned, re.MULTILINE))
    assert "kubernetes" in {pin.partition("==")[0] for pin in named}
    assert named <= set(re.findall(r"^[\w.-]+==[\w.+-]+", everything, re.MULTILINE))
    assert not re.search(r"^(ray|polars|dvc)==", pinned, re.MULTILINE)


def test_scripts_are_called_and_can_be_executed() -> None:
    texts = "".join(path.read_text() for path in [*WORKFLOWS, *SCRIPTS])
    for script in SCRIPTS:
        assert f"/{script.name}" in texts, f"nothing calls {script.name}"
        assert os.access(script, os.X_OK), script
        subprocess.run(["bash", "-n", script], check=True)
    called = set(re.findall(r"\.github/scripts/([\w-]+\.sh)", texts))
    assert called <= {script.name for script in SCRIPTS}
