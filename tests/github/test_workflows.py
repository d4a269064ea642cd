"""Workflows: clean by their linters, pinned, least privileged, and true about our own commands."""

from __future__ import annotations

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
from aimass_compiler.render.object_kind import Rank
from aimass_compiler.render.targets import KINDS
from scripts.cluster import programs

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".github"
LOOKED_AT = (FOLDER, ROOT / "action.yml")
WORKFLOWS = sorted((FOLDER / "workflows").glob("*.yml"))
#: GitHub has it since 2026-05-07, actionlint 1.7.12 does not know it (rhysd/actionlint#657).
QUEUE = 'unexpected key "queue" for "concurrency" section'
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
        [
            program,
            "--offline",
            "--persona=pedantic",
            "--no-ignores",
            "--strict-collection",
            FOLDER,
            ROOT / "action.yml",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stdout + found.stderr


@pytest.mark.skipif(
    shutil.which("actionlint") is None, reason="no actionlint: `make test` builds it where there is Go"
)
def test_actionlint_finds_nothing() -> None:
    found = subprocess.run(
        ["actionlint", f"-ignore={QUEUE}", *WORKFLOWS], capture_output=True, text=True, check=False
    )
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
        if words[:1] == ["verify"]:
            continue  # it comes with the analysis of rollouts
        subcommand = words[: 2 if words[0] == "ci" else 1] if program == "aimass" else []
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


def test_every_kind_that_is_rendered_has_its_place_in_the_order() -> None:
    """What only watches is not named there, and comes last."""
    overlays = [render.render(pipeline) for pipeline in VARIED.values()]
    rendered = {
        (document["apiVersion"].rpartition("/")[0], document["kind"])
        for files in overlays
        for path, content in files.items()
        if path.startswith(("base/", "overlays/")) and path.endswith(".yaml")
        for document in yaml.safe_load_all(content)
        if "config.kubernetes.io/local-config" not in document.get("metadata", {}).get("annotations", {})
    }
    files_of_kustomize = {("kustomize.config.k8s.io", kind) for kind in ("Kustomization", "Component")}
    assert rendered - files_of_kustomize <= KINDS.keys()
    watching = {key[1] for key in rendered & KINDS.keys() if KINDS[key].rank is Rank.OBSERVER}
    assert watching == {"PodMonitor", "PrometheusRule"}


def test_what_applies_brings_no_more_than_the_cluster_needs() -> None:
    pinned = (ROOT / "requirements/cluster.txt").read_text()
    everything = (ROOT / "requirements/dev.txt").read_text()
    named = set(re.findall(r"^[\w.-]+==[\w.+-]+", pinned, re.MULTILINE))
    assert "kubernetes" in {pin.partition("==")[0] for pin in named}
    assert named <= set(re.findall(r"^[\w.-]+==[\w.+-]+", everything, re.MULTILINE))
    assert not re.search(r"^(ray|polars|dvc)==", pinned, re.MULTILINE)
