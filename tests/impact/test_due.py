"""What a change makes due: models whose recipe or data is not that of their newest version; environments."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from aimass_compiler.cli import main
from aimass_compiler.conventions import VARIABLE_CACHE
from aimass_compiler.releases import version_record
from aimass_compiler.releases.version_record import ImageDigest, VersionRecord
from aimass_compiler.render.facts import Contract
from tests.cli.projects import SPEC, Project
from tests.harness.github_actions.hub import git

SETTINGS = "images: {registry: registry.test/ml}\n"
NOTE = "outs:\n- md5: {hash}\n  path: customers.csv\n"
ROWS, OTHER_ROWS = "a" * 32, "b" * 32


@pytest.fixture
def project(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project with one model and its rows, committed."""
    root = tmp_path / "project"
    root.mkdir()
    monkeypatch.chdir(root)
    monkeypatch.setenv(VARIABLE_CACHE, str(tmp_path / "cache"))
    made = Project(root, capsys)
    made.write("specs/churn.yaml", SPEC)
    made.write("aimass.yaml", SETTINGS)
    made.write("data/customers.csv.dvc", NOTE.format(hash=ROWS))
    assert main(["compile"]) == 0
    git(root, "init", "--quiet", "--initial-branch=main")
    committed(made)
    return made


def committed(project: Project) -> str:
    git(project.root, "add", "--all")
    git(project.root, "commit", "--quiet", "--allow-empty", "--message=change")
    return git(project.root, "rev-parse", "HEAD")


def published(project: Project) -> None:
    """The model has a version of what is committed."""
    image = ImageDigest("registry.test/ml/churn", f"sha256:{'1' * 64}")
    commit = git(project.root, "rev-parse", "HEAD")

    record = VersionRecord(
        model="churn", name="v1-11111111", package="1" * 64, package_version="1", image=image,
        package_image=image, server_image=None, compiler="0.1.0", commit=commit,
        data={"data/customers.csv": ROWS}, parameters={}, gates=(), service_test=None,
        contract=contract(project), trained_at="2026-11-30T00:00:00Z", metrics={}, runtime={},
    )  # fmt: skip
    path = version_record.file_of(project.root, "churn", record.name)
    project.write(path.relative_to(project.root).as_posix(), version_record.encoded(record).decode())
    committed(project)


def contract(project: Project) -> Contract:
    import msgspec

    resolved = json.loads((project.root / "generated/churn/resolved.json").read_bytes())
    return msgspec.convert(resolved["contract"], Contract)


def due(project: Project, *options: str) -> tuple[list[str], str]:
    answer = project.aimass("ci", "due", *options)
    assert answer.code == 0, answer.err
    return json.loads(answer.out.removeprefix("batch-1=")), answer.err


def environments(project: Project, since: str) -> list[str]:
    answer = project.aimass("ci", "environments", "--since", since)
    assert answer.code == 0, answer.err
    found: list[str] = json.loads(answer.out.removeprefix("environments="))
    return found


def test_a_model_without_a_version_is_due(project: Project) -> None:
    assert due(project) == (["churn"], "churn: it has no version yet\n")
    published(project)
    assert due(project) == ([], "")
    assert due(project, "--all")[0] == ["churn"]
    assert due(project, "--model", "churn")[0] == ["churn"]


def test_another_recipe_is_due_and_other_servers_or_another_owner_are_not(project: Project) -> None:
    published(project)
    project.edit("max: 3}", "max: 9}")
    project.edit("growth@example.com", "risk@example.com")
    project.aimass("compile")
    assert due(project) == ([], "")
    project.edit("max_iter: 500", "max_iter: 400")
    project.aimass("compile")
    assert due(project) == (["churn"], "churn: its recipe is not that of v1-11111111\n")


def test_other_rows_are_due(project: Project) -> None:
    published(project)
    project.write("data/customers.csv.dvc", NOTE.format(hash=OTHER_ROWS))
    assert due(project) == (["churn"], "churn: data/customers.csv has other rows than v1-11111111\n")


def test_what_failed_is_not_tried_again_by_each_change_of_something_else(project: Project) -> None:
    before = committed(project)
    project.write("README.md", "prose\n")
    committed(project)
    assert due(project, "--since", before)[0] == []
    project.write("data/customers.csv.dvc", NOTE.format(hash=OTHER_ROWS))
    committed(project)
    assert due(project, "--since", before)[0] == ["churn"]
    assert due(project, "--since", "0" * 40)[0] == ["churn"], "of a new branch nothing is known"
    assert due(project, "--since", "1" * 40)[0] == ["churn"], "nor after a forced push"


def test_without_a_registry_nothing_is_trained(project: Project) -> None:
    project.write("aimass.yaml", "")
    found, said = due(project)
    assert (found, "images.registry" in said) == ([], True)


def test_only_environments_are_delivered_to_where_something_changed(project: Project) -> None:
    before = committed(project)
    project.write("releases/staging/churn/kustomization.yaml", "kind: Component\n")
    committed(project)
    assert environments(project, before) == ["staging"]
    before = committed(project)
    project.edit("max: 3}", "max: 9}")
    project.aimass("compile")
    committed(project)
    assert environments(project, before) == ["staging"], "the others run no such model"
    before = committed(project)
    (project.root / "releases/staging/churn/kustomization.yaml").unlink()
    committed(project)
    assert environments(project, before) == ["staging"]
    assert environments(project, "0" * 40) == ["dev", "staging", "prod"]


def test_an_environment_that_there_is_not_is_reported(project: Project) -> None:
    assert project.aimass("ci", "environments", "--env", "live").code == 2


def test_the_newest_version_is_named_for_later_steps(project: Project, tmp_path: Path) -> None:
    assert project.aimass("ci", "version", "churn").code == 1
    published(project)
    lines = project.aimass("ci", "version", "churn").out.splitlines()
    assert lines == ["version=v1-11111111", "image=registry.test/ml/churn", f"digest=sha256:{'1' * 64}"]
    (tmp_path / "bundle.json").write_text("{}")
    assert project.aimass("ci", "attested", "churn", str(tmp_path / "bundle.json")).code == 0
    (newest,) = version_record.versions_of(project.root, "churn")
    assert newest.attestations["provenance"].startswith("sha256:44136fa355b3678a")
