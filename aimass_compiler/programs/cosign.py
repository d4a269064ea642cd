"""Sigstore's cosign by subprocess: whether an image in a registry is signed by whom it should be."""

from __future__ import annotations

import subprocess
from pathlib import Path

from aimass_compiler.diagnostics import HintedError
from aimass_compiler.programs.program import call

_SECONDS = 120
_ERROR = "error during command execution: "
_HINT = "install cosign: https://docs.sigstore.dev/cosign/system_config/installation/"


class CosignError(HintedError):
    """Cosign is missing or does not answer; `help` is the hint."""


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
    try:
        done = call(["cosign", "verify", *signer, "--", reference], seconds=_SECONDS, folder=folder)
    except FileNotFoundError:
        raise CosignError("cosign, which verifies signatures, is not installed", _HINT) from None
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
