"""What the compiled check says of a pull request: its plan, and why it may not be merged."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator

import pytest
from msgspec import structs

from aimass_compiler.render.facts import Contract, RequestColumn
from tests.harness import github_service
from tests.harness.github_actions import projects
from tests.harness.github_actions.hub import PullRequest
from tests.harness.github_actions.projects import Project
from tests.harness.github_actions.workflows import overview
from tests.harness.releases import release
from tests.harness.version_records import recorded, released

pytestmark = [
    pytest.mark.pipeline,
    pytest.mark.skipif(
        any(shutil.which(name) is None for name in ("git", "bash", "openssl")),
        reason="git, bash and openssl are not all on the PATH",
    ),
]
SPEC = "specs/diabetes.yaml"
GENERATED = "generated/diabetes/base/server.yaml"
SETTINGS = {"images": {"registry": "registry.test/ml"}, "ci": projects.CI}
CONTRACT = Contract(
    task="regression",
    target="progression",
    classes=(),
    positive="",
    columns={"age": RequestColumn("number", is_read=True, missing=0.0)},
)
COMPILE, PLAN, GATE = "Compile", "Show the plan", "Fail where callers"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """One project for all of these tests, of which each begins a branch at main."""
    folder = tmp_path_factory.mktemp("loop")
    with github_service.running() as github:
        services = {"GITHUB_API_URL": github.address}
        yield projects.create(folder, ["diabetes"], json.dumps(SETTINGS), services=services, github=github)


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


ALL_RIGHT = {"scope": "success", "specs": "success", "comment": "success"}
GOOD = {COMPILE: "success", PLAN: "success", GATE: "success"}


def test_a_change_is_told_with_its_plan_below_the_pull_request(project: Project) -> None:
    project.branch("scale")
    project.edit(SPEC, "replicas: {min: 2, max: 4}", "replicas: {min: 2, max: 9}")
    project.compile()
    before = len(project.comments())
    jobs = project.check(project.propose("scale"))
    assert overview(jobs) == ALL_RIGHT, jobs["specs"].log
    (comment,) = project.comments()[before:]
    assert comment.startswith("<!-- aimass plan -->")
    assert "from 4 to 9" in comment
    assert jobs["specs"].outputs["plan"] + "\n" == comment
    assert jobs["specs"].summary == comment


def test_another_push_updates_the_comment(project: Project) -> None:
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


def test_a_recipe_that_callers_would_notice_is_shown_and_reaches_none_of_them(project: Project) -> None:
    project.branch("recipe")
    project.edit(SPEC, "    s6: {type: number, min: 0, unit: mg/dl, description: blood sugar}\n", "")
    project.compile()
    jobs, steps, log = outcomes(project, "recipe")
    assert (jobs, steps) == (ALL_RIGHT, GOOD), log
    assert "breaking once released: the input `s6` is removed" in project.comments()[-1]


def test_a_change_that_callers_notice_at_once_needs_a_file_that_accepts_it(project: Project) -> None:
    project.branch("released")
    release(project.clone, "diabetes", "prod")
    project.hub.merge(project.propose("released"))
    project.branch("breaking")
    moved = {"environments": {"dev": {}, "staging": {}, "prod": {"namespace": "ml-live"}}}
    (project.clone / "aimass.yaml").write_text(json.dumps(SETTINGS | moved))
    project.compile()
    jobs, steps, log = outcomes(project, "breaking")
    assert jobs == {**ALL_RIGHT, "specs": "failure"}
    assert steps == {**GOOD, GATE: "failure"}
    assert "namespace-changed" in log
    (name,) = re.findall(r"`break: (.*)`", log)
    (project.clone / "accepts").mkdir()
    (project.clone / "accepts/diabetes.yaml").write_text(f"- {{break: '{name}', reason: nobody calls it}}\n")
    jobs, steps, log = outcomes(project, "breaking")
    assert (jobs, steps) == (ALL_RIGHT, GOOD), log


def test_what_was_not_compiled_fails_with_an_annotation(project: Project) -> None:
    project.branch("stale")
    project.edit(SPEC, "replicas: {min: 2, max: 4}", "replicas: {min: 2, max: 8}")
    jobs, steps, log = outcomes(project, "stale")
    assert jobs == {**ALL_RIGHT, "specs": "failure"}
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
    assert jobs == {**ALL_RIGHT, "specs": "failure"}
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
    assert (jobs, steps) == (ALL_RIGHT, GOOD)
    assert project.comments() == before


def test_a_release_that_another_program_wrote_needs_the_same_file(project: Project) -> None:
    project.branch("versions")
    first = recorded(project.clone, "diabetes", 1, contract=CONTRACT)
    second = recorded(project.clone, "diabetes", 2, contract=structs.replace(CONTRACT, columns={}))
    released(project.clone, first, "dev")
    jobs, _, log = outcomes(project, "versions")
    assert jobs == ALL_RIGHT, log
    assert "v1" in project.comments()[-1]
    project.hub.merge(project.propose("versions"))
    project.branch("release")
    released(project.clone, second, "dev")
    jobs, steps, log = outcomes(project, "release")
    assert jobs == {**ALL_RIGHT, "specs": "failure"}
    assert steps == {**GOOD, GATE: "failure"}
    (name,) = re.findall(r"`break: (.*)`", log)
    (project.clone / "accepts").mkdir(exist_ok=True)
    (project.clone / "accepts/diabetes.yaml").write_text(f"- {{break: '{name}', reason: they know}}\n")
    jobs, steps, log = outcomes(project, "release")
    assert (jobs, steps) == (ALL_RIGHT, GOOD), log


def test_manifests_of_releases_alone_are_built_where_they_changed(project: Project) -> None:
    project.branch("release-alone")
    released(project.clone, recorded(project.clone, "diabetes", 3, contract=CONTRACT), "staging")
    jobs = project.check(project.propose("release-alone"))
    assert jobs["scope"].outputs["is-releases"] == "true"
