"""Sigstore's cosign by subprocess: signs images and statements, and says whether the right one did."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from aimass_compiler.diagnostics import HintedError
from aimass_compiler.programs.program import call

_SECONDS = 120
_ERROR = "error during command execution: "
_HINT = "install cosign: https://docs.sigstore.dev/cosign/system_config/installation/"
#: Signatures as cosign 2 made them, beside an image instead of in a bundle that refers to it.
LEGACY = "--new-bundle-format=false"
#: Keys are imported without a password, into a folder that is gone afterwards.
_NO_PASSWORD = {"COSIGN_PASSWORD": ""}


class CosignError(HintedError):
    """Cosign is missing, does not answer or did not sign; `help` is the hint."""


def by_key(key: str, *, ignores_tlog: bool = False) -> list[str]:
    """What asks for a signature by a key: a file, or the address of one that a service keeps.

    With `ignores_tlog` it need not be in a transparency log, and nothing outside the registry is asked.
    """
    return ["--key", key, *(["--insecure-ignore-tlog=true"] if ignores_tlog else [])]


def by_identity(identity: str, issuer: str) -> list[str]:
    """What asks for a signature by an identity that an issuer knows; it must be in a transparency log."""
    return ["--certificate-identity", identity, "--certificate-oidc-issuer", issuer]


def complaint(reference: str, signer: list[str], folder: Path) -> str | None:
    """Why an image has no such signature; None where it has. Raises CosignError.

    Source: https://github.com/sigstore/cosign/blob/v3.1.3/doc/cosign_verify.md
    """
    return _complaint(["verify", *signer, "--", reference], folder)


def complaint_about_bundle(
    bundle: Path, digest: str, predicate: str, signer: list[str], folder: Path
) -> str | None:
    """Why a bundle is no statement of this kind about this SHA-256 by this signer; None where it is one.

    Raises CosignError.
    Source: https://github.com/sigstore/cosign/blob/v3.1.3/doc/cosign_verify-blob-attestation.md
    """
    about = ["--digest", digest, "--digestAlg", "sha256", "--type", predicate]
    return _complaint(["verify-blob-attestation", *signer, "--bundle", str(bundle), *about], folder)


def import_key(key: Path, into: Path) -> Path:
    """A private key in PEM as cosign reads it, in a folder. Raises CosignError."""
    _done(["import-key-pair", "--key", str(key), "--output-key-prefix", str(into / "signing")], into)
    return into / "signing.key"


def no_services(into: Path) -> Path:
    """The configuration by which cosign signs and tells no log and no clock of it. Raises CosignError."""
    path = into / "no-services.json"
    _done(["signing-config", "create", "--out", str(path)], into)
    return path


def sign_image(reference: str, how: Sequence[str], folder: Path) -> None:
    """Sign an image where it lies; `how` names key and services. Raises CosignError."""
    _done(["sign", "--yes", *how, "--", reference], folder)


def signed_statement(statement: Path, how: Sequence[str], folder: Path) -> bytes:
    """The bundle that a statement becomes; `how` names key and services. Raises CosignError."""
    bundle = folder / "bundle.json"
    _done(["attest-blob", "--yes", *how, "--statement", str(statement), "--bundle", str(bundle)], folder)
    return bundle.read_bytes()


def _done(arguments: list[str], folder: Path) -> None:
    reason = _complaint(arguments, folder)
    if reason is not None:
        raise CosignError(f"cosign could not sign: {reason}")


def _complaint(arguments: list[str], folder: Path) -> str | None:
    """What cosign says where it refuses; None where it does not. Raises CosignError."""
    try:
        done = call(["cosign", *arguments], seconds=_SECONDS, folder=folder, environment=_NO_PASSWORD)
    except FileNotFoundError:
        raise CosignError("cosign, which signs and verifies, is not installed", _HINT) from None
    except OSError as error:
        raise CosignError(f"cosign could not be started: {error.strerror}", _HINT) from None
    except subprocess.TimeoutExpired:
        raise CosignError(f"cosign did not answer within {_SECONDS} s") from None
    return None if done.returncode == 0 else _reason(done)


def _reason(done: subprocess.CompletedProcess[str]) -> str:
    """What it says behind its own words for an error, or else last."""
    lines = [line for line in done.stderr.rpartition(_ERROR)[2].splitlines() if line.strip()]
    if not lines:
        return f"cosign exits with {done.returncode}"
    return lines[0 if _ERROR in done.stderr else -1].strip()
