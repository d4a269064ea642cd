"""Requests that show whether a deployed model refuses strangers and limits callers, sent to its address."""

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
#: From this status on nothing is known of whether the request was let in.
_SERVER_FAULTS = 500
_UNREACHED = "the servers were not reached, so that nothing is known"
_CERTIFICATE = "x-forwarded-client-cert"


class NotAsked(HintedError):  # noqa: N818  # what happened, not an error of ours
    """The address cannot be asked; the message says why."""


@dataclass(frozen=True)
class ProbeAnswer:
    """What came back."""

    status: int
    retry_after: str | None


@dataclass(frozen=True)
class Address:
    """Where a model answers predictions; what is sent has a body that is never read of a stranger."""

    url: str
    path: str

    def ask(self, headers: Mapping[str, str]) -> ProbeAnswer:
        """Send one request, on a new connection. Raises NotAsked."""
        parts = urlsplit(self.url)
        connect = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = connect(parts.netloc, timeout=_ANSWER_SECONDS)
        sent = {"content-type": "application/json", **headers}
        try:
            connection.request("POST", parts.path.rstrip("/") + self.path, b"{}", sent)
            reply = connection.getresponse()
            reply.read()
            return ProbeAnswer(reply.status, reply.getheader("retry-after"))
        except ssl.SSLCertVerificationError as error:
            hint = "name a file of trusted certificates in the variable SSL_CERT_FILE"
            raise NotAsked(
                f"{self.url} has a certificate that is not trusted: {error.reason}", hint
            ) from error
        except (OSError, http.client.HTTPException) as error:
            raise NotAsked(f"{self.url} does not answer: {error}") from error
        finally:
            connection.close()


def address_of(url: str, serving: Serving) -> Address:
    """Where predictions of a model are asked for, at a URL."""
    return Address(url, conventions.PREDICT_PATH if serving.context is None else conventions.CHAT_PATH)


def strangers(access: Access) -> Iterator[tuple[str, dict[str, str]]]:
    """Everything that one who is no caller could send: in words, and as headers."""
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
            yield "the same as if the gateway had sent it", {**forged, access_folder.GATEWAY_HEADER: invented}
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
    if status >= _SERVER_FAULTS:
        return _UNREACHED
    return "a stranger is let in"


@dataclass(frozen=True)
class CallerUsage:
    """What a caller got."""

    admitted: int
    """How many requests were let in."""
    last: ProbeAnswer

    @property
    def is_limited(self) -> bool:
        """Whether its budget has ended."""
        return self.last.status == _LIMITED

    def fault(self, *, is_to_end: bool) -> str:
        """What is wrong with it, if anything; a budget may have to end."""
        if self.last.status in _REFUSED:
            return "a caller is refused"
        if self.last.status >= _SERVER_FAULTS:
            return _UNREACHED
        if self.is_limited:
            return "" if self.last.retry_after else "the answer does not say when to come again"
        return f"its budget has not ended after {self.admitted} requests" if is_to_end else ""


def spend(address: Address, headers: Mapping[str, str], most: int) -> CallerUsage:
    """Ask as a caller until a budget has ended, but no more often than `most`. Raises NotAsked."""
    for admitted in range(most):
        answer = address.ask(headers)
        if answer.status in (_LIMITED, *_REFUSED) or answer.status >= _SERVER_FAULTS:
            return CallerUsage(admitted, answer)
    return CallerUsage(most, answer)
