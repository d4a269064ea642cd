"""Releases and records as other tools, other branches and people leave them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aimass_compiler.atomic_file import partial_name
from aimass_compiler.releases import release_file
from aimass_compiler.releases.release_file import DamagedRelease
from aimass_compiler.releases.version_record import ImageDigest, versions_of
from delivery.deliveries import digest, version

if TYPE_CHECKING:
    from pathlib import Path

    from delivery.deliveries import Repository

DEV = "releases/dev/churn/kustomization.yaml"
SIDECAR = f"- name: sidecar\n  newName: registry.example.com/sidecar\n  digest: {digest(7)}\n"
WHOLE = f"kind: Component\nimages:\n- name: churn\n  digest: {digest(1)}\n"


@pytest.mark.parametrize(
    "text",
    [
        "kind: Component\nimages: churn\n",
        "kind: Component\nimages: [churn]\n",
        "kind: Component\nimages: {churn: 1}\n",
        f"{WHOLE}- name: churn\n  digest: {digest(2)}\n",
        f"{WHOLE}metadata: text\n",
        f"{WHOLE}metadata: {{annotations: []}}\n",
        f"{WHOLE}commonAnnotations: text\n",
        f"{WHOLE}metadata: {{annotations: {{aimass.dev/held-until: 2026-99-99}}}}\n",
        "kind: Kustomization\n",
        "[" * 5000,
    ],
)
def test_what_is_no_release_is_damaged_and_no_crash(text: str) -> None:
    with pytest.raises(DamagedRelease):
        release_file.decoded(text.encode(), "dev", "churn")


@pytest.mark.parametrize("empty", ["metadata:\n", "metadata: {annotations: }\n", "commonAnnotations:\n"])
def test_keys_without_a_value_are_filled(empty: str) -> None:
    text = f"{WHOLE}{empty}".encode()
    release = release_file.decoded(text, "dev", "churn")
    held = release_file.Release(
        environment="dev",
        model="churn",
        images=release.images,
        version="v1-00000001",
        hold=release_file.Hold("Ada", "audit"),
    )
    assert release_file.decoded(release_file.edited(text, held), "dev", "churn") == held


def test_images_that_others_added_and_the_line_ends_stay(repository: Repository) -> None:
    repository.release("dev", 1)
    text = repository.read(DEV).replace("commonAnnotations", f"{SIDECAR}commonAnnotations")
    repository.write(DEV, text.replace("\n", "\r\n").encode())
    assert repository.aimass("promote", "churn", "--to", "dev").code == 0
    wanted = text.replace(digest(1), digest(3)).replace("v1-00000001", "v3-00000003")
    assert (repository.root / DEV).read_bytes() == wanted.replace("\n", "\r\n").encode()


def test_a_linked_release_is_not_written_through(repository: Repository) -> None:
    repository.release("dev", 1)
    before = repository.read(DEV)
    (repository.root / "releases/staging").mkdir()
    (repository.root / "releases/staging/churn").symlink_to("../dev/churn")
    answer = repository.aimass("promote", "churn", "--to", "staging", "--version", "v2", "--offline")
    assert (answer.code, "it is a link" in answer.err) == (1, True)
    assert repository.read(DEV) == before


def test_a_number_that_two_branches_gave_is_not_guessed(repository: Repository) -> None:
    other = version(
        2,
        name="v2-0000000a",
        image=ImageDigest("registry.example.com/ml/churn", digest(99)),
        trained_at="2026-11-01T12:00:00Z",
    )
    repository.record(other)
    assert [each.name for each in versions_of(repository.root, "churn")][1:3] == [other.name, "v2-00000002"]
    refused = repository.aimass("promote", "churn", "--to", "dev", "--version", "v2", "--offline")
    assert refused.code == 26
    assert "`v2` is more than one version: v2-0000000a, v2-00000002" in refused.err
    repository.release("dev", 1, "2026-11-02T00:00:00Z")
    assert repository.aimass("rollback", "churn", "--env", "dev", "--version", "v2").code == 26
    assert repository.aimass("promote", "churn", "--to", "dev", "--version", other.name).code == 0


def test_a_reason_is_one_line_and_no_control_reaches_a_terminal(repository: Repository) -> None:
    written = "bad:\n## heading\x1b[31m é"
    assert repository.aimass("reject", "churn", "--version", "v3", "--reason", written).code == 0
    answer = repository.aimass("promote", "churn", "--to", "dev", "--version", "v3", "--offline")
    assert "bad: ## heading [31m é" in answer.err
    assert repository.aimass("reject", "churn", "--version", "v2", "--reason", " \n").code == 2


def test_a_repository_that_git_refuses_is_not_one_without_history(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.release("dev", 1, "2026-11-02T00:00:00Z")
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    answer = repository.aimass("rollback", "churn", "--env", "dev", "--offline")
    assert (answer.code, "dubious ownership" in answer.err) == (1, True)
    assert "records cannot be held against" in repository.aimass("check").err


def test_without_git_a_check_goes_on(
    repository: Repository, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "records cannot be held against" in repository.aimass("check").err


def test_a_change_of_two_files_is_made_whole_or_not_at_all(repository: Repository) -> None:
    repository.release("dev", 1, "2026-11-02T00:00:00Z")
    repository.release("dev", 2, "2026-11-03T00:00:00Z")
    before = repository.read(DEV)
    (repository.root / "versions/churn" / partial_name("v2-00000002.rejected.json")).mkdir()
    answer = repository.aimass("rollback", "churn", "--env", "dev", "--offline", "--reject", "bad")
    assert (answer.code, "so nothing was changed" in answer.err) == (14, True)
    assert repository.read(DEV) == before


def test_a_record_that_a_later_commit_changed_is_found(repository: Repository) -> None:
    path = "versions/churn/v1-00000001.json"
    repository.write(path, repository.read(path).replace("0.801", "0.999"))
    repository.commit("2026-11-02T00:00:00Z", "embellish")
    assert f"`{path}` is not as it was committed first" in repository.aimass("check").err
