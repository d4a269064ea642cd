"""Whose token (JWT) it is: signed by a known issuer, made for this model, and not expired.

Source: RFC 7519, RFC 8725 (best current practices).
"""

from __future__ import annotations

import hashlib
import threading
import time
import urllib.request
from functools import partial
from typing import TYPE_CHECKING, Any

from aimass_compiler.access_folder import ACCESS_ISSUER_KEYS, CLAIMS_OF_WORDS
from aimass_compiler.runtime.server.response import RequestError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from jwt import PyJWKSet

    from aimass_compiler.runtime.server.access.caller_policy import Issuer, TokenClaims

#: None that takes a shared secret: whoever verifies such a token could make one.
_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
#: Clocks of issuers and servers differ by so much.
_LEEWAY_SECONDS = 30
_MOST_KNOWN = 4096
_LARGEST_TOKEN = 8192
_FETCH_SECONDS = 10
_LARGEST_KEYS = 1 << 20
#: Keys are fetched again after so long, and for a key that is not known, after so short a time.
_FRESH_SECONDS = 300.0
_PAUSE_SECONDS = 10.0
_FORBIDDEN = "the token is good, but it belongs to no caller of this model"


def refused(message: str) -> RequestError:
    """Why a token is not believed (401)."""
    description = message.replace('"', "'")
    challenge = b'Bearer error="invalid_token", error_description="%s"' % description.encode(
        "ascii", "replace"
    )
    return RequestError(401, message, headers=((b"www-authenticate", challenge),))


class IssuerKeys:
    """The public keys of one issuer: of a file, or fetched on a thread and kept where that fails."""

    def __init__(self, issuer: Issuer, file: Path, log: Callable[[str], None]) -> None:
        self._url = issuer.keys
        self._log = log
        self._fetched = -_FRESH_SECONDS
        self._fetching = threading.Lock()
        self.found: PyJWKSet | None = None
        if self._url:
            self.refresh(is_urgent=True)
        else:
            self._take(file.read_bytes)

    def refresh(self, *, is_urgent: bool = False) -> None:
        """Fetch them again where it is time to, without waiting for it."""
        age = time.monotonic() - self._fetched
        if self._url and age >= (_PAUSE_SECONDS if is_urgent else _FRESH_SECONDS):
            self._fetched = time.monotonic()
            threading.Thread(target=self._fetch, daemon=True, name="issuer-keys").start()

    def _fetch(self) -> None:
        with self._fetching:
            self._take(self._download)

    def _download(self) -> bytes:
        with urllib.request.urlopen(self._url, timeout=_FETCH_SECONDS) as answer:  # noqa: S310  # https, as the spec holds
            content: bytes = answer.read(_LARGEST_KEYS)
        return content

    def _take(self, read: Callable[[], bytes]) -> None:
        from jwt import PyJWKSet, PyJWTError

        try:
            self.found = PyJWKSet.from_json(read().decode())
        except (OSError, ValueError, PyJWTError) as error:
            self._log(f"{type(error).__name__}: {error}")


class CallerTokens:
    """Finds whose token it is; one that was verified is known until it expires."""

    def __init__(self, issuers: Mapping[str, Issuer], folder: Path, log: Callable[[str, str], None]) -> None:
        """Read or fetch the keys of all issuers."""
        self._issuers = {issuer.url: issuer for issuer in issuers.values()}
        self._keys = {
            issuer.url: IssuerKeys(issuer, folder / name / ACCESS_ISSUER_KEYS, partial(log, name))
            for name, issuer in issuers.items()
        }
        self._known: dict[bytes, tuple[str, float]] = {}

    def caller_of(self, token: bytes, wall: float) -> str:
        """Whose token it is; raises RequestError (401, 403, 503) where it is no caller's."""
        digest = hashlib.sha256(token).digest()
        caller, until = self._known.get(digest, ("", 0.0))
        if wall < until:
            return caller
        caller, until = self._verified(token)
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._known[digest] = caller, until
        return caller

    def _verified(self, token: bytes) -> tuple[str, float]:
        import jwt

        if len(token) > _LARGEST_TOKEN:
            raise refused(f"the token is longer than {_LARGEST_TOKEN} bytes")
        try:
            unverified = jwt.decode_complete(token, options={"verify_signature": False})
            issuer = self._issuers.get(str(unverified["payload"].get("iss")))
            if issuer is None:
                raise refused("the token is of an issuer that is not known here")
            claims = jwt.decode(
                token,
                self._key(issuer, unverified["header"]),
                algorithms=_ALGORITHMS,
                audience=issuer.audience,
                issuer=issuer.url,
                leeway=_LEEWAY_SECONDS,
                options={"require": ["exp", "iss", "aud"]},
            )
        except jwt.PyJWTError as error:
            raise refused(f"the token is not valid: {error}"[:200]) from error
        found = next((each for each in issuer.callers if _says(claims, each)), None)
        if found is None:
            raise RequestError(403, _FORBIDDEN)
        return found.caller, float(claims["exp"]) + _LEEWAY_SECONDS

    def _key(self, issuer: Issuer, header: Mapping[str, Any]) -> Any:
        keys = self._keys[issuer.url]
        keys.refresh()
        if keys.found is None:
            keys.refresh(is_urgent=True)
            message = "the keys of the token's issuer could not be had yet; try again"
            raise RequestError(503, message, retry_after_seconds=int(_PAUSE_SECONDS))
        named = [key for key in keys.found.keys if header.get("kid") in (None, key.key_id)]
        if len(named) != 1:
            keys.refresh(is_urgent=True)
            raise refused("the token names no key of its issuer")
        return named[0]


def _says(claims: Mapping[str, Any], wanted: TokenClaims) -> bool:
    return all(_has(name, claims.get(name), value) for name, value in wanted.claims.items())


def _has(name: str, claim: Any, value: str) -> bool:
    """A list of texts has any of its texts, a scope any of its words; other texts are one, spaces and all."""
    if isinstance(claim, str):
        return value in claim.split() if name in CLAIMS_OF_WORDS else claim == value
    return isinstance(claim, list) and value in claim
