"""Compiled workflows: as the goldens have them, clean by their linters, pinned, and least privileged."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from aimass_compiler import workflows
from aimass_compiler.pipeline.settings import Settings
from aimass_compiler.workflows.actions import ACTIONS
from scripts.cluster import programs
from tests.workflows.projects import SETTINGS, compiled

WANT = Path(__file__).parent / "want"
ROOT = Path(__file__).parents[2]
ACTIONLINT = shutil.which("actionlint") or programs.ready("actionlint")
#: GitHub has it since 2026-05-07, actionlint 1.7.12 does not know it (rhysd/actionlint#657).
QUEUE = 'unexpected key "queue" for "concurrency" section'


def documents(name: str) -> dict[str, Any]:
    return {path: yaml.safe_load(content) for path, content in compiled(name).items()}


def jobs(name: str) -> Iterator[dict[str, Any]]:
    for document in documents(name).values():
        yield from document["jobs"].values()


@pytest.mark.parametrize("name", ["least", "all"])
def test_they_are_as_the_goldens_have_them(name: str) -> None:
    folder = WANT / name
    if os.environ.get("REWRITE"):
        shutil.rmtree(folder, ignore_errors=True)
        for path, content in compiled(name).items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)
    wanted = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.yml")}
    assert compiled(name) == wanted


def test_what_an_engine_applies_is_compared_and_not_delivered() -> None:
    found = documents("engines")
    (asked,) = found["workflows/aimass-deliver.yml"][True]["workflow_dispatch"]["inputs"].values()
    assert asked["options"] == ["try"]
    compared = found["workflows/aimass-drift.yml"]["jobs"]
    (matrix,) = (job["strategy"]["matrix"] for job in compared.values() if "strategy" in job)
    assert matrix["environment"] == ["try", "live"]
    everywhere = {**SETTINGS["engines"], "environments": {"live": {}}}
    without = workflows.render(Settings.model_validate(everywhere), 3)
    assert "workflows/aimass-deliver.yml" not in without


@pytest.mark.parametrize("name", SETTINGS)
def test_zizmor_finds_nothing(name: str, tmp_path: Path) -> None:
    write(name, tmp_path)
    program = Path(sys.executable).with_name("zizmor")
    found = subprocess.run(
        [program, "--offline", "--persona=pedantic", "--no-ignores", "--strict-collection", tmp_path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stdout + found.stderr


@pytest.mark.skipif(ACTIONLINT is None, reason="no actionlint: `make test` builds it where there is Go")
@pytest.mark.parametrize("name", SETTINGS)
def test_actionlint_finds_nothing(name: str, tmp_path: Path) -> None:
    write(name, tmp_path)
    (tmp_path / "config.yaml").write_text("self-hosted-runner: {labels: [acme-linux]}\n")
    command = [str(ACTIONLINT), f"-config-file={tmp_path / 'config.yaml'}", f"-ignore={QUEUE}"]
    files = sorted((tmp_path / ".github/workflows").glob("*.yml"))
    found = subprocess.run([*command, *files], capture_output=True, text=True, check=False)
    assert (found.returncode, found.stdout) == (0, "")


def write(name: str, root: Path) -> None:
    for path, content in compiled(name).items():
        (root / ".github" / path).parent.mkdir(parents=True, exist_ok=True)
        (root / ".github" / path).write_bytes(content)


@pytest.mark.parametrize("name", SETTINGS)
def test_jobs_get_the_permissions_that_they_name_and_no_others(name: str) -> None:
    assert all(document["permissions"] == {} for document in documents(name).values())
    assert all(job["permissions"] for job in jobs(name))


@pytest.mark.parametrize("name", SETTINGS)
def test_every_queue_is_one_that_github_knows(name: str) -> None:
    groups = [each.get("concurrency") for each in (*documents(name).values(), *jobs(name))]
    queues = {group.get("queue") for group in groups if group and not group["cancel-in-progress"]}
    assert queues == {None if name == "all" else "max"}


@pytest.mark.parametrize("name", SETTINGS)
def test_nothing_is_installed_that_is_not_pinned(name: str) -> None:
    lines = [
        line
        for job in jobs(name)
        for step in job["steps"]
        for line in step.get("run", "").splitlines()
        if "install" in line and "uv pip" in line
    ]
    assert lines
    for line in lines:
        by_hash = line.startswith("uv pip install --require-hashes --only-binary :all: ")
        own = re.fullmatch(
            r"uv pip install --no-deps( --no-build-isolation (\.|\"aimass-compiler @ git\+\S+@[0-9a-f]{40}\")"
            r"| \./vendor/aimass\.whl)",
            line,
        )
        assert by_hash or own, line
        assert "-r requirements/train.txt" not in line or "--no-build-isolation" in line


def test_a_release_is_held_to_the_pins() -> None:
    (line,) = {
        line
        for job in jobs("least")
        for step in job["steps"]
        for line in step.get("run", "").splitlines()
        if "requirements/cluster.txt" in line and "grep" in line
    }
    assert line.startswith("grep -q '^aimass-compiler==0.1.0 ' requirements/cluster.txt ||")


def test_every_action_is_pinned_by_its_commit_as_in_the_workflows_of_this_repository() -> None:
    for action in ACTIONS.values():
        assert re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action), action
    files = [ROOT / "action.yml", *(ROOT / ".github/workflows").glob("[b-z]*.yml")]
    own = "".join(path.read_text() for path in files)
    for found in re.findall(r"uses: *(\S+@\S+ # \S+)", own):
        name = found.partition("@")[0]
        assert found in ACTIONS.values() or name not in {each.partition("@")[0] for each in ACTIONS.values()}


@pytest.mark.parametrize(
    ("name", "how"), [("key", "--sign-key env://AIMASS_SIGN_KEY"), ("identity", "--keyless")]
)
def test_what_an_environment_wants_signed_is_signed_where_it_is_made(name: str, how: str) -> None:
    made = documents(name)["workflows/aimass-train.yml"]["jobs"]
    steps = {step["name"]: step for job in made.values() for step in job["steps"]}
    commands = [step.get("run", "") for step in steps.values()]
    assert f'aimass publish "$MODEL" {how}' in commands
    assert f"aimass image --push {how}\n" in commands
    assert steps["Install cosign"]["with"] == {"cosign-release": "v3.1.3"}
    for job in ("images", "train-1"):
        is_signing = name == "identity" or job == "train-1"
        assert ("id-token" in made[job]["permissions"]) == is_signing
        keys = [step for step in made[job]["steps"] if "AIMASS_SIGN_KEY" in step.get("env", {})]
        assert bool(keys) == (name == "key")


def test_an_environment_is_one_line_and_a_compile() -> None:
    deliver = documents("all")["workflows/aimass-deliver.yml"]
    assert deliver[True]["workflow_dispatch"]["inputs"]["environment"]["options"] == ["try", "live"]
    verify = documents("all")["workflows/aimass-verify.yml"]["jobs"]["verify"]
    assert verify["strategy"]["matrix"]["environment"] == ["try", "live"]
    assert "workflows/aimass-drift.yml" not in compiled("all")


@pytest.mark.parametrize(("models", "matrices"), [(0, 1), (1, 1), (256, 1), (257, 2), (1000, 4)])
def test_more_models_than_a_matrix_holds_get_more_of_them(models: int, matrices: int) -> None:
    train = yaml.safe_load(compiled("least", models)["workflows/aimass-train.yml"])
    assert [name for name in train["jobs"] if name.startswith("train")] == [
        f"train-{number + 1}" for number in range(matrices)
    ]
    assert workflows.batches(models) == matrices


def test_without_the_setting_there_are_none() -> None:
    from aimass_compiler.pipeline.settings import Settings

    assert workflows.render(Settings(), 3) == {}
