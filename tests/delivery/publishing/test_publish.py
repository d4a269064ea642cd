"""`aimass publish` pushes a package that was tested and says truly what it is, once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from aimass_compiler.programs.oci import ImageLayout
from aimass_compiler.programs.registry import Repository, digest_exists
from aimass_compiler.releases.version_record import versions_of
from aimass_compiler.version import __version__
from delivery.publishing.conftest import ARTIFACTS, commit, git, lock

if TYPE_CHECKING:
    from cli.projects import Project

    from tests.harness.image_registry import Registry


def test_a_version_is_pushed_and_put_on_record(
    served: Project, image_registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_SERVER_URL", "https://github.com")
    monkeypatch.setenv("GITHUB_REPOSITORY", "acme/models")
    monkeypatch.setenv("GITHUB_RUN_ID", "17")
    signed = f"sha256:{'5' * 64}"
    answer = served.aimass("publish", "churn", "--attestation", f"provenance={signed}")
    assert (answer.code, answer.err) == (0, "")
    (record,) = versions_of(served.root, "churn")
    assert answer.out == (
        f"wrote versions/churn/{record.name}.json\n"
        f"  {record.package_image.reference}\n"
        f"  {record.image and record.image.reference}\n"
    )
    assert record.name == f"v1-{record.package[:8]}"
    for image in (record.image, record.package_image, record.server_image):
        assert image is not None
        assert image.name.startswith(f"{image_registry.place}/ml/")
        assert digest_exists(image.reference)
    assert digest_exists(f"{image_registry.place}/ml/churn:{record.name}")
    assert digest_exists(f"{image_registry.place}/ml/churn-package:{record.name}")
    files = {path.name for path in (served.root / ARTIFACTS / "package/model").iterdir()}
    assert (
        record.compiler,
        record.commit,
        record.data,
        set(record.package_files),
        record.parameters,
        record.metrics,
        record.slices,
        [(gate.gate, gate.passed, gate.value) for gate in record.gates],
        record.service_test and record.service_test.latency_ms,
        record.trained_at,
        record.run,
        record.attestations,
        (record.contract.task, record.contract.target),
        record.rebased_from,
    ) == (
        __version__,
        git(served.root, "rev-parse", "HEAD"),
        {"data/customers.csv": "0" * 32},
        files,
        {"model": "logistic_regression", "c": 0.5},
        {"train": {"roc_auc": 0.95}, "test": {"roc_auc": 0.9}},
        {"plan": {"pro": {"roc_auc": 0.8}}},
        [("roc_auc min 0.8", True, 0.9)],
        {"p99": 3.0},
        "2026-01-02T03:04:05Z",
        "https://github.com/acme/models/actions/runs/17",
        {"provenance": signed},
        ("classification", "churned"),
        "",
    )
    assert "onnxruntime" in record.runtime
    image = Repository(f"{image_registry.place}/ml/churn").manifest(record.name).document
    assert image["annotations"]["org.opencontainers.image.revision"] == record.commit
    assert image["annotations"]["org.opencontainers.image.authors"] == "growth@example.com"


def test_the_same_package_on_the_same_server_is_the_same_version(served: Project) -> None:
    assert served.aimass("publish", "churn").code == 0
    (record,) = versions_of(served.root, "churn")
    again = served.aimass("publish", "churn")
    assert (again.code, again.out) == (
        0,
        f"churn {record.name} is this package on this server already: versions/churn/{record.name}.json\n",
    )
    assert versions_of(served.root, "churn") == [record]


def test_a_run_that_was_cut_off_before_its_record_is_gone_on_with(served: Project) -> None:
    assert served.aimass("publish", "churn").code == 0
    (record,) = versions_of(served.root, "churn")
    (served.root / f"versions/churn/{record.name}.json").unlink()
    served.write("README.md", "more")
    commit(served.root)
    assert served.aimass("publish", "churn").code == 0
    (again,) = versions_of(served.root, "churn")
    assert (again.name, again.image, again.package_image) == (record.name, record.image, record.package_image)


def test_without_a_registry_the_package_is_an_image_on_disk(project: Project) -> None:
    answer = project.aimass("publish", "churn")
    assert answer.code == 0
    assert (
        "names no registry, so nothing was pushed: the package is an image in artifacts/churn/oci"
        in answer.err
    )
    (record,) = versions_of(project.root, "churn")
    assert (record.image, record.server_image, record.commit) == (None, None, "")
    layout = ImageLayout(project.root / ARTIFACTS / "oci")
    found = layout.manifest_or_none(record.package_image.digest)
    assert found is not None
    assert found == layout.manifest_or_none(record.name)


def test_a_server_that_was_not_pushed_is_named(project: Project, image_registry: Registry) -> None:
    project.write("aimass.yaml", f"images: {{registry: {image_registry.place}/ml}}\n")
    answer = project.aimass("publish", "churn")
    assert answer.code == 27
    assert f"error: there is no image {image_registry.place}/ml/aimass-server:{__version__}-" in answer.err
    assert "help: `aimass image --push` builds and pushes it" in answer.err
    assert not (project.root / "versions").exists()


def test_a_registry_that_is_not_there_is_named(served: Project, image_registry: Registry) -> None:
    image_registry.process.stop()
    answer = served.aimass("publish", "churn")
    assert (answer.code, answer.out) == (27, "")
    assert f"error: the registry {image_registry.place} gives no answer" in answer.err


def test_a_recipe_that_is_in_no_commit_is_not_published(served: Project) -> None:
    path = served.root / "specs/churn.yaml"
    path.write_text(path.read_text() + "# more\n")
    answer = served.aimass("publish", "churn")
    assert answer.code == 1
    head = git(served.root, "rev-parse", "HEAD")
    assert f"specs/churn.yaml is not as commit {head[:12]} has it, which the record would name" in answer.err
    assert "help: commit it, then publish" in answer.err


def test_a_package_of_another_recipe_is_not_published(project: Project) -> None:
    project.edit("max_iter: 500", "max_iter: 600")
    answer = project.aimass("publish", "churn")
    assert answer.code == 1
    assert "the package of `churn` was made with another `model` than the spec has now" in answer.err
    lock(project.root)
    assert project.aimass("publish", "churn").code == 0


@pytest.mark.parametrize(
    ("path", "document", "said"),
    [
        ("test/report.json", None, "of `churn` was not tested"),
        ("test/report.json", "[]", "of `churn` was not tested"),
        ("test/report.json", '{"version": "old", "passed": true}', "of `churn` was not tested"),
        ("test/report.json", '{"version": "VERSION", "passed": false}', "of `churn` did not pass its test"),
        ("package/metrics.json", None, "does not say what version"),
        ("package/metrics.json", '{"version": "old"}', "does not say what version"),
    ],
)
def test_what_was_not_tested_or_measured_is_not_published(
    project: Project, path: str, document: str | None, said: str
) -> None:
    place = project.root / ARTIFACTS
    version = json.loads((place / "package/model/signature.json").read_text())["version"]
    (place / path).unlink()
    if document is not None:
        project.write(f"{ARTIFACTS}/{path}", document.replace("VERSION", version))
    answer = project.aimass("publish", "churn")
    assert answer.code == 1
    assert said in answer.err
    assert "`aimass run churn`" in answer.err
    assert not (project.root / "versions").exists()


def test_a_package_with_another_file_is_damaged(project: Project) -> None:
    path = project.root / ARTIFACTS / "package/model/reference.json"
    path.write_text(path.read_text() + " ")
    lock(project.root)
    answer = project.aimass("publish", "churn")
    assert answer.code == 15
    assert "reference.json is not the file that was packaged" in answer.err


def test_a_file_that_dvc_has_otherwise_on_record_is_named(project: Project) -> None:
    path = project.root / ARTIFACTS / "package/model/reference.json"
    path.write_text(path.read_text() + " ")
    answer = project.aimass("publish", "churn")
    assert answer.code == 1
    assert "package/model/reference.json is not the file that dvc.lock records" in answer.err


def test_an_attestation_has_a_name_and_a_digest(project: Project) -> None:
    answer = project.aimass("publish", "churn", "--attestation", "provenance")
    assert answer.code == 2
    assert "write it like provenance=sha256:…" in answer.err
