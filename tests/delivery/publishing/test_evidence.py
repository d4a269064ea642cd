"""What `aimass publish` leaves beside the images is true, and `aimass promote` notices all that is not."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cli.projects import Answer, Project
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from msgspec.structs import replace

from aimass_compiler.catalog.model import model_named
from aimass_compiler.cli import main
from aimass_compiler.delivery.model_bill import model_bill
from aimass_compiler.delivery.package_signature import statement_in
from aimass_compiler.delivery.referrers import BOM, KINDS, PROVENANCE, SBOM, attach, document, store_of
from aimass_compiler.pipeline import Pipeline
from aimass_compiler.pipeline.settings import Settings
from aimass_compiler.programs.registry import Repository
from aimass_compiler.releases.version_record import VersionRecord, encoded, file_of, versions_of
from aimass_compiler.render.image import server_image
from delivery.publishing.conftest import ARTIFACTS, commit, git, push_server
from scripts.cluster.image_registry import running
from tests.harness import image_registry
from tests.harness.signing import KeyPair, cosign_on_the_path, key_pair
from tests.harness.version_records import recorded

ROOT = Path(__file__).parents[3]
ALL = "requires: [bom, sbom, signature, provenance]"


@dataclass(frozen=True)
class Signed:
    """A version that was published and signed: where, and with which key."""

    root: Path
    home: str
    record: VersionRecord
    ours: KeyPair
    theirs: KeyPair


#: The real cosign takes minutes to build.
of_the_night = pytest.mark.nightly


@pytest.fixture(scope="module")
def published(compiled: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Signed]:
    """A version that nobody signed."""
    with publication(compiled, tmp_path_factory.mktemp("published"), signs=False) as found:
        yield found


@pytest.fixture(scope="module")
def signed(compiled: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Signed]:
    """A version that was signed, where an environment requires all of its evidence."""
    with publication(compiled, tmp_path_factory.mktemp("signed"), signs=True) as found:
        yield found


@contextmanager
def publication(compiled: Path, folder: Path, *, signs: bool) -> Iterator[Signed]:
    """Publish the model to a registry of its own."""
    image_registry.need()
    ours, theirs = key_pair(folder, "ours"), key_pair(folder, "theirs")
    root = Path(shutil.copytree(compiled, folder / "project"))
    with pytest.MonkeyPatch.context() as patch, running(folder) as registry:
        for name in ("GITHUB_RUN_ID", "REGISTRY_USER", "REGISTRY_PASSWORD"):
            patch.delenv(name, raising=False)
        if signs:
            cosign_on_the_path(patch, folder)
        home = f"{registry.place}/ml"
        (root / "cosign.pub").write_bytes(ours.public.read_bytes())
        wanted = f"dev: {{signature: {{key: cosign.pub, ignore_tlog: true}}, {ALL}}}"
        (root / "aimass.yaml").write_text(f"images: {{registry: {home}}}\nenvironments: {{{wanted}}}\n")
        context = server_image.context("python:3.11-slim", model_named("logistic_regression").artifact.server)
        push_server(Repository(f"{home}/aimass-server"), server_image.server_tag(context))
        assert main(["compile", "--root", str(root)]) == 0
        commit(root)
        publish = ["publish", "churn", "--root", str(root)]
        publish += ["--sign-key", str(ours.private)] if signs else []
        assert main(publish) == 0
        (record,) = versions_of(root, "churn")
        commit(root)
        yield Signed(root, home, record, ours, theirs)


@pytest.fixture
def project(
    signed: Signed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Project:
    """A copy of that project, with the same registry."""
    shutil.copytree(signed.root, tmp_path / "project")
    monkeypatch.chdir(tmp_path / "project")
    return Project(tmp_path / "project", capsys)


def of_kind(signed: Signed, name: str) -> bytes:
    kind = next(each for each in KINDS if each.name == name)
    image = signed.record.image if kind is SBOM else signed.record.package_image
    assert image is not None
    store = store_of(signed.root, "churn", image, signed.home)
    return document(store, getattr(signed.record.evidence, name), image.digest, kind)


def record(project: Project, changed: VersionRecord) -> None:
    """Have another record in the place of the version's."""
    file_of(project.root, "churn", changed.name).write_bytes(encoded(changed))


