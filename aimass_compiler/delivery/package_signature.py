"""The signature of a package's files, as OpenSSF's model-signing makes it: with a key, or by an identity.

Source: https://github.com/sigstore/model-transparency
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aimass_compiler import conventions
from aimass_compiler.pipeline.image_signature import ImageSignature
from aimass_compiler.programs.signer import NotSigned, Signer

if TYPE_CHECKING:
    from model_signing import hashing

PREDICATE = "https://model_signing/signature/v1.0"
_HINT = "`pip install 'aimass-compiler[sign]'` brings it"


def signature_of(package: Path, signer: Signer) -> bytes:
    """The bundle that holds the SHA-256 of each file of a package. Raises NotSigned."""
    try:
        from model_signing import signing
    except ImportError:
        raise NotSigned("model-signing, which signs packages, is not installed", _HINT) from None
    way = signing.Config().set_hashing_config(_hashing(package))
    path = signer.folder / "package.sig"
    try:
        if signer.key is None:
            way.use_sigstore_signer(use_ambient_credentials=True)
        else:
            way.use_elliptic_key_signer(private_key=signer.key)
        way.sign(package, path)
    except Exception as error:  # noqa: BLE001  # keys, identities and services fail in many ways of their own
        raise NotSigned(f"model-signing could not sign the package: {_told(error)}") from None
    return path.read_bytes()


def complaint(
    package: Path, bundle: bytes, signature: ImageSignature, root: Path, folder: Path
) -> str | None:
    """Why these files are not those that this signer signed; None where they are. Raises NotSigned.

    `folder` is one to write to.
    """
    try:
        from model_signing import verifying
    except ImportError:
        raise NotSigned("model-signing, which verifies packages, is not installed", _HINT) from None
    path = folder / "package.sig"
    path.write_bytes(bundle)
    way = verifying.Config().set_hashing_config(_hashing(package))
    try:
        if signature.key:
            way.use_elliptic_key_verifier(public_key=root / signature.key)
        else:
            way.use_sigstore_verifier(identity=str(signature.identity), oidc_issuer=str(signature.issuer))
        way.verify(package, path)
    except Exception as error:  # noqa: BLE001  # as above
        return _told(error)
    return None


def _hashing(package: Path) -> hashing.Config:
    """Every file but hidden ones, which editors leave and images leave out."""
    from model_signing import hashing

    hidden = [path.relative_to(package) for path in package.rglob(".*")]
    return hashing.Config().set_ignored_paths(paths=hidden, ignore_git_paths=False)


def _told(error: Exception) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__


def statement_in(bundle: bytes) -> dict[str, Any]:
    """What a bundle says, whoever signed it; empty where it is none."""
    try:
        found = json.loads(base64.b64decode(json.loads(bundle)["dsseEnvelope"]["payload"]))
    except (ValueError, LookupError, TypeError):
        return {}
    return found if isinstance(found, dict) else {}


def signed_manifest(statement: dict[str, Any]) -> str:
    """The SHA-256 of the manifest among the files that were signed: it holds those of all others."""
    try:
        files = {each["name"]: each["digest"] for each in statement["predicate"]["resources"]}
    except (LookupError, TypeError):
        return ""
    return str(files.get(conventions.MANIFEST_FILE, ""))


def signed_digest(statement: dict[str, Any]) -> str:
    """The SHA-256 that a statement is about, as cosign wants it named; empty where there is none."""
    try:
        return str(statement["subject"][0]["digest"]["sha256"])
    except (LookupError, TypeError):
        return ""
