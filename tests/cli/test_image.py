"""`aimass image` says how the image is built by what is there, or builds and pushes it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from delivery.publishing.conftest import image_of_server

from aimass_compiler.programs.cosign import by_key, complaint
from aimass_compiler.programs.oci import ImageManifest
from aimass_compiler.programs.registry import Repository
from tests.harness.loopback import Answers, Server
from tests.harness.signing import cosign_on_the_path, key_pair

if TYPE_CHECKING:
    from cli.projects import Project
    from tests.harness.image_registry import Registry

CONTEXT = r"artifacts/aimass-server/0\.1\.0-[0-9a-f]{12}"
IMAGE = "registry.example.com/ml/aimass-server"
DIGEST = f"sha256:{'0' * 64}"
#: Says what it was asked, builds nothing, and pushes by writing a digest.
BUILDAH = f"""\
#!/bin/sh
echo "$SOURCE_DATE_EPOCH $*" >>"$CALLS"
echo "STEP 1/1"
[ "$1" != push ] || printf %s "${{PUSHED:-{DIGEST}}}" >"$3"
exit "${{STATUS:-0}}"
"""


@pytest.fixture
def without_builder(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project where no program builds images."""
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.chdir(project.root)
    return project


@pytest.fixture
def pushes_to(image_registry: Registry, project: Project) -> str:
    """The server's image in a registry that the settings name."""
    (project.root / "aimass.yaml").write_text(f"images: {{registry: {image_registry.place}/ml}}\n")
    return f"{image_registry.place}/ml/aimass-server"


@pytest.fixture
def calls(tmp_path: Path) -> Path:
    """What a buildah was asked that is there now."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "buildah").write_text(BUILDAH)
    (tmp_path / "bin" / "buildah").chmod(0o755)
    return tmp_path / "calls"


def test_the_command_that_builds_it_is_printed_and_not_run(without_builder: Project, calls: Path) -> None:
    answer = without_builder.aimass("image", "--pip-conf", "pip.conf")
    assert answer.code == 0
    last = answer.out.splitlines()[-1]
    assert re.fullmatch(
        rf"buildah build --force-rm --layers --timestamp=0 --secret=id=pip,src=pip\.conf "
        rf"--tag {IMAGE}:0\.1\.0-[0-9a-f]{{12}} {CONTEXT}",
        last,
    )
    assert not calls.exists()
    context = without_builder.root / last.split()[-1]
    assert (context / "requirements.txt").is_file()
    assert (context / "app/aimass_compiler/runtime/server/__main__.py").is_file()


def test_what_was_pushed_is_all_that_standard_output_tells(
    pushes_to: str, without_builder: Project, calls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = pushed(pushes_to)
    monkeypatch.setenv("PUSHED", there.digest)
    command = [Path(sys.executable).with_name("aimass"), "image", "--push"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == f"{pushes_to}@{there.digest}\n"
    assert done.stderr.splitlines() == ["STEP 1/1", "STEP 1/1"]
    build, push = calls.read_text().splitlines()
    assert build.startswith("0 build --force-rm --layers --timestamp=0 --tag ")
    assert push.startswith("0 push --digestfile ")


def pushed(name: str, tag: str = "") -> ImageManifest:
    """A small image in the registry, in the place of the server's."""
    manifest, blobs = image_of_server()
    for blob in blobs:
        Repository(name).push_blob(blob)
    Repository(name).push_manifest(manifest, tag)
    return manifest


def bills_beside(name: str, image: ImageManifest) -> list[bytes]:
    """The documents that refer to an image, as other programs find them."""
    repository = Repository(name)
    listed = repository.manifest(image.digest.replace(":", "-")).document["manifests"]
    found = [repository.manifest(each["digest"]).document["layers"][0] for each in listed]
    return [repository.blob(layer) for layer in found]