def promoted(project: Project) -> Answer:
    return project.aimass("promote", "churn", "--to", "dev", "--version", "v1")


@of_the_night
def test_a_signed_version_is_promoted_where_all_of_it_is_required(project: Project) -> None:
    answer = promoted(project)
    assert (answer.code, answer.err) == (0, "")
    assert (project.root / "releases/dev/churn/kustomization.yaml").exists()


@pytest.mark.parametrize("name", ["bom", "sbom"])
def test_bills_of_materials_are_valid_and_name_no_place_of_this_machine(published: Signed, name: str) -> None:
    content = of_kind(published, name).decode()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(content) is None
    assert str(published.root) not in content


def test_the_bill_of_the_model_says_what_it_is_made_of(published: Signed) -> None:
    bill = json.loads(of_kind(published, BOM.name))
    subject, record = bill["metadata"]["component"], published.record
    assert (subject["type"], subject["name"], subject["version"]) == (
        "machine-learning-model",
        "churn",
        record.name,
    )
    files = {part["name"]: part["hashes"][0]["content"] for part in subject["components"]}
    assert (
        files == json.loads((published.root / ARTIFACTS / "package/model/manifest.json").read_text())["files"]
    )
    card = subject["modelCard"]
    assert card["modelParameters"]["modelArchitecture"] == "logistic_regression"
    assert {"type": "roc_auc", "value": "0.9", "slice": "test"} in card["quantitativeAnalysis"][
        "performanceMetrics"
    ]
    assert {"type": "roc_auc", "value": "0.8", "slice": "test, plan is pro"} in card["quantitativeAnalysis"][
        "performanceMetrics"
    ]
    facts = {each["name"]: each["value"] for each in card["properties"]}
    assert facts == {"aimass:gate:roc_auc min 0.8": "passed", "aimass:hyperparameter:c": "0.5"}
    parts = {part["bom-ref"]: part for part in bill["components"]}
    assert parts["data:data/customers.csv"]["hashes"] == [{"alg": "MD5", "content": "0" * 32}]
    assert parts["pkg:pypi/scikit-learn@1.9.1"]["version"] == "1.9.1"
    assert parts["image:python:3.11-slim"]["type"] == "container"


def test_the_bill_of_the_image_lists_its_pins_and_says_what_it_leaves_out(published: Signed) -> None:
    bill = json.loads(of_kind(published, SBOM.name))
    parts = {part["name"]: part for part in bill["components"]}
    (listed,) = parts["onnxruntime"]["externalReferences"]
    assert len(listed["hashes"]) > 5
    assert parts["onnxruntime"]["version"] == published.record.runtime["onnxruntime"]
    assert bill["compositions"] == [{"aggregate": "incomplete", "assemblies": ["image:python:3.11-slim"]}]
    assert bill["metadata"]["component"]["hashes"][0]["content"] in str(published.record.image)


@of_the_night
def test_the_statement_says_what_the_record_says(signed: Signed) -> None:
    said = statement_in(of_kind(signed, PROVENANCE.name))
    predicate = said["predicate"]
    assert {each["name"] for each in said["subject"]} == {
        f"{signed.home}/churn",
        f"{signed.home}/churn-package",
    }
    commits = [
        each["digest"].get("gitCommit") for each in predicate["buildDefinition"]["resolvedDependencies"]
    ]
    assert git(signed.root, "rev-parse", "HEAD~1") in commits
    assert predicate["aimass_record"]["metrics"]["test"] == {"roc_auc": 0.9}
    assert {each["name"] for each in predicate["runDetails"]["byproducts"]} == {"bom", "sbom", "signature"}


def without(kind: str) -> Any:
    return lambda signed: replace(signed.record, evidence=replace(signed.record.evidence, **{kind: ""}))


def with_metric(signed: Signed) -> VersionRecord:
    return replace(signed.record, metrics={"test": {"roc_auc": 0.99}})


def with_data(signed: Signed) -> VersionRecord:
    return replace(signed.record, data={"data/customers.csv": "1" * 32})


def with_another_package(signed: Signed) -> VersionRecord:
    return replace(signed.record, package=signed.record.package[:8] + "0" * 56)


def swapped(signed: Signed) -> VersionRecord:
    known = signed.record.evidence
    return replace(signed.record, evidence=replace(known, bom=known.signature))


