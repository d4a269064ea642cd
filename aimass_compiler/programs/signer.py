"""Who signs: a private key, or the identity that a workflow has; and what a transparency log records."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from aimass_compiler.diagnostics import HintedError
from aimass_compiler.programs import cosign

#: Instead of a file: the variable that holds the key, as cosign writes it.
_VARIABLE = "env://"
_MAKE = "`openssl ecparam -name prime256v1 -genkey -noout -out sign.pem` makes one"
_ENCRYPTED = (b"ENCRYPTED", b"Proc-Type: 4,ENCRYPTED")


class NotSigned(HintedError):  # noqa: N818  # it reads as what is the case
    """What should be signed was not; the message says why."""


@dataclass(frozen=True)
class Signer:
    """What signs, until the block of `signing` ends."""

    folder: Path
    """A folder of its own, which only its owner may read."""
    key: Path | None
    """The private key in PEM; None where the identity of the workflow signs."""
    how: tuple[str, ...]
    """The options of cosign about key and services."""
    legacy: tuple[str, ...] = ()
    """The options for a second signature of images, in the form of before bundles; none where no one reads
    it."""

    def signed_statement(self, statement: Mapping[str, Any]) -> bytes:
        """The bundle that an in-toto statement becomes. Raises CosignError."""
        path = self.folder / "statement.json"
        path.write_text(json.dumps(statement, sort_keys=True, ensure_ascii=False), encoding="utf-8")
        return cosign.signed_statement(path, self.how, self.folder)

    def sign_image(self, reference: str) -> None:
        """Sign an image of a registry, in each form that someone reads. Raises CosignError."""
        for how in (self.how, *([self.legacy] if self.legacy else [])):
            cosign.sign_image(reference, how, self.folder)


@contextmanager
def signing(key: str, *, uses_log: bool, is_legacy: bool = False) -> Iterator[Signer]:
    """Who signs: a file with a private key, `env://VARIABLE`, or nothing, which is the workflow's identity.

    Whether a signature by key is told to the public log is `uses_log`; one by identity always is. With
    `is_legacy` images get one by key in the form of before bundles, too.
    Raises NotSigned and CosignError.
    """
    with TemporaryDirectory(prefix="aimass-signing-") as name:
        folder = Path(name)
        if not key:
            yield Signer(folder, None, ())
            return
        private = _private_key(key, folder)
        services = [] if uses_log else ["--signing-config", str(cosign.no_services(folder))]
        imported = ("--key", str(cosign.import_key(private, folder)))
        to_log = f"--tlog-upload={str(uses_log).lower()}"
        legacy = (*imported, cosign.LEGACY, "--use-signing-config=false", to_log) if is_legacy else ()
        yield Signer(folder, private, (*imported, *services), legacy)


def _private_key(key: str, folder: Path) -> Path:
    """The key in a file that only its owner may read. Raises NotSigned."""
    content = _content(key)
    if any(word in content for word in _ENCRYPTED):
        raise NotSigned(f"the key in {key} has a password, and there is no one to type it", _MAKE)
    if b"PRIVATE KEY-----" not in content:
        raise NotSigned(f"{key} is no private key in PEM", _MAKE)
    path = folder / "private.pem"
    path.touch(mode=0o600)
    path.write_bytes(content)
    return path


def _content(key: str) -> bytes:
    if key.startswith(_VARIABLE):
        name = key.removeprefix(_VARIABLE)
        found = os.environ.get(name, "")
        if not found:
            raise NotSigned(f"the variable {name}, which should hold the private key, is not set")
        return found.encode() + b"\n"
    try:
        return Path(key).read_bytes()
    except OSError as error:
        raise NotSigned(f"the private key {key} cannot be read: {error.strerror}", _MAKE) from None
