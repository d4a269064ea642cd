"""A workflow runs here as on GitHub: what each job and step gets, which of them run, and what they leave."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.harness.github_actions.hub import Event, Hub, Place, git
from tests.harness.github_actions.jobs import Job, Machine
from tests.harness.github_actions.workflows import is_wanted, overview, run

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not on the PATH")
WORKFLOW = """\
name: try
on:
  push: {branches: [main], paths: [specs/*.yaml, "generated/**"]}
permissions: {}
jobs:
  first:
    name: First
    permissions: {contents: read}
    outputs: {list: "${{ steps.told.outputs.list }}", text: "${{ steps.told.outputs.text }}"}
    steps:
      - {name: Check out, uses: actions/checkout@0123456789012345678901234567890123456789}
      - name: Tell
        id: told
        run: |
          false | true
          echo 'list=["a", "b"]' >> "$GITHUB_OUTPUT"
          printf 'text<<END\\n%s\\nEND\\n' "$(cat file)" >> "$GITHUB_OUTPUT"
          echo "KEPT=from before" >> "$GITHUB_ENV"
          echo "${ACTIONS_ID_TOKEN_REQUEST_TOKEN:-none} $GITHUB_REF" >> "$GITHUB_STEP_SUMMARY"
      - {name: Use, run: 'echo "$KEPT"'}
  each:
    name: Each ${{ matrix.of }}
    needs: first
    permissions: {id-token: write}
    environment: "${{ matrix.of }}"
    strategy: {matrix: {of: "${{ fromJSON(needs.first.outputs.list) }}"}}
    env: {SHARED: "${{ vars.NAME || 'nobody' }}"}
    steps:
      - name: Say
        env: {SECRET: "${{ secrets.WORD }}"}
        run: echo "$SHARED $SECRET ${ACTIONS_ID_TOKEN_REQUEST_TOKEN:-none}"
      - name: Fail for b
        shell: bash
        run: test ${{ matrix.of }} = a | cat
      - {name: Skipped after that, run: echo reached}
      - {name: Always, if: always(), run: echo reached}
  after:
    name: After
    needs: each
    permissions: {contents: read}
    steps: [{name: Never, run: echo reached}]
  anyway:
    name: Anyway
    needs: [first, each]
    if: ${{ !cancelled() && needs.each.result == 'failure' }}
    permissions: {contents: read}
    steps: [{name: Reached, run: echo reached}]
"""


def hub_with(folder: Path) -> tuple[Hub, Machine]:
    hub = Hub.create(folder / "remote.git")
    hub.variables["NAME"] = "all"
    hub.places["a"] = Place({"NAME": "anna"}, {"WORD": "hush"})
    clone = folder / "clone"
    (clone / ".github" / "workflows").mkdir(parents=True)
    (clone / ".github" / "workflows" / "try.yml").write_text(WORKFLOW)
    (clone / "file").write_text("one\ntwo\n")
    git(clone, "init", "--quiet", "--initial-branch=main")
    git(clone, "add", "--all")
    git(clone, "commit", "--quiet", "--message=Begin")
    git(clone, "push", "--quiet", str(hub.remote), "main")
    services = {"ACTIONS_ID_TOKEN_REQUEST_TOKEN": "token"}
    return hub, Machine(folder / "jobs", hub.remote, os.environ["PATH"], services)


def pushed(hub: Hub, *changed: str) -> Event:
    return Event("push", "refs/heads/main", hub.revision("main"), {}, changed)


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Job]:
    hub, machine = hub_with(tmp_path_factory.mktemp("workflows"))
    return run("try.yml", pushed(hub, "generated/a/b.yaml"), hub, machine)


def test_jobs_run_where_what_they_need_and_their_conditions_let_them(jobs: dict[str, Job]) -> None:
    assert overview(jobs) == {"first": "success", "each": "failure", "after": "skipped", "anyway": "success"}


def test_outputs_and_variables_reach_what_follows(jobs: dict[str, Job]) -> None:
    assert jobs["first"].outputs == {"list": '["a", "b"]', "text": "one\ntwo"}
    assert jobs["first"].step("Use").log == "from before\n"
    assert jobs["first"].summary == "none refs/heads/main\n", "it may not ask for tokens"


def test_each_combination_has_its_own_environment(jobs: dict[str, Job]) -> None:
    said = {part.name: part.step("Say").log for part in jobs["each"].parts}
    assert said == {"Each a": "anna hush token\n", "Each b": "all  token\n"}


def test_a_named_shell_fails_with_any_part_of_a_pipe_and_the_default_one_does_not(
    jobs: dict[str, Job],
) -> None:
    assert jobs["first"].step("Tell").outcome == "success"
    outcomes = [{step.name: step.outcome for step in part.steps} for part in jobs["each"].parts]
    assert [each["Fail for b"] for each in outcomes] == ["success", "failure"]
    assert [each["Skipped after that"] for each in outcomes] == ["success", "skipped"]
    assert [each["Always"] for each in outcomes] == ["success", "success"]


@pytest.mark.parametrize(
    ("path", "wanted"),
    [("specs/a.yaml", True), ("specs/a/b.yaml", False), ("generated/a/b", True), ("README.md", False)],
)
def test_a_push_is_for_a_workflow_by_its_paths(path: str, wanted: bool) -> None:
    triggers = {"push": {"branches": ["main"], "paths": ["specs/*.yaml", "generated/**"]}}
    event = Event("push", "refs/heads/main", "", {}, (path,))
    assert is_wanted(triggers, event) is wanted
    assert not is_wanted(triggers, Event("push", "refs/heads/other", "", {}, ("specs/a.yaml",)))
    assert not is_wanted(triggers, Event("schedule", "refs/heads/main", "", {}))


def test_a_workflow_that_is_not_for_an_event_runs_nothing(tmp_path: Path) -> None:
    hub, machine = hub_with(tmp_path)
    assert run("try.yml", pushed(hub, "README.md"), hub, machine) == {}
