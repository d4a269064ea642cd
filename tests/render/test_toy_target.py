"""One folder adds a target: files, kustomization, rights, order of applying, readiness and findings."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.harness import changed_sources

#: A target that announces each model where it serves, and cannot do so for two classes of one letter.
TOY = '''"""Announces a model to the rest of the company, where it serves."""

from __future__ import annotations

from collections.abc import Iterator

from aimass_compiler.diagnostics import Example, Explanation, Finding, Severity
from aimass_compiler.pipeline import Pipeline
from aimass_compiler.render.object_kind import Object, ObjectKind, Rank, WorkloadState, at
from aimass_compiler.render.pipeline_json import PipelineJson
from aimass_compiler.render.target import Layer, Rendered, Target

EXPLANATIONS = (Explanation("AM499", "nobody is named", "An announcement names an owner."),)
EXAMPLES = (Example("AM499", "metadata: {owner: null}", "metadata: {owner: ann@example.com}"),)


def render(source: PipelineJson) -> Rendered:
    """One Announcement in each environment, and a page."""
    model = source.pipeline.name
    overlays = {name: Layer(objects=[_announcement(model, name)]) for name in source.pipeline.environments}
    return Rendered(files={"announcement/page.txt": model.encode()}, overlays=overlays)


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """A model that nobody owns."""
    if not pipeline.metadata.owner:
        told, hint = "nobody is named", "write `owner`"
        yield Finding("AM499", ("metadata",), told, help=hint, severity=Severity.WARNING)


def _announcement(model: str, environment: str) -> Object:
    return {
        "apiVersion": "example.com/v1",
        "kind": "Announcement",
        "metadata": {"name": f"{model}-news"},
        "spec": {"audience": environment},
    }


def _state(live: Object, fewest: int) -> WorkloadState:
    return WorkloadState("it is printed", is_ready=bool(at(live, "status", "printed")))


TARGET = Target(
    render=render,
    findings=findings,
    kinds=(
        ObjectKind(
            kind="Announcement",
            group="example.com",
            rank=Rank.ROUTE,
            state=_state,
            operator="the announcer",
            explained_by=(("example.com", "printers"),),
        ),
    ),
)
'''
SPEC = """
apiVersion: aimass/v1
kind: Model
metadata: {name: tiny}
data:
  sources: {rows: data/rows.csv}
  columns: {x: number, y: {type: category, values: [a, b]}}
target: y
features: [{standardize: x}]
model: naive_bayes
"""
SETTINGS = "environments: {dev: {namespace: ml-dev}, prod: {namespace: ml-prod}}\n"
#: What the room that applies says of the new kind.
OF_KIND = """
from aimass_compiler.kubernetes import connection, objects, readiness
key = objects.ObjectKey("example.com", "Announcement", "ml-dev", "tiny-news")
live = {"apiVersion": "example.com/v1", "kind": "Announcement", "status": {"printed": True}}
live["metadata"] = {"name": "tiny-news", "namespace": "ml-dev"}
state = readiness.state_of(live, 0)
operator = connection.OPERATORS["example.com"]
answers.append([objects.rank(key), objects.is_workload(key), state.message, operator])
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root: Path = tmp_path_factory.mktemp("project")
    (root / "specs").mkdir()
    (root / "specs/tiny.yaml").write_text(SPEC)
    (root / "aimass.yaml").write_text(SETTINGS)
    return root


@pytest.fixture(scope="module")
def answers(project: Path, tmp_path_factory: pytest.TempPathFactory) -> list[list[object]]:
    """What a copy of the sources with one folder more answers to plan and compile, and says of its kind."""
    sources: Path = tmp_path_factory.mktemp("src")
    target = changed_sources.copied(sources) / "render/announcement"
    target.mkdir()
    (target / "__init__.py").write_text(TOY)
    calls = [
        ["plan", "--root", str(project)],
        ["compile", "--root", str(project)],
        ["explain", "AM499", "--root", str(project)],
    ]
    return changed_sources.answers(sources, calls, OF_KIND)


def test_its_files_are_planned_and_written(answers: list[list[object]], project: Path) -> None:
    (_, planned, _), (code, _, errors), *_ = answers
    assert code == 0, errors
    assert "announcement" in str(planned)
    assert (project / "generated/tiny/announcement/page.txt").read_text() == "tiny"


def test_its_objects_are_part_of_each_overlay(answers: list[list[object]], project: Path) -> None:
    assert answers
    for environment in ("dev", "prod"):
        folder = project / "generated/tiny/overlays" / environment
        kustomization = yaml.safe_load((folder / "kustomization.yaml").read_text())
        assert "server.yaml" in kustomization["resources"]
        objects = yaml.safe_load_all((folder / "server.yaml").read_text())
        (found,) = (each for each in objects if each["kind"] == "Announcement")
        assert found["spec"] == {"audience": environment}
        assert found["metadata"]["labels"]["aimass.dev/model"] == "tiny"


def test_who_applies_may_keep_them_and_see_why_they_are_not_ready(
    answers: list[list[object]], project: Path
) -> None:
    assert answers
    documents = yaml.safe_load_all((project / "generated/tiny/access.yaml").read_text())
    role = next(each for each in documents if each["kind"] == "Role")
    rules = {(*rule["apiGroups"], *rule["resources"]): rule for rule in role["rules"]}
    assert rules["example.com", "announcements"]["resourceNames"] == ["tiny-news"]
    assert rules["example.com", "announcements"]["verbs"] == ["get", "create", "patch", "delete"]
    assert rules["example.com", "printers"]["verbs"] == ["list"]


def test_what_it_cannot_express_is_reported_and_explained(answers: list[list[object]]) -> None:
    _, (_, _, errors), (code, explained, _), _ = answers
    assert "AM499" in str(errors)
    assert code == 0
    assert "nobody is named" in str(explained)


def test_applying_knows_when_it_goes_when_it_is_ready_and_what_brings_it(
    answers: list[list[object]],
) -> None:
    assert answers[-1] == [7, True, "it is printed", "the announcer"]
