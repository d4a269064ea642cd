"""Whoever may not ask a deployed model is refused there, and a caller is limited: asked at its address."""

from __future__ import annotations

import base64
import http.client
import json
import secrets
import ssl
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from aimass_compiler import access_folder, conventions
from aimass_compiler.diagnostics import HintedError
from aimass_compiler.pipeline.access import Access
from aimass_compiler.pipeline.serving import Serving

_ANSWER_SECONDS = 30
_HOUR = 3600
_REFUSED, _LIMITED = (401, 403), 429
_NO_ROUTE = 404
#: From this status on it is no answer to who asks.
SERVER_FAULTS = 500
_CERTIFICATE = "x-forwarded-client-cert"


class NotAsked(HintedError):  # noqa: N818  # what happened, not an error of ours
    """The address cannot be asked; the message says why."""


@dataclass(frozen=True)
class Said:
    """What came back."""

    status: int
    retry_after: str | None


@dataclass(frozen=True)
class Address:
    """Where a model answers, and what is asked there: a body that no server gets to read of a stranger."""

    url: str
    path: str

    def ask(self, headers: Mapping[str, str]) -> Said:
        """One request on a connection of its own. Raises NotAsked."""
        parts = urlsplit(self.url)
        connect = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = connect(parts.netloc, timeout=_ANSWER_SECONDS)
        sent = {"content-type": "application/json", **headers}
        try:
            connection.request("POST", parts.path.rstrip("/") + self.path, b"{}", sent)
            reply = connection.getresponse()
            reply.read()
            return Said(reply.status, reply.getheader("retry-after"))
        except ssl.SSLCertVerificationError as error:
            hint = "name the file of whom to believe in the variable SSL_CERT_FILE"
            raise NotAsked(
                f"{self.url} has a certificate that is not believed: {error.reason}", hint
            ) from error
        except (OSError, http.client.HTTPException) as error:
            raise NotAsked(f"{self.url} does not answer: {error}") from error
        finally:
            connection.close()


def address_of(url: str, serving: Serving) -> Address:
    """Where predictions of a model are asked for, at a URL."""
    return Address(url, conventions.PREDICT_PATH if serving.context is None else conventions.CHAT_PATH)


def strangers(access: Access) -> Iterator[tuple[str, dict[str, str]]]:
    """Everything that somebody who is no caller could send: in words, and as headers."""
    invented = secrets.token_hex()
    yield "nothing", {}
    yield "an invented key", {access_folder.KEY_HEADER: invented}
    yield "an invented key as a bearer", {"authorization": f"Bearer {invented}"}
    yield "the name of a caller instead of a key", {access_folder.KEY_HEADER: next(iter(access.callers))}
    for caller in access.callers.values():
        if caller.token is not None:
            issuer = access.issuers[caller.token.issuer or next(iter(access.issuers))]
            claims = {"iss": issuer.url, "aud": issuer.audience, **caller.token.claims}
            for what, token in _tokens(claims):
                yield what, {"authorization": f"Bearer {token}"}
            break
    for caller in access.callers.values():
        if caller.certificate is not None:
            forged = {_CERTIFICATE: f"URI={caller.certificate}"}
            yield "the certificate of a caller as a header", forged
            yield (
                "the same as if the gateway had sent it",
                {
                    **forged,
                    access_folder.GATEWAY_HEADER: invented,
                },
            )
            break


def _tokens(claims: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """A token of a caller but for its signature. Source: RFC 8725, 2.1 and 3.1"""
    payload = _part({**claims, "sub": "stranger", "exp": int(time.time()) + _HOUR})
    signature = base64.urlsafe_b64encode(secrets.token_bytes(64)).rstrip(b"=").decode()
    yield "a caller's token with an invented signature", f"{_part({'alg': 'ES256'})}.{payload}.{signature}"
    yield "a caller's token without a signature", f"{_part({'alg': 'none'})}.{payload}."


def _part(document: Mapping[str, object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).rstrip(b"=").decode()


def faults_of_strangers(address: Address, access: Access) -> Iterator[tuple[str, int, str]]:
    """What each stranger sent, the status that it got, and what is wrong with it, if anything."""
    for what, headers in strangers(access):
        status = address.ask(headers).status
        yield what, status, "" if status in _REFUSED else _fault(status)


def _fault(status: int) -> str:
    if status == _NO_ROUTE:
        return "no model answers there: is it the host of its route?"
    if status >= SERVER_FAULTS:
        return "the servers were not reached, so that nothing is known"
    return "a stranger is let in"


@dataclass(frozen=True)
class Spent:
    """What a caller got."""

    admitted: int
    """How many requests were let in."""
    last: Said


def spend(address: Address, headers: Mapping[str, str], most: int) -> Spent:
    """Ask as a caller until a budget has ended, but no more often than `most`. Raises NotAsked."""
    for admitted in range(most):
        said = address.ask(headers)
        if said.status == _LIMITED or said.status in _REFUSED or said.status >= SERVER_FAULTS:
            return Spent(admitted, said)
    return Spent(most, said)
