"""Kustomize is found wherever it comes from, and what is wrong with it is told with the way out."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from aimass_compiler.programs import kustomize
from aimass_compiler.programs.kustomize import Kustomize, KustomizeError, find

KUBECTL = "Client Version: v1.32.4\nKustomize Version: v5.5.0"


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder on the PATH; empty at first."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def install(folder: Path, name: str, told: str, *, code: int = 0, error: str = "") -> None:
    """A program that says what it is told to say."""
    path = folder / name
    body = f"import sys\nprint({told!r})\nprint({error!r}, file=sys.stderr)\nsys.exit({code})\n"
    path.write_text(f"#!{sys.executable}\n{body}", encoding="utf-8")
    path.chmod(0o755)


def test_kustomize_itself_comes_first(programs: Path) -> None:
    install(programs, "kustomize", "v5.8.1")
    install(programs, "kubectl", KUBECTL)
    assert find() == Kustomize((str(programs / "kustomize"), "build"), (5, 8, 1))


def test_kubectl_brings_one_with_it(programs: Path) -> None:
    install(programs, "kubectl", KUBECTL)
    assert find() == Kustomize((str(programs / "kubectl"), "kustomize"), (5, 5, 0))


def test_kubectl_stands_in_for_a_kustomize_that_is_too_old(programs: Path) -> None:
    install(
        programs, "kustomize", "{Version:kustomize/v4.5.7 GitCommit:56d82a8 BuildDate:2022-08-02T16:35:54Z}"
    )
    install(programs, "kubectl", KUBECTL)
    assert find().version == (5, 5, 0)


def test_too_old_is_told_with_what_there_is(programs: Path) -> None:
    install(programs, "kustomize", "v4.5.7")
    install(programs, "kubectl", "Client Version: v1.20.0")
    with pytest.raises(
        KustomizeError, match=r"kustomize brings 4\.5\.7; kubectl brings an unknown version; install"
    ):
        find()


def test_a_program_that_fails_is_of_an_unknown_version(programs: Path) -> None:
    install(programs, "kustomize", "v5.8.1", code=1)
    with pytest.raises(KustomizeError, match="an unknown version"):
        find()


@pytest.mark.usefixtures("programs")
def test_missing_is_told_with_the_way_out() -> None:
    with pytest.raises(
        KustomizeError, match="neither `kustomize` nor `kubectl` is on the PATH; install kustomize 5"
    ):
        find()


def test_a_program_that_cannot_be_started_is_told(programs: Path) -> None:
    (programs / "kustomize").write_text("#!/missing/interpreter\n")
    (programs / "kustomize").chmod(0o755)
    with pytest.raises(KustomizeError, match="could not be started"):
        find()


def test_objects_come_in_order_and_empty_documents_are_dropped(programs: Path) -> None:
    install(programs, "kustomize", "kind: A\n---\n---\nkind: B\nspec: {on: 1}\n")
    built = Kustomize((str(programs / "kustomize"), "build"), (5, 8, 1)).build(programs)
    assert [document["kind"] for document in built] == ["A", "B"]


def test_a_failing_build_is_told_with_its_folder_and_reason(programs: Path) -> None:
    install(programs, "kustomize", "", code=1, error="Error: no kustomization.yaml")
    with pytest.raises(KustomizeError, match=r"(?s)cannot build .*no kustomization\.yaml"):
        Kustomize((str(programs / "kustomize"), "build"), (5, 8, 1)).build(programs)


def test_a_build_that_hangs_is_ended(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kustomize, "_SECONDS", 0.2)
    (programs / "kustomize").write_text(f"#!{sys.executable}\nimport time\ntime.sleep(30)\n")
    (programs / "kustomize").chmod(0o755)
    with pytest.raises(KustomizeError, match="did not answer within"):
        Kustomize((str(programs / "kustomize"), "build"), (5, 8, 1)).build(programs)


VOLUME = "spec:\n  volumes:\n  - image:\n      pullPolicy: IfNotPresent\n      reference: {}\n    name: model"


def test_one_that_leaves_the_image_of_a_volume_is_refused(programs: Path) -> None:
    install(programs, "kustomize", VOLUME.format("churn"))
    old = Kustomize((str(programs / "kustomize"), "build"), (5, 6, 0))
    with pytest.raises(KustomizeError, match=r"5\.6\.0 does not replace the image of a volume.*install"):
        old.text(programs)
    install(programs, "kustomize", VOLUME.format("registry.example.com/churn@sha256:12"))
    assert old.text(programs)
