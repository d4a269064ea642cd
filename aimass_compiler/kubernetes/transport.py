"""HTTP to an API server: who asks, by which certificates, and what is tried again."""

from __future__ import annotations

import base64
import json
import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from aimass_compiler.kubernetes.failures import ClusterError, Unreachable, failure, is_unknown_field
from aimass_compiler.version import __version__

if TYPE_CHECKING:
    from kubernetes.client import Configuration
    from urllib3 import BaseHTTPResponse, PoolManager
    from urllib3.util.retry import Retry

Report = Callable[[str], None]

#: How many requests are under way at once, each on a connection that is kept.
AT_ONCE = 16
_CONNECT_SECONDS = 10
_READ_SECONDS = 40
#: A URL at which nothing has answered yet may be a wrong one. (About seven seconds.)
_FIRST_TRIES = 5
#: An API server that is restarted is away for some seconds, or half a minute.
_PATIENT_TRIES = 12
_READ_TRIES = 4
_STATUS_TRIES = 6
_BACK_OFF = 0.25
_LONGEST_PAUSE = 5
_LONGEST_RETRY_AFTER = 30
#: Told once in so many seconds, however many requests wait.
_REPORT_SECONDS = 5
_TRANSIENT = frozenset({429, 500, 502, 503, 504})
_FIRST_FAILURE = 300
_UNAUTHORIZED = 401
_KUBECONFIG = "~/.kube/config"


@dataclass(frozen=True)
class ApiResponse:
    """A success of the API server."""

    code: int
    document: dict[str, Any]


class Transport:
    """A pool of connections to one API server; threads may share it."""

    def __init__(self, configuration: Configuration, log_in: Callable[[], None], report: Report) -> None:
        from kubernetes.client import ApiClient

        self._log_in = log_in
        self._logging_in = threading.Lock()
        self.address = str(configuration.host).rstrip("/")
        configuration.connection_pool_maxsize = AT_ONCE
        self._configuration = configuration
        self._pool: PoolManager = ApiClient(configuration).rest_client.pool_manager
        self._patience = _patience(_FIRST_TRIES, report)
        self._report = report
        self._has_answered = False
        self.clock_ahead = timedelta()
        """How far the API server's clock is ahead of ours, to the second, as of its last answer."""

    def request(
        self,
        method: str,
        path: str,
        *,
        about: str,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> ApiResponse:
        """What the API server answers about `about`, which messages name.

        Connection errors, timeouts, 429 and 5xx are tried again with pauses: everything that we ask may be
        asked twice. Raises ClusterError.
        """
        url = f"{self.address}{path}" + (f"?{urlencode(query)}" if query else "")
        content = None if body is None else json.dumps(body).encode()
        headers = {
            "User-Agent": f"aimass-compile/{__version__}",
            "Accept": "application/json",
            **(headers or {}),
        }
        token = self._token()
        answer = self._answer(method, url, content, headers, token)
        if answer.status == _UNAUTHORIZED and (renewed := self._renewed(token)):
            answer = self._answer(method, url, content, headers, renewed)
        if not self._has_answered:
            self._has_answered, self._patience = True, _patience(_PATIENT_TRIES, self._report)
        return self._understood(answer, about)

    def _answer(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str], token: str
    ) -> BaseHTTPResponse:
        import urllib3

        try:
            return self._pool.request(
                method,
                url,
                body=body,
                headers={**headers, "Authorization": token} if token else headers,
                timeout=urllib3.Timeout(connect=_CONNECT_SECONDS, read=_READ_SECONDS),
                retries=self._patience,
            )
        except urllib3.exceptions.HTTPError as error:
            raise self._unreachable(error) from None

    def _renewed(self, refused: str) -> str:
        """Another token than the one that was refused, if logging in again gives one.

        GitHub's tokens live for minutes, and a plugin need not tell for how long.
        """
        with self._logging_in:
            if self._token() == refused:  # no other thread was faster
                self._log_in()
            token = self._token()
        return token if token != refused else ""

    def _token(self) -> str:
        """The token, renewed where the kubeconfig says how."""
        found = self._configuration.auth_settings().get("BearerToken")
        return str(found["value"] or "") if found else ""

    def _understood(self, answer: BaseHTTPResponse, about: str) -> ApiResponse:
        try:
            document = json.loads(answer.data)
        except ValueError:
            document = {"message": answer.data.decode(errors="replace").strip()[:500]}
        if answer.status == _UNAUTHORIZED:
            raise self._unknown()
        if answer.status >= _FIRST_FAILURE:
            raise failure(answer.status, document if isinstance(document, dict) else {}, about)
        if dated := answer.headers.get("Date"):
            self.clock_ahead = parsedate_to_datetime(dated) - datetime.now(tz=UTC)
        return ApiResponse(answer.status, document)

    def _unknown(self) -> Unreachable:
        """The API server does not know who asks; a token that tells when it expires says why."""
        way = "log in again, or look at the user in your kubeconfig"
        expired = _expiry(self._token())
        if expired is not None and expired < datetime.now(tz=UTC):
            return Unreachable(
                f"{self.address} does not accept the token (401): it expired at {expired:%Y-%m-%d %H:%M} UTC",
                way,
            )
        sort = "the token: it is wrong or has expired" if self._token() else "us: there is no token"
        return Unreachable(f"{self.address} does not accept {sort} (401)", way)

    def _unreachable(self, error: Exception) -> Unreachable:
        reason = getattr(error, "reason", None) or error
        message = _in_words(reason)
        if "certificate" in message:
            return Unreachable(
                f"{self.address} shows a certificate that is not trusted: {message}",
                "the kubeconfig's certificate-authority must be the cluster's",
            )
        return Unreachable(
            f"{self.address} cannot be reached: {message}",
            "see whether the cluster runs, and --context names it",
        )


