"""A registry of images, asked and given through its HTTP API: no Docker, and no daemon.

The library `oras` keeps whole blobs in memory, asks two minutes for a registry that is not there, and writes
manifests as other bytes than it was given (oras 0.2.43), so what is transferred is transferred here. Nothing
that a registry says is believed before it is held against a digest, or found to have the shape of a manifest.
Source: https://github.com/opencontainers/distribution-spec
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from aimass_compiler.diagnostics import HintedError
from aimass_compiler.programs.oci import ACCEPTED, Blob, ImageManifest, index_of, listed_with
from aimass_compiler.programs.registry_connection import (
    LARGEST_MANIFEST,
    VARIABLE_PASSWORD,
    VARIABLE_USER,
    RegistryAnswer,
    RegistryConnection,
    Unanswered,
)

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_OK, _CREATED, _ACCEPTED_LATER = 200, 201, 202
_UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND = 401, 403, 404
#: So many letters of what a registry says of a refusal are passed on.
_REASON = 200
#: What urllib3 puts before the reason, of no use to who reads it.
_CONNECTION = re.compile(r"HTTPS?Connection\(host=[^)]*\): ")


class RegistryError(HintedError):
    """A registry cannot be reached, refuses, or answers what it should not; the message says which."""


class RegistryRefuses(RegistryError):  # noqa: N818  # it reads as what is the case
    """It does not know who asks, or the one who asks has no right to this."""


class NoSuchImage(RegistryError):  # noqa: N818  # it reads as what is the case
    """There is no image, or no blob, of this name."""


class TagTaken(RegistryError):  # noqa: N818  # it reads as what is the case
    """A tag names another image already."""


def digest_exists(reference: str, home: str = "") -> bool:
    """Whether an image, written `NAME@sha256:…` or `NAME:TAG`, is in its registry. Raises RegistryError.

    `home` is the registry of aimass.yaml, as Repository has it.
    """
    return digest_of_image(reference, home) is not None


def digest_of_image(reference: str, home: str = "") -> str | None:
    """The digest of an image that is named by a tag or a digest; None where there is none of that name."""
    name, wanted = parted(reference)
    return Repository(name, home).digest(wanted)


def parted(reference: str) -> tuple[str, str]:
    """The repository of an image, and its digest, or else its tag."""
    name, _, digest = reference.partition("@")
    path = name.rpartition("/")[2]
    if digest:
        return name.removesuffix(f":{path.partition(':')[2]}"), digest
    tag = path.partition(":")[2]
    return (name.removesuffix(f":{tag}"), tag) if tag else (name, "latest")


class Repository:
    """One repository of a registry: the images of one name."""

    def __init__(self, name: str, home: str = "") -> None:
        """Ask nothing yet. Raises RegistryError where the library that speaks to registries is not here.

        `home` is the registry of aimass.yaml: only its host is given REGISTRY_USER and REGISTRY_PASSWORD.
        """
        self.name = name
        self.host, _, self.path = name.partition("/")
        try:
            self._connection = RegistryConnection(self.host, home)
        except ImportError:
            hint = "`pip install 'aimass-compiler[registry]'` brings it"
            raise RegistryError("what speaks to registries is not installed", hint) from None
        self._address = f"{self._connection.address}/v2/{self.path}"

    def digest(self, reference: str) -> str | None:
        """The digest of a tag or digest, or None where there is no such image. Raises RegistryError."""
        answer = self._manifest("HEAD", reference)
        if answer.status == _NOT_FOUND:
            return None
        self._require(answer, _OK, f"say what {_joined(self.name, reference)} is")
        said = answer.headers.get("Docker-Content-Digest", "")
        if said and not _DIGEST.fullmatch(said):
            raise RegistryError(f"{self.host} calls {_joined(self.name, reference)} by no digest")
        if said and _DIGEST.fullmatch(reference) and said != reference:
            raise self._other_bytes(reference)
        if said:
            return said
        found = self.manifest_or_none(reference)  # not every registry says it without the manifest
        return found.digest if found else None

    def manifest(self, reference: str) -> ImageManifest:
        """The manifest of a tag or digest, held against the digest. Raises NoSuchImage, RegistryError."""
        found = self.manifest_or_none(reference)
        if found is None:
            raise NoSuchImage(f"there is no image {_joined(self.name, reference)}")
        return found

    def manifest_or_none(self, reference: str) -> ImageManifest | None:
        """The manifest of a tag or digest, or None where there is none. Raises RegistryError."""
        answer = self._manifest("GET", reference)
        if answer.status == _NOT_FOUND:
            return None
        self._require(answer, _OK, f"give {_joined(self.name, reference)}")
        media_type = answer.headers.get("Content-Type", "").partition(";")[0]
        found = ImageManifest(answer.content, media_type)
        if reference.startswith("sha256:") and found.digest != reference:
            raise self._other_bytes(reference)
        if not found.is_sound:
            raise RegistryError(f"{self.host} gave something else than a manifest of {self.name}")
        return found

    def blob(self, descriptor: Mapping[str, Any]) -> bytes:
        """A small blob, such as a configuration. Raises NoSuchImage, RegistryError."""
        if descriptor["size"] > LARGEST_MANIFEST:
            raise RegistryError(f"{self.host} has a configuration of {descriptor['size']:,} bytes")
        parts: list[bytes] = []
        self._fetch(descriptor, parts.append)
        return b"".join(parts)

    def fetch_blob(self, descriptor: Mapping[str, Any], path: Path) -> None:
        """Write a blob to a file that is there only if it is the right one. Raises RegistryError, OSError."""
        partial = path.with_name(f".{path.name}.partial")
        try:
            with partial.open("wb") as stream:
                self._fetch(descriptor, stream.write)
            partial.rename(path)
        finally:
            partial.unlink(missing_ok=True)

    def _fetch(self, descriptor: Mapping[str, Any], write: Callable[[bytes], Any]) -> None:
        """Hand on a blob; it is the right one if nothing is raised. Raises NoSuchImage, RegistryError."""
        sha256, digest = hashlib.sha256(), str(descriptor["digest"])

        def taken(part: bytes) -> None:
            sha256.update(part)
            write(part)

        try:
            address = f"{self._address}/blobs/{digest}"
            answer = self._connection.fetch(address, int(descriptor["size"]), taken)
        except Unanswered as reason:
            raise self._unreachable(reason) from None
        self._require(answer, _OK, f"give a blob of {self.name}")
        if f"sha256:{sha256.hexdigest()}" != digest:
            raise self._other_bytes(digest)

    def has_blob(self, digest: str) -> bool:
        """Whether a blob is here already. Raises RegistryError."""
        answer = self._ask("HEAD", f"{self._address}/blobs/{digest}")
        if answer.status in (_OK, _NOT_FOUND):
            return answer.status == _OK
        raise self._failed(answer, f"say what {self.name} has")

    def push_blob(self, blob: Blob) -> None:
        """Keep a blob, unless it is there. Raises RegistryError."""
        if self.has_blob(blob.digest):
            return
        begun = self._ask("POST", f"{self._address}/blobs/uploads/")
        self._require(begun, _ACCEPTED_LATER, f"take {self.name}")
        self._upload(begun, blob)

    def mount_blob(self, descriptor: Mapping[str, Any], source: Repository) -> None:
        """Have a blob of another repository here as well; it is sent only where the registry cannot do that.

        Raises RegistryError.
        """
        digest = str(descriptor["digest"])
        if self.has_blob(digest):
            return
        is_near = source.host == self.host
        question = {"mount": digest, "from": source.path} if is_near else {}
        begun = self._ask("POST", f"{self._address}/blobs/uploads/", params=question)
        if begun.status == _CREATED:
            return
        self._require(begun, _ACCEPTED_LATER, f"take {self.name}")
        with source.as_file(descriptor) as path:
            self._upload(begun, Blob(digest, path.stat().st_size, path))

    @contextmanager
    def as_file(self, descriptor: Mapping[str, Any]) -> Iterator[Path]:
        """A blob as a file that ends with the block. Raises RegistryError, OSError."""
        from tempfile import TemporaryDirectory

        with TemporaryDirectory(prefix="aimass-blob-") as folder:
            path = Path(folder) / "blob"
            self.fetch_blob(descriptor, path)
            yield path

    def push_manifest(self, manifest: ImageManifest, tag: str = "") -> None:
        """Keep a manifest by its digest, or by a tag, which never changes. Raises TagTaken, RegistryError."""
        known = self.digest(tag or manifest.digest)
        if known == manifest.digest:
            return
        if known is not None:
            message = f"{self.name}:{tag} is another image already ({known})"
            raise TagTaken(message, "tags are never moved: give the image another one")
        self._put(manifest, tag or manifest.digest)

    def push_referrer(self, manifest: ImageManifest) -> None:
        """Keep a manifest that refers to another, where other programs look for those. Raises RegistryError.

        A registry that knows referrers says so; in others a tag lists them, the only one that moves.
        Source: https://github.com/opencontainers/distribution-spec/blob/main/spec.md#referrers-tag-schema
        """
        answer = self._put(manifest, manifest.digest)
        if "OCI-Subject" in answer.headers:
            return
        tag = str(manifest.document["subject"]["digest"]).replace(":", "-")
        known = self.manifest_or_none(tag)
        entries = known.document.get("manifests", []) if known else []
        self._put(ImageManifest.of(index_of(listed_with(entries, manifest))), tag)

    def _put(self, manifest: ImageManifest, reference: str) -> RegistryAnswer:
        answer = self._ask(
            "PUT",
            f"{self._address}/manifests/{reference}",
            headers={"Content-Type": manifest.media_type},
            body=lambda: manifest.content,
        )
        self._require(answer, _CREATED, f"take {_joined(self.name, reference)}")
        return answer

    def _upload(self, begun: RegistryAnswer, blob: Blob) -> None:
        place = urljoin(begun.url, begun.headers.get("Location", ""))
        answer = self._ask(
            "PUT",
            place,
            params={"digest": blob.digest},
            headers={"Content-Type": "application/octet-stream"},
            body=lambda: blob.content if isinstance(blob.content, bytes) else blob.content.open("rb"),
            sent=blob.size,
        )
        self._require(answer, _CREATED, f"take {blob.size:,} bytes of {self.name}")

    def _manifest(self, method: str, reference: str) -> RegistryAnswer:
        accepted = {"Accept": ", ".join(ACCEPTED)}
        address = f"{self._address}/manifests/{reference}"
        return self._ask(method, address, headers=accepted, most=LARGEST_MANIFEST)

    def _ask(self, method: str, url: str, **more: Any) -> RegistryAnswer:
        try:
            return self._connection.ask(method, url, **more)
        except Unanswered as reason:
            raise self._unreachable(reason) from None

    def _require(self, answer: RegistryAnswer, status: int, act: str) -> None:
        if answer.status != status:
            raise self._failed(answer, act)

    def _failed(self, answer: RegistryAnswer, act: str) -> RegistryError:
        reason = _reason(answer)
        if answer.status in (_UNAUTHORIZED, _FORBIDDEN):
            hint = f"log in with `docker login {self.host}`, or set {VARIABLE_USER} and {VARIABLE_PASSWORD}"
            return RegistryRefuses(f"{self.host} refuses to {act}: {reason}", hint)
        kind = NoSuchImage if answer.status == _NOT_FOUND else RegistryError
        return kind(f"{self.host} did not {act}: {reason}")

    def _unreachable(self, error: Exception) -> RegistryError:
        reason = _CONNECTION.sub("", str(error))
        message = f"the registry {self.host} gives no answer: {_plain(reason)}"
        return RegistryError(message, "`images.registry` in aimass.yaml names it")

    def _other_bytes(self, digest: str) -> RegistryError:
        return RegistryError(f"{self.host} gave other bytes than {digest} of {self.name}")


def _joined(name: str, reference: str) -> str:
    return f"{name}{'@' if reference.startswith('sha256:') else ':'}{reference}"


def _reason(answer: RegistryAnswer) -> str:
    """What the registry says of its refusal; an answer to HEAD has no body."""
    try:
        errors = json.loads(answer.content)["errors"]
        said = "; ".join(str(each.get("message") or each.get("code")) for each in errors)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        said = f"{answer.status} {answer.reason}"
    later = answer.headers.get("Retry-After", "")
    return _plain(f"{said}; it wants to be asked again later: {later}" if later else said)


def _plain(text: str) -> str:
    """What a registry says, on one line and without what would move a terminal's cursor."""
    shown = "".join(letter if letter.isprintable() else " " for letter in text)
    return shown if len(shown) <= _REASON else f"{shown[:_REASON]}…"