def lost(signed: Signed) -> VersionRecord:
    return replace(signed.record, evidence=replace(signed.record.evidence, bom=f"sha256:{'0' * 64}"))


@of_the_night
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (without("bom"), "has no bom: the bill of materials of the model was never made"),
        (without("sbom"), "has no sbom"),
        (without("signature"), "has no signature"),
        (without("provenance"), "has no provenance: the statement of provenance was never made"),
        (with_metric, "the statement of provenance says otherwise than the record about metrics"),
        (with_data, "the statement of provenance says otherwise than the record about data"),
        (with_another_package, "the signature of the package is of other files than this package's"),
        (with_another_package, "holds the package "),
        (swapped, "is not the bill of materials of the model, but application/vnd.aimass.model-signature"),
        (lost, f"the bill of materials of the model, sha256:{'0' * 64}, is not there"),
    ],
)
def test_a_record_that_says_otherwise_is_not_promoted(
    project: Project, signed: Signed, change: Any, said: str
) -> None:
    record(project, change(signed))
    answer = promoted(project)
    assert answer.code == 26
    assert said in answer.err
    assert not (project.root / "releases").exists()


@of_the_night
@pytest.mark.parametrize("kind", ["signature", "provenance", "images"])
def test_what_another_key_signed_is_not_promoted(project: Project, signed: Signed, kind: str) -> None:
    (project.root / "cosign.pub").write_bytes(signed.theirs.public.read_bytes())
    answer = promoted(project)
    assert answer.code == 26
    assert signed.record.image is not None
    shown = {
        "signature": "the signature of the package is not signed by cosign.pub: ",
        "provenance": "the statement of provenance is not signed by cosign.pub: ",
        "images": f"- {signed.record.image.reference} is not signed by cosign.pub: ",
    }
    assert shown[kind] in answer.err


@of_the_night
def test_the_statement_of_another_version_proves_nothing(project: Project, signed: Signed) -> None:
    """Signed by the right key, and pushed beside this version's image."""
    server = push_server(Repository(f"{signed.home}/aimass-server"), "patched", b"another base")
    again = ["rebase", "churn", "--server", f"{signed.home}/aimass-server@{server.digest}"]
    assert project.aimass(*again, "--sign-key", str(signed.ours.private)).code == 0
    first, second = versions_of(project.root, "churn")
    assert second.evidence.bom == first.evidence.bom
    assert promoted(project).code == 0
    shutil.rmtree(project.root / "releases")
    store = store_of(project.root, "churn", first.package_image, signed.home)
    theirs = document(store, second.evidence.provenance, second.package_image.digest, PROVENANCE)
    replayed = attach(store, first.package_image.digest, PROVENANCE, theirs, "2026-01-02T03:04:05Z")
    record(project, replace(first, evidence=replace(first.evidence, provenance=replayed)))
    answer = promoted(project)
    assert answer.code == 26
    assert f"is not about {first.image and first.image.reference}" in answer.err


@of_the_night
def test_a_bill_about_another_package_is_noticed(project: Project, signed: Signed) -> None:
    bill = json.loads(of_kind(signed, BOM.name))
    bill["metadata"]["component"]["hashes"][0]["content"] = "0" * 64
    image = signed.record.package_image
    store = store_of(signed.root, "churn", image, signed.home)
    digest = attach(store, image.digest, BOM, json.dumps(bill).encode(), "2026-01-02T03:04:05Z")
    record(project, replace(signed.record, evidence=replace(signed.record.evidence, bom=digest)))
    answer = promoted(project)
    assert answer.code == 26
    assert "the bill of materials of the model is about something else than this version" in answer.err


@of_the_night
def test_a_record_without_evidence_is_promoted_unless_it_is_required(
    project: Project, signed: Signed
) -> None:
    old = replace(signed.record, evidence=type(signed.record.evidence)())
    record(project, old)
    assert promoted(project).code == 26
    project.edit(f", {ALL}", "", "aimass.yaml")
    assert promoted(project).code == 0


@of_the_night
def test_what_must_be_signed_needs_to_say_by_whom(project: Project) -> None:
    project.edit("signature: {key: cosign.pub, ignore_tlog: true}, ", "", "aimass.yaml")
    answer = promoted(project)
    assert answer.code == 1
    assert "`requires: [provenance]` needs `signature`, which says by whom it must be signed" in answer.err