def transport(kubeconfig: Path | None, context: str | None, report: Report) -> Transport:
    """The way to the cluster of a kubeconfig's context, or to the one that this runs in.

    Raises ClusterError where nothing says which cluster, or a plugin gives no credentials.
    """
    try:
        from kubernetes.client import Configuration
    except ModuleNotFoundError as error:
        raise ClusterError(
            f"{error.name} is not installed", "`pip install 'aimass-compiler[cluster]'` brings it"
        ) from None
    logging.getLogger("urllib3").setLevel(logging.CRITICAL)  # what it would warn of is told in other words
    configuration = Configuration()

    def log_in() -> None:
        _log_in(configuration, kubeconfig, context)

    log_in()
    return Transport(configuration, log_in, report)


def _log_in(configuration: Configuration, kubeconfig: Path | None, context: str | None) -> None:
    """Set address, certificates and a token that is as new as can be. Raises ClusterError."""
    from kubernetes.config import ConfigException, load_incluster_config, load_kube_config

    place = str(kubeconfig) if kubeconfig else os.environ.get("KUBECONFIG") or _KUBECONFIG
    is_there = any(Path(part).expanduser().is_file() for part in place.split(os.pathsep) if part)
    with _Complaints() as complaints:
        try:
            if not is_there and kubeconfig is None and "KUBERNETES_SERVICE_HOST" in os.environ:
                load_incluster_config(configuration)  # type: ignore[no-untyped-call]  # it has no types
            elif not is_there:
                raise ClusterError(
                    f"there is no kubeconfig {place}", "--kubeconfig or KUBECONFIG says where one is"
                )
            else:
                load_kube_config(place, context, configuration)  # type: ignore[no-untyped-call]  # as above
        except (ConfigException, OSError, ValueError) as error:
            raise ClusterError(f"the kubeconfig {place} cannot be used: {error}") from None
    if complaints.messages:  # the package only logs that a plugin failed, and goes on as nobody
        raise Unreachable(f"the login of {place} failed: {complaints.messages[0]}", "log in again")


class _Complaints(logging.Handler):
    """What is logged as an error within a block."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())

    def __enter__(self) -> _Complaints:
        logging.getLogger().addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger().removeHandler(self)


def _patience(tries: int, report: Report) -> Retry:
    """How often and after which pauses something is tried again; a wait that lasts is told."""
    from urllib3.exceptions import MaxRetryError
    from urllib3.util.retry import Retry

    lock = threading.Lock()
    next_report = [time.monotonic() + 1]

    def report_wait(reason: str) -> None:
        with lock:
            if time.monotonic() < next_report[0]:
                return
            next_report[0] = time.monotonic() + _REPORT_SECONDS
        report(f"waiting for the API server: {reason}")

    class Patient(Retry):
        def increment(self, *arguments: Any, **named: Any) -> Patient:
            response, error = named.get("response"), named.get("error")
            if response is not None and is_unknown_field(response.data.decode(errors="replace")):
                raise MaxRetryError(None, None)  # type: ignore[arg-type]  # only its kind counts: it is no error
            after = super().increment(*arguments, **named)
            report_wait(f"it answered {response.status}" if response is not None else _in_words(error))
            return after

        def get_retry_after(self, response: BaseHTTPResponse) -> float | None:
            asked = super().get_retry_after(response)
            return None if asked is None else min(asked, _LONGEST_RETRY_AFTER)

    return Patient(
        total=tries,
        read=_READ_TRIES,
        status=_STATUS_TRIES,
        redirect=0,
        allowed_methods=None,
        status_forcelist=_TRANSIENT,
        backoff_factor=_BACK_OFF,
        backoff_max=_LONGEST_PAUSE,
        backoff_jitter=_BACK_OFF,
        raise_on_status=False,
        raise_on_redirect=False,
    )


def _in_words(error: object) -> str:
    """The reason at the bottom of an error of urllib3."""
    text = str(error)
    for known, message in (
        ("Connection refused", "connection refused"),
        ("Name or service not known", "there is no such host"),
        ("Temporary failure in name resolution", "its name cannot be resolved"),
        ("No route to host", "there is no way to it"),
        ("timed out", "it does not answer in time"),
        ("Remote end closed connection", "it closed the connection"),
        ("Connection reset by peer", "it closed the connection"),
        ("Connection aborted", "it closed the connection"),
    ):
        if known in text:
            return message
    return text


def _expiry(token: str) -> datetime | None:
    """When a JSON Web Token expires (RFC 7519); None where it does not tell, or is none."""
    parts = token.rpartition(" ")[2].split(".")
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        return datetime.fromtimestamp(claims["exp"], tz=UTC)
    except (IndexError, ValueError, KeyError, TypeError):
        return None
