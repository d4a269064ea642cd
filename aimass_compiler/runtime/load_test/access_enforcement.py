"""The test of who may ask: the real server with the declared callers, made-up keys and small budgets.

Unknown callers must be refused, callers answered, and each of their budgets must end.
"""

from __future__ import annotations

import http.client
import json
import secrets
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aimass_compiler import access_folder, conventions
from aimass_compiler.pipeline.access_policy import policy_document
from aimass_compiler.programs.model_server import HOST, ServerError, running

if TYPE_CHECKING:
    from aimass_compiler.pipeline.access import Access, Caller, TokenIssuer
    from aimass_compiler.runtime.load_test.protocols import Request

#: What is left of each budget, so that it ends soon whatever it is.
_BUDGET = 2
#: More of them would show the same again.
_MOST_CALLERS = 20
_HOUR = 3600
_ANSWER_SECONDS = 60
_OK, _UNKNOWN, _LIMITED = 200, 401, 429
_KEY_ID = "test"


def access_faults(package: Path, access: Access, request: Request) -> list[str]:
    """What is wrong with who gets an answer to this request, in sentences; prints what was tried."""
    with tempfile.TemporaryDirectory(prefix="aimass-access-") as folder:
        callers = _MadeCallers(access, Path(folder))
        try:
            with running(package, {conventions.VARIABLE_ACCESS: folder}) as server:
                faults = [
                    *_unknown_callers(callers, request, server.port),
                    *_callers(callers, request, server.port),
                ]
        except (ServerError, OSError, http.client.HTTPException) as error:
            return [f"who may ask could not be tested: {error}"]
    tried = min(len(access.callers), _MOST_CALLERS)
    if not faults:
        print(
            f"unknown callers refused, {tried} callers known, their budgets end with {_LIMITED}", flush=True
        )
    return faults


class _MadeCallers:
    """The declared callers with keys of this test, and the folder that tells a server of them."""

    def __init__(self, access: Access, folder: Path) -> None:
        from cryptography.hazmat.primitives.asymmetric import ec

        self.access = access
        self._signing = ec.generate_private_key(ec.SECP256R1())
        self._credential = secrets.token_hex()
        self._keys = {name: secrets.token_hex() for name, each in access.callers.items() if each.has_key}
        _write(folder / access_folder.ACCESS_FILE, json.dumps(self._policy()))
        _write(folder / access_folder.ACCESS_CREDENTIAL, self._credential)
        for name, key in self._keys.items():
            _write(folder / access_folder.ACCESS_KEYS_FOLDER / name, key)
        for name in access.issuers:
            place = folder / access_folder.ACCESS_ISSUERS_FOLDER / name / access_folder.ACCESS_ISSUER_KEYS
            _write(place, self._public_keys())

    def _policy(self) -> dict[str, Any]:
        """The policy with budgets that end soon, and public keys that are not fetched."""
        document = policy_document(self.access, 1, "gateway")
        for caller in document["callers"].values():
            for limit in caller.get("limits", ()):
                small = {"count": _BUDGET} | (
                    {"seconds": _HOUR, "burst": _BUDGET} if "seconds" in limit else {}
                )
                limit.update(small)
        for issuer in document.get("issuers", {}).values():
            issuer.pop("keys", None)
        return document

    def _public_keys(self) -> str:
        from jwt.algorithms import ECAlgorithm

        public = ECAlgorithm.to_jwk(self._signing.public_key(), as_dict=True)
        return json.dumps({"keys": [{**public, "kid": _KEY_ID, "alg": "ES256"}]})

    def headers(self, name: str, caller: Caller) -> dict[str, str]:
        """What the caller sends to be known."""
        if caller.certificate is not None:
            return {
                access_folder.GATEWAY_HEADER: self._credential,
                "x-forwarded-client-cert": f"URI={caller.certificate}",
            }
        if caller.token is None:
            return {access_folder.KEY_HEADER: self._keys[name]}
        issuer = self.access.issuers[caller.token.issuer or next(iter(self.access.issuers))]
        return self.bearer(issuer, issuer.audience, caller.token.claims)

    def bearer(self, issuer: TokenIssuer, audience: str, claims: Mapping[str, str]) -> dict[str, str]:
        """A token of the issuer that is good for an hour."""
        import jwt

        said = {"iss": issuer.url, "aud": audience, "exp": time.time() + _HOUR, **claims}
        token = jwt.encode(said, self._signing, "ES256", {"kid": _KEY_ID})
        return {"authorization": f"Bearer {token}"}


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _unknown_callers(callers: _MadeCallers, request: Request, port: int) -> Iterator[str]:
    """Each way to have no right to an answer."""
    shown = {
        "nothing": {},
        "a key of no one": {access_folder.KEY_HEADER: secrets.token_hex()},
        "a certificate that no gateway vouches for": {
            "x-forwarded-client-cert": ",".join(
                f"URI={each.certificate}" for each in callers.access.callers.values() if each.certificate
            )
        },
    }
    for name, issuer in callers.access.issuers.items():
        token = callers.bearer(issuer, secrets.token_hex(), {})
        shown[f"a token of `{name}` for another audience"] = token
    for what, headers in shown.items():
        status, _ = _asked(request, headers, port)
        if status != _UNKNOWN:
            yield f"an unknown caller with {what} was answered {status}, not {_UNKNOWN}"


def _callers(callers: _MadeCallers, request: Request, port: int) -> Iterator[str]:
    """Each caller is known, and what it pays with ends."""
    for name, caller in list(callers.access.callers.items())[:_MOST_CALLERS]:
        headers, is_limited = callers.headers(name, caller), bool(caller.rate or caller.quota)
        found = [_asked(request, headers, port) for _ in range(_BUDGET + 1 if is_limited else 1)]
        if found[0][0] != _OK:
            yield f"the caller `{name}` was answered {found[0][0]}, not {_OK}"
        elif is_limited and (found[-1][0] != _LIMITED or not found[-1][1]):
            yield (
                f"the caller `{name}` was answered {found[-1][0]} beyond its budget, not {_LIMITED} with "
                "`Retry-After`"
            )


def _asked(request: Request, headers: Mapping[str, str], port: int) -> tuple[int, str | None]:
    """The status, and when to come again."""
    connection = http.client.HTTPConnection(HOST, port, timeout=_ANSWER_SECONDS)
    try:
        connection.request(request.method, request.path, request.body, {**request.headers, **headers})
        reply = connection.getresponse()
        reply.read()
        return reply.status, reply.getheader("retry-after")
    finally:
        connection.close()
