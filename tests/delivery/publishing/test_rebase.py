"""`aimass rebase` puts a package on another server after a rehearsal on the real one, without training."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest
from server import packages

from aimass_compiler.delivery import rehearsal
from aimass_compiler.delivery.rehearsal import RehearsalFailed
from aimass_compiler.programs import dvc
from aimass_compiler.programs.registry import Repository, digest_exists
from aimass_compiler.releases import release_file
from aimass_compiler.releases.release_file import Release
from aimass_compiler.releases.version_record import Rejection, encoded, rejection_file, versions_of
from delivery.publishing.conftest import ARTIFACTS, push_server

if TYPE_CHECKING:
    from pathlib import Path

    from cli.projects import Project

    from tests.harness.image_registry import Registry


@pytest.fixture
def patched(served: Project, image_registry: Registry) -> str:
    """A published version whose package is in the registry alone, and a newer image of its server."""
    assert served.aimass("publish", "churn").code == 0
    shutil.rmtree(served.root / ARTIFACTS)
    name = f"{image_registry.place}/ml/aimass-server"
    return f"{name}@{push_server(Repository(name), 'patched', b'another base').digest}"


def test_a_version_goes_on_a_patched_server_as_a_version_of_its_own(
    served: Project, patched: str, image_registry: Registry
) -> None:
    (before,) = versions_of(served.root, "churn")
    answer = served.aimass("rebase", "churn", "--server", patched)
    assert (answer.code, answer.err) == (0, "")
    first, second = versions_of(served.root, "churn")
    assert first == before
    assert second.name == f"v2-{first.package[:8]}"
    assert second.rebased_from == first.name
    assert (second.package_image, second.metrics, second.gates, second.commit) == (
        first.package_image,
        first.metrics,
        first.gates,
        first.commit,
    )
    assert second.server_image is not None
    assert second.server_image.reference == patched
    assert second.image is not None
    assert second.image != first.image
    assert digest_exists(second.image.reference)
    assert second.service_test is not None
    assert set(second.service_test.latency_ms) == {"p50", "p95", "p99"}
    layers = [
        Repository(f"{image_registry.place}/ml/churn").manifest(version.name).document["layers"]
        for version in (first, second)
    ]
    assert layers[0][0] != layers[1][0]
    assert layers[0][1:] == layers[1][1:]
    again = served.aimass("rebase", "churn", "--version", "v1", "--server", patched)
    assert (again.code, again.out.split(" is ")[0]) == (0, f"churn {second.name}")
    assert len(versions_of(served.root, "churn")) == 2


def test_all_that_is_released_in_an_environment(served: Project, patched: str) -> None:
    (version,) = versions_of(served.root, "churn")
    assert served.aimass("rebase", "--all", "--server", patched).code == 0
    assert len(versions_of(served.root, "churn")) == 1
    assert version.image is not None
    path = release_file.file_of(served.root, "prod", "churn")
    path.parent.mkdir(parents=True)
    release = Release(
        environment="prod", model="churn", images={"churn": version.image}, version=version.name
    )
    path.write_bytes(release_file.edited(None, release))
    assert served.aimass("rebase", "--all", "--env", "dev", "--server", patched).code == 0
    assert len(versions_of(served.root, "churn")) == 1
    assert served.aimass("rebase", "--all", "--env", "prod", "--server", patched).code == 0
    assert [each.rebased_from for each in versions_of(served.root, "churn")] == ["", version.name]


def test_a_rejected_version_is_not_put_anywhere(served: Project, patched: str) -> None:
    (version,) = versions_of(served.root, "churn")
    rejection = Rejection(
        reason="it is wrong about pensioners", by="a@example.com", at="2026-01-03T00:00:00Z"
    )
    rejection_file(served.root, "churn", version.name).write_bytes(encoded(rejection))
    answer = served.aimass("rebase", "churn", "--server", patched)
    assert answer.code == 26
    assert f"churn {version.name}: it was rejected: it is wrong about pensioners" in answer.err


def test_a_package_that_is_nowhere_is_named(served: Project, patched: str) -> None:
    (version,) = versions_of(served.root, "churn")
    path = served.root / f"versions/churn/{version.name}.json"
    record = json.loads(path.read_text())
    record["package_image"]["digest"] = f"sha256:{'0' * 64}"
    record["package_files"] = {}
    path.write_text(json.dumps(record))
    answer = served.aimass("rebase", "churn", "--server", patched)
    assert answer.code == 1
    assert f"the package of churn {version.name} is nowhere\n" in answer.err
    assert "\n  the registry: there is no image" in answer.err
    assert "\n  DVC: its record does not say how DVC keeps it" in answer.err


def test_a_registry_that_may_have_the_package_but_is_out_of_reach_is_told_from_one_that_lacks_it(
    served: Project, patched: str
) -> None:
    (version,) = versions_of(served.root, "churn")
    path = served.root / f"versions/churn/{version.name}.json"
    path.write_text(path.read_text().replace(version.package_image.name, "127.0.0.1:1/ml/churn-package"))
    answer = served.aimass("rebase", "churn", "--server", patched)
    assert answer.code == 27
    assert "\n  the registry: the registry 127.0.0.1:1 gives no answer: " in answer.err


@pytest.mark.slow
def test_a_package_that_the_registry_lost_comes_from_dvc(served: Project, patched: str) -> None:
    (version,) = versions_of(served.root, "churn")
    served.write("artifacts/kept", "")
    dvc.prepare(served.root)
    package = packages.churn(served.root / ARTIFACTS / "package/model")
    for name, digest in version.package_files.items():
        kept = served.root / ".dvc/cache/files/md5" / digest[:2] / digest[2:]
        kept.parent.mkdir(parents=True, exist_ok=True)
        (package / name).rename(kept)
    path = served.root / f"versions/churn/{version.name}.json"
    path.write_text(path.read_text().replace(version.package_image.digest, f"sha256:{'0' * 64}"))
    answer = served.aimass("rebase", "churn", "--server", patched)
    assert (answer.code, answer.err) == (0, "")
    assert [each.rebased_from for each in versions_of(served.root, "churn")] == ["", version.name]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("rebase",), "name a model, or say --all"),
        (("rebase", "churn", "--all"), "name a model, or say --all"),
        (("rebase", "churn", "--env", "prod"), "--env goes with --all"),
        (("rebase", "churn"), "`churn` has no version yet"),
    ],
)
def test_what_cannot_be_meant_is_said(project: Project, arguments: tuple[str, ...], said: str) -> None:
    answer = project.aimass(*arguments)
    assert answer.code == 2
    assert said in answer.err


def test_another_answer_than_the_golden_one_fails_the_rehearsal(tmp_path: Path) -> None:
    package = packages.churn(tmp_path / "package")
    assert rehearsal.rehearse(package).passed
    golden = json.loads((package / "golden.json").read_text())
    golden["predictions"][0]["probabilities"] = {"no": 0.5, "yes": 0.5}
    (package / "golden.json").write_text(json.dumps(golden))
    with pytest.raises(RehearsalFailed, match="golden"):
        rehearsal.rehearse(packages.listed(package))