@of_the_night
def test_offline_nothing_that_is_required_is_believed(project: Project) -> None:
    project.edit("signature, provenance", "", "aimass.yaml")
    project.edit("signature: {key: cosign.pub, ignore_tlog: true}, ", "", "aimass.yaml")
    answer = project.aimass("promote", "churn", "--to", "dev", "--offline")
    assert answer.code == 26
    assert "dev requires bom, sbom, which cannot be verified offline" in answer.err


@of_the_night
@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("-----BEGIN ENCRYPTED PRIVATE KEY-----\n", "has a password, and there is no one to type it"),
        ("-----BEGIN PUBLIC KEY-----\n", "is no private key in PEM"),
        (None, "cannot be read"),
    ],
)
def test_a_key_that_cannot_sign_publishes_nothing(
    project: Project, tmp_path: Path, key: str | None, said: str
) -> None:
    shutil.rmtree(project.root / "versions")
    if key:
        (tmp_path / "key.pem").write_text(key)
    answer = project.aimass("publish", "churn", "--sign-key", str(tmp_path / "key.pem"))
    assert answer.code == 1
    assert said in answer.err
    assert not (project.root / "versions").exists()


@of_the_night
def test_evidence_is_fetched_and_held_against_what_an_environment_asks_for(
    project: Project, signed: Signed
) -> None:
    answer = project.aimass("evidence", "churn", "--env", "dev")
    folder = project.root / ARTIFACTS / "evidence" / signed.record.name
    assert (answer.code, answer.err) == (0, "")
    assert sorted(path.name for path in folder.iterdir()) == [
        "bom.json", "provenance.json", "sbom.json", "signature.json"
    ]  # fmt: skip
    assert (folder / "bom.json").read_bytes() == of_kind(signed, "bom")
    (project.root / "cosign.pub").write_bytes(signed.theirs.public.read_bytes())
    answer = project.aimass("evidence", "churn", "--env", "dev")
    assert answer.code == 26
    assert "the statement of provenance is not signed by cosign.pub" in answer.err


@of_the_night
def test_a_package_is_served_only_if_it_is_the_one_that_was_signed(
    project: Project, signed: Signed, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[str] = []

    def execv(program: str, command: list[str]) -> None:
        started.append(program)
        raise SystemExit(0)

    monkeypatch.setattr("os.execv", execv)
    ours, theirs = (str(each.public) for each in (signed.ours, signed.theirs))
    refused = project.aimass("serve", "churn", "--signed-by", theirs)
    assert (refused.code, started) == (15, [])
    assert "Key mismatch" in refused.err
    assert project.aimass("serve", "churn", "--signed-by", ours).code == 0
    assert len(started) == 1
    model = project.root / ARTIFACTS / "package/model/model.onnx"
    model.write_bytes(model.read_bytes() + b" ")
    refused = project.aimass("serve", "churn", "--signed-by", ours)
    assert (refused.code, len(started)) == (15, 1)
    assert "Hash mismatch for 'model.onnx'" in refused.err


def test_the_bill_of_a_language_model_names_its_base_apart_from_its_data(tmp_path: Path) -> None:
    document = json.loads((ROOT / "generated/tickets/pipeline.json").read_text())
    pipeline = Pipeline.model_validate({**document, "settings": Settings.default()})
    assert pipeline.task.conversation is not None
    (base,) = pipeline.task.conversation.base.dependencies
    read = {base: f"{'a' * 32}.dir", "s3://lake/t.csv": "etag"}
    record = recorded(tmp_path, "growth/tickets", data=read, parity="all forms answer the same")
    content = model_bill(record, pipeline, ROOT / "aimass_compiler/runtime/language_server/example")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(content.decode()) is None
    bill = json.loads(content)
    parts = {part["bom-ref"]: part for part in bill["components"]}
    assert parts[f"base:{base}"]["type"] == "machine-learning-model"
    assert parts[f"base:{base}"]["properties"] == [{"name": "aimass:dvc-folder", "value": f"{'a' * 32}.dir"}]
    datasets = bill["metadata"]["component"]["modelCard"]["modelParameters"]["datasets"]
    assert datasets == [{"ref": "data:s3://lake/t.csv"}]
