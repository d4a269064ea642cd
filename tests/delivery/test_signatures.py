"""An environment that wants a signature asks cosign for exactly that one; the real one is asked at night."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from aimass_compiler.releases.version_record import ImageDigest
from delivery.deliveries import digest, version
from tests.harness.image_registry import pushed, small_image
from tests.harness.signing import cosign_on_the_path

if TYPE_CHECKING:
    from pathlib import Path

    from delivery.deliveries import Answer, Repository
    from tests.harness.image_registry import Registry

PLACE = "registry.acme.dev/ml"
PUSHED = ImageDigest(f"{PLACE}/churn", digest(4))
IMAGE = PUSHED.reference
WORKFLOW = "https://github.com/acme/models/.github/workflows/aimass-train.yml@refs/heads/main"
ISSUER = "https://token.actions.githubusercontent.com"
#: Keeps what it is asked, and refuses in the words of cosign 3.1.3 where it is told to.
COSIGN = """\
#!/bin/sh
printf '%s\\n' "$*" >>"$COSIGN_CALLS"
[ -z "$COSIGN_REFUSES" ] && exit 0
echo "Error: $COSIGN_REFUSES" >&2
echo "error during command execution: $COSIGN_REFUSES" >&2
exit 10
"""


@pytest.fixture
def calls(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cosign that keeps what it is asked in this file, and a registry that has every image."""
    folder = repository.root.parent / "bin"
    folder.mkdir()
    (folder / "cosign").write_text(COSIGN)
    (folder / "cosign").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("COSIGN_CALLS", str(folder / "calls"))
    monkeypatch.setattr("aimass_compiler.programs.registry.digest_exists", lambda *image: bool(image))
    return folder / "calls"


def wanting(repository: Repository, signature: str) -> None:
    repository.record(version(4, image=PUSHED))
    settings = f"images: {{registry: {PLACE}}}\n"
    repository.write("aimass.yaml", f"{settings}environments: {{dev: {{signature: {{{signature}}}}}}}\n")


@pytest.mark.parametrize(
    ("signature", "asked"),
    [
        ("key: cosign.pub", "--key cosign.pub"),
        ("key: cosign.pub, ignore_tlog: true", "--key cosign.pub --insecure-ignore-tlog=true"),
        (
            f"identity: '{WORKFLOW}', issuer: '{ISSUER}'",
            f"--certificate-identity {WORKFLOW} --certificate-oidc-issuer {ISSUER}",
        ),
    ],
)
def test_each_kind_is_asked_for_in_the_words_of_cosign(
    repository: Repository, calls: Path, signature: str, asked: str
) -> None:
    wanting(repository, signature)
    assert repository.aimass("promote", "churn", "--to", "dev").code == 0
    assert calls.read_text() == f"verify {asked} -- {IMAGE}\n"


def test_a_refusal_is_told_in_the_words_of_cosign(
    repository: Repository, calls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanting(repository, "key: cosign.pub")
    monkeypatch.setenv("COSIGN_REFUSES", "no signatures found")
    refused = repository.aimass("promote", "churn", "--to", "dev")
    assert refused.code == 26
    assert f"- {IMAGE} is not signed by cosign.pub: no signatures found\n" in refused.err
    assert repository.released("dev") is None


def test_without_cosign_nothing_is_promoted(
    repository: Repository, calls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanting(repository, "key: cosign.pub")
    (calls.parent / "cosign").unlink()
    monkeypatch.setenv("PATH", f"{calls.parent}:/usr/bin:/bin")
    answer = repository.aimass("promote", "churn", "--to", "dev")
    assert answer.code == 1
    assert "cosign, which signs and verifies, is not installed" in answer.err


@pytest.mark.parametrize(
    ("signature", "says"),
    [
        ("key: cosign.pub, issuer: x", "`signature` must be either `key`, or `identity` and `issuer`"),
        ("identity: x, issuer: y, ignore_tlog: true", "`ignore_tlog` goes with `key`"),
    ],
)
def test_a_signature_that_cannot_be_meant_decides_nothing(
    repository: Repository, signature: str, says: str
) -> None:
    wanting(repository, signature)
    answer = repository.aimass("promote", "churn", "--to", "dev")
    assert answer.code == 1
    assert says in answer.err


@pytest.fixture
def real_cosign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """The real cosign on the PATH, with a separate cache; answers what runs it."""
    program = cosign_on_the_path(monkeypatch, tmp_path)
    monkeypatch.setenv("COSIGN_PASSWORD", "")

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [program, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.mark.nightly
def test_cosign_itself_tells_signed_images_from_others(
    repository: Repository, real_cosign: Callable[..., str], image_registry: Registry, tmp_path: Path
) -> None:
    """Its keys, its signatures in a real registry, and no transparency log anywhere."""
    place = f"{image_registry.place}/ml"
    for number in (4, 5, 6):
        repository.record(version(number, image=pushed(f"{place}/churn", f"files of v{number}")))
    real_cosign("signing-config", "create", "--out", "no-services.json")
    for key in ("ours", "theirs"):
        real_cosign("generate-key-pair", "--output-key-prefix", key)
    for key, number in (("ours", 4), ("theirs", 5)):
        signing = ("--yes", "--key", f"{key}.key", "--signing-config", "no-services.json")
        real_cosign("sign", *signing, reference(number, place))
    repository.write("cosign.pub", (tmp_path / "ours.pub").read_text())

    def promoted(number: int, signature: str) -> Answer:
        settings = f"images: {{registry: {place}}}\n"
        repository.write("aimass.yaml", f"{settings}environments: {{dev: {{signature: {{{signature}}}}}}}\n")
        return repository.aimass("promote", "churn", "--to", "dev", "--version", f"v{number}")

    offline = "key: cosign.pub, ignore_tlog: true"
    refusals = {5: "could not verify envelope", 6: "no signatures found"}
    for number, reason in refusals.items():
        refused = promoted(number, offline)
        assert refused.code == 26
        assert f"- {reference(number, place)} is not signed by cosign.pub: " in refused.err
        assert reason in refused.err
    assert promoted(4, "key: cosign.pub").code == 26, (
        "the log, which is asked for by default, does not have it"
    )
    assert repository.released("dev") is None
    answer = promoted(4, offline)
    assert (answer.code, answer.err) == (0, "")
    assert repository.released("dev").version == version(4).name


def reference(number: int, place: str) -> str:
    return f"{place}/churn@{small_image(f'files of v{number}').digest}"