def test_a_failed_build_is_not_pushed(
    pushes_to: str, without_builder: Project, calls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert pushes_to
    monkeypatch.setenv("STATUS", "125")
    answer = without_builder.aimass("image", "--push")
    assert answer.code == 1
    assert "failed with exit code 125" in answer.err
    assert len(calls.read_text().splitlines()) == 1


def test_what_the_registry_has_is_not_built_again(pushes_to: str, without_builder: Project) -> None:
    tag = Path(without_builder.aimass("image").out.split()[-1]).name
    there = pushed(pushes_to, tag)
    answer = without_builder.aimass("image", "--push")
    assert (answer.code, answer.out) == (0, f"{pushes_to}@{there.digest}\n")


def test_the_bill_of_materials_lies_beside_a_server_once(pushes_to: str, without_builder: Project) -> None:
    tag = Path(without_builder.aimass("image").out.split()[-1]).name
    there = pushed(pushes_to, tag)
    for _ in range(2):
        assert without_builder.aimass("image", "--push").code == 0
    (bill,) = bills_beside(pushes_to, there)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(bill.decode()) is None
    names = {part["name"] for part in json.loads(bill)["components"]}
    assert {"onnxruntime", "numpy", "python", "aimass-compiler"} <= names


@pytest.mark.nightly
def test_a_server_is_signed_once_where_an_environment_wants_that(
    pushes_to: str, without_builder: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cosign_on_the_path(monkeypatch, tmp_path)
    keys = key_pair(tmp_path, "ours")
    settings = without_builder.root / "aimass.yaml"
    wanted = "environments: {prod: {signature: {key: ours.pub, ignore_tlog: true}}}\n"
    settings.write_text(settings.read_text() + wanted)
    (without_builder.root / "ours.pub").write_bytes(keys.public.read_bytes())
    there = pushed(pushes_to, Path(without_builder.aimass("image").out.split()[-1]).name)
    for _ in range(2):
        answer = without_builder.aimass("image", "--push", "--sign-key", str(keys.private))
        assert (answer.code, answer.err) == (0, "")
    assert len(bills_beside(pushes_to, there)) == 2, "a bill and a signature"
    signer = by_key(str(keys.public), ignores_tlog=True)
    assert complaint(f"{pushes_to}@{there.digest}", signer, tmp_path) is None


def test_a_registry_that_does_not_answer_is_an_error_of_the_registry(
    without_builder: Project, calls: Path
) -> None:
    (without_builder.root / "aimass.yaml").write_text("images: {registry: '127.0.0.1:1/ml'}\n")
    answer = without_builder.aimass("image", "--push")
    assert answer.code == 27
    assert "127.0.0.1:1" in answer.err
    assert not calls.exists()


class GuestWifi(Answers):
    """What a hotel answers in the place of a registry."""

    def do_GET(self) -> None:
        self.answer(200, b"<html><title>Sign in</title>", Content_Type="text/html")

    do_HEAD = do_GET


def test_what_answers_in_the_place_of_a_registry_is_an_error_of_the_registry(
    without_builder: Project, calls: Path
) -> None:
    with Server(GuestWifi) as server:
        (without_builder.root / "aimass.yaml").write_text(f"images: {{registry: '{server.place}/ml'}}\n")
        answer = without_builder.aimass("image", "--push")
    assert answer.code == 27
    said = f"error: {server.place} gave something else than a manifest of {server.place}/ml/aimass-server\n"
    assert answer.err.endswith(said)
    assert not calls.exists()


def test_without_a_registry_nothing_is_built_to_be_pushed(without_builder: Project, calls: Path) -> None:
    answer = without_builder.aimass("image", "--push")
    assert answer.code == 1
    assert "set `images.registry` in aimass.yaml" in answer.err
    assert not calls.exists()


def test_where_nothing_builds_the_command_is_dockers_and_building_says_what_is_missing(
    without_builder: Project,
) -> None:
    printed = without_builder.aimass("image")
    assert (printed.code, printed.out.splitlines()[-1].split()[:2]) == (0, ["docker", "build"])
    assert printed.err.startswith("note: an image is built by `buildah`, `podman` or `docker`")
    built = without_builder.aimass("image", "--build")
    assert built.code == 1
    assert "error: an image is built by `buildah`, `podman` or `docker`, and none of them is" in built.err


def test_models_of_one_framework_train_in_the_same_image(without_builder: Project, calls: Path) -> None:
    project = without_builder
    spec = next((project.root / "specs").glob("*.yaml"))
    for name in ("second", "third"):
        (project.root / f"specs/{name}.yaml").write_text(spec.read_text().replace(spec.stem, name))
    (project.root / "dist").mkdir()
    (project.root / "dist/aimass_compiler-0.1.0-py3-none-any.whl").write_bytes(b"wheel")
    answer = project.aimass("image", "training", "--wheels", "dist")
    (command,) = answer.out.splitlines()
    name, context = command.split()[-2:]
    assert re.fullmatch(r"registry\.example\.com/ml/aimass-train:[0-9a-f]{12}", name)
    assert sorted(path.name for path in (project.root / context).iterdir()) == [
        "Dockerfile",
        "aimass_compiler-0.1.0-py3-none-any.whl",
        "constraints.txt",
    ]
    assert project.aimass("compile").code == 0
    for model in (spec.stem, "second", "third"):
        assert name in (project.root / f"generated/{model}/train/job.yaml").read_text()
    assert not calls.exists()


def test_a_spec_that_cannot_be_read_keeps_no_other_from_its_image(
    without_builder: Project, calls: Path
) -> None:
    (without_builder.root / "specs/broken.yaml").write_text("name: broken\n")
    answer = without_builder.aimass("image", "training")
    assert (answer.code, len(answer.out.splitlines())) == (0, 1)
    assert "specs/broken.yaml has errors" in answer.err
    assert not calls.exists()


def test_the_server_is_no_models(without_builder: Project) -> None:
    answer = without_builder.aimass("image", "server", "churn")
    assert answer.code == 2
    assert "all models have the same server" in answer.err
