"""What a pull request is told by the shipped check.yml: its plan, and why it may not be merged."""

from __future__ import annotations

import shutil

import pytest

from loop import projects
from loop.hub import PullRequest
from loop.projects import Project
from loop.workflows import overview

pytestmark = [
    pytest.mark.pipeline,
    pytest.mark.skipif(
        any(shutil.which(name) is None for name in ("git", "bash", "jq", "openssl")),
        reason="git, bash, jq and openssl are not all on the PATH",
    ),
]
SPEC = "specs/diabetes.yaml"
GENERATED = "generated/diabetes/base/server.yaml"
COMPILE, PLAN, GATE = "Compile", "Tell the plan", "Fail where callers"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """One project for all of these tests, of which each begins a branch at main."""
    folder = tmp_path_factory.mktemp("loop")
    return projects.create(folder, ["diabetes"], "images: {registry: registry.test/ml}\n")


def outcomes(
    project: Project, branch: str, *labels: str, request: PullRequest | None = None
) -> tuple[dict[str, str], dict[str, str], str]:
    """Of the pull request of a branch: the jobs, the steps of `specs` that compare, and what those logged.

    `request` is one that was opened before.
    """
    opened = project.propose(branch, *labels)
    jobs = project.check(request or opened)
    steps = {name: jobs["specs"].step(name) for name in (COMPILE, PLAN, GATE)}
    told = {name: step.outcome for name, step in steps.items()}
    return overview(jobs), told, "".join(step.log for step in steps.values())


GOOD = {COMPILE: "success", PLAN: "success", GATE: "success"}


def test_a_change_is_told_with_its_plan_below_the_pull_request(project: Project) -> None:
    project.branch("scale")
    project.edit(SPEC, "replicas: {min: 2, max: 4}", "replicas: {min: 2, max: 9}")
    project.compile()
    before = len(project.comments())
    jobs = project.check(project.propose("scale"))
    assert overview(jobs) == {"specs": "success", "comment": "success"}, jobs["specs"].log
    (comment,) = project.comments()[before:]
    assert comment.startswith("<!-- aimass plan -->")
    assert "from 4 to 9" in comment
    assert jobs["specs"].outputs["plan"] + "\n" == comment
    assert jobs["specs"].summary == comment


def test_another_push_writes_the_comment_anew(project: Project) -> None:
    project.branch("twice")
    project.edit(SPEC, "r2, min: 0.3", "r2, min: 0.31")
    project.compile()
    first = project.propose("twice")
    project.check(first)
    count = len(project.comments())
    project.edit(SPEC, "r2, min: 0.31", "r2, min: 0.29")
    project.compile()
    project.propose("twice")
    jobs = project.check(first)
    assert overview(jobs)["comment"] == "success"
    assert len(project.comments()) == count
    assert "0.29" in project.comments()[-1]
    assert "0.31" not in project.comments()[-1]


def test_a_change_that_callers_notice_needs_a_label(project: Project) -> None:
    project.branch("breaking")
    project.edit(SPEC, "    s6: {type: number, min: 0, unit: mg/dl, description: blood sugar}\n", "")
    project.compile()
    jobs, steps, log = outcomes(project, "breaking")
    assert jobs == {"specs": "failure", "comment": "success"}
    assert steps == {**GOOD, GATE: "failure"}
    assert "s6" in log
    jobs, steps, _ = outcomes(project, "breaking", "breaking")
    assert jobs == {"specs": "success", "comment": "success"}
    assert steps == {**GOOD, GATE: "skipped"}


def test_what_was_not_compiled_fails_with_an_annotation(project: Project) -> None:
    project.branch("stale")
    project.edit(SPEC, "replicas: {min: 2, max: 4}", "replicas: {min: 2, max: 8}")
    jobs, steps, log = outcomes(project, "stale")
    assert jobs == {"specs": "failure", "comment": "success"}
    assert steps == {**GOOD, COMPILE: "failure"}
    assert f"::error file={SPEC},title=generated/ is stale::generated/diabetes is not what {SPEC}" in log
    assert "help: run `aimass compile` and commit the result" in log


def test_what_was_edited_by_hand_fails_with_an_annotation(project: Project) -> None:
    project.branch("by-hand")
    path = project.clone / GENERATED
    path.write_text(path.read_text().replace("maxReplicas: 4", "maxReplicas: 40"))
    jobs, steps, log = outcomes(project, "by-hand")
    assert (jobs["specs"], steps[COMPILE]) == ("failure", "failure")
    assert f"::error file={GENERATED}" in log


def test_a_spec_with_mistakes_fails_with_annotations_where_they_are(project: Project) -> None:
    project.branch("mistakes")
    project.edit(SPEC, "r2, min: 0.3", "r2, min: 0.35")
    project.compile()
    request = project.propose("mistakes")
    project.check(request)
    assert "0.35" in project.comments()[-1]
    project.edit(SPEC, "one_hot: sex", "one_hot: sexx")
    project.edit(SPEC, "replicas: {min: 2, max: 4}", "replicas: {min: 5, max: 4}")
    jobs, steps, log = outcomes(project, "mistakes", request=request)
    assert jobs == {"specs": "failure", "comment": "success"}
    assert steps == {COMPILE: "failure", PLAN: "failure", GATE: "failure"}
    lines = (project.clone / SPEC).read_text().splitlines()
    for mistake in ("sexx", "min: 5"):
        number = next(place for place, line in enumerate(lines, 1) if mistake in line)
        assert f"::error file={SPEC},line={number}," in log
    assert "**No plan**" in project.comments()[-1]


def test_a_pull_request_that_changes_no_model_says_nothing(project: Project) -> None:
    project.branch("prose")
    project.edit("README.md", "# aimass-compile\n", "# Our models\n")
    before = project.comments()
    jobs, steps, _ = outcomes(project, "prose")
    assert (jobs, steps) == ({"specs": "success", "comment": "success"}, GOOD)
    assert project.comments() == before
