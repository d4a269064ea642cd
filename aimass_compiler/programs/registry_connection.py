"""Requests to a registry of images that end: within a time and a size, and with credentials for it alone.

Whatever answers may be slow, broken or hostile. So each request has a deadline for all of it, a body is read
up to what was expected, and what a redirect or a `Location` leads to is shown no credentials and may not ask
for them. Names and credentials are those of the library `oras`, which has no such bounds (oras 0.2.43).
"""

from __future__ import annotations

import io
import ipaddress
import json
import os
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urljoin, urlsplit

if TYPE_CHECKING:
    import requests

VARIABLE_USER = "REGISTRY_USER"
VARIABLE_PASSWORD = "REGISTRY_PASSWORD"  # noqa: S105  # the name of a variable
_VARIABLE_CONFIG = "DOCKER_CONFIG"
#: Where Docker Hub answers, and the name that its credentials have.
_HUB, _HUB_API, _HUB_LOGIN = "docker.io", "registry-1.docker.io", "https://index.docker.io/v1/"
#: In seconds: for a connection, for silence, for all of a request, and for what a registry wants to wait.
_CONNECT, _SILENCE, _DEADLINE, _RETRY_AFTER = 10, 60, 300, 10
#: In bytes a second: what is slower counts as not answering.
_SLOWEST = 64 << 10
_TRIES, _REDIRECTS = 3, 5
_CHUNK = 1 << 20
#: The most that is read of a refusal or a token, and of a manifest: registries take no larger ones.
#: Source: https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pushing-manifests
_SMALL = 64 << 10
LARGEST_MANIFEST = 4 << 20
_OK, _UNAUTHORIZED = 200, 401
T = TypeVar("T")


class Unanswered(Exception):  # noqa: N818  # it reads as what is the case
    """There is no answer that can be used; the message says why."""


@dataclass(frozen=True)
class RegistryAnswer:
    """What a registry answered, with all that was read of it."""

    status: int
    reason: str
    headers: Mapping[str, str]
    url: str
    content: bytes = b""


class RegistryConnection:
    """What asks one registry, and shows it who asks."""

    def __init__(self, host: str, home: str) -> None:
        """Ask nothing yet. Raises ImportError where the library that speaks to registries is not here.

        `home` is the registry of aimass.yaml: only its host is given REGISTRY_USER and REGISTRY_PASSWORD.
        """
        self._session = _session()
        self._auth = _credentials(host, self._session, home)
        self._authorization = ""
        self._is_here = is_loopback(host)
        self.address = f"{'http' if self._is_here else 'https'}://{_HUB_API if host == _HUB else host}"

    def ask(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: Callable[[], Any] | None = None,
        sent: int = 0,
        most: int = _SMALL,
    ) -> RegistryAnswer:
        """The answer with a body of at most `most` bytes; `sent` is how many are sent. Raises Unanswered."""

        def asked(is_over: threading.Event) -> RegistryAnswer:
            with closing(self._response(method, url, params, headers, body)) as response:
                if response.status_code != _OK:
                    return _answer(response, _content(response, _SMALL))
                content = _content(response, most + 1, is_over)
                if len(content) > most:
                    raise Unanswered(f"it answered with more than {most:,} bytes")
                return _answer(response, content)

        return _within(_DEADLINE + sent / _SLOWEST, asked)

    def fetch(self, url: str, size: int, write: Callable[[bytes], Any]) -> RegistryAnswer:
        """Hand exactly `size` bytes on, part by part, unless the answer is a refusal. Raises Unanswered."""

        def fetched(is_over: threading.Event) -> RegistryAnswer:
            with closing(self._response("GET", url)) as response:
                if response.status_code != _OK:
                    return _answer(response, _content(response, _SMALL))
                taken = 0
                for part in response.iter_content(_CHUNK):
                    taken += len(part)
                    if taken > size or is_over.is_set():
                        break
                    write(part)
                if taken != size:
                    many = "more" if taken > size else f"only {taken:,}"
                    raise Unanswered(f"it gave {many} of {size:,} bytes")
                return _answer(response)

        return _within(_DEADLINE + size / _SLOWEST, fetched)

    def _response(
        self,
        method: str,
        url: str,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: Callable[[], Any] | None = None,
    ) -> requests.Response:
        """The response; where the registry asks who this is, to the same request with what it wants."""

        def sent() -> requests.Response:
            shown = {"Authorization": self._authorization} if self._is_own(url) else {}
            content = body() if body else None
            try:
                return self._session.request(
                    method,
                    url,
                    params=params,
                    headers={**(headers or {}), **{name: value for name, value in shown.items() if value}},
                    data=content,
                    stream=True,
                    timeout=(_CONNECT, _DEADLINE if body else _SILENCE),
                )
            finally:
                if isinstance(content, io.IOBase):
                    content.close()

        response = sent()
        if response.status_code != _UNAUTHORIZED or not self._is_own(response.url):
            return response
        self._authorization = self._answer_to(response.headers.get("WWW-Authenticate", ""))
        if not self._authorization:
            return response
        response.close()
        return sent()

    def _is_own(self, url: str) -> bool:
        """Whether an address is the registry's, and not one that it refers to."""
        own, other = urlsplit(self.address), urlsplit(url)
        return (own.scheme, own.hostname, own.port) == (other.scheme, other.hostname, other.port)

    def _answer_to(self, challenge: str) -> str:
        """What a registry that asks who this is will take: a name and password, or a token that they buy.

        Source: https://distribution.github.io/distribution/spec/auth/token/
        """
        from oras.auth.utils import parse_auth_header

        basic: str = getattr(self._auth, "_basic_auth", "")
        if challenge.lower().startswith("basic"):
            return f"Basic {basic}" if basic else ""
        asked = parse_auth_header(challenge)
        if not asked.realm:
            return ""
        realm = urljoin(self.address, asked.realm)
        if urlsplit(realm).scheme != "https" and not self._is_here:
            raise Unanswered(f"it wants credentials to be shown to {realm}, without TLS")
        given = {"service": asked.service, "scope": asked.scope}
        token = self._token(realm, {name: value for name, value in given.items() if value}, basic)
        return f"Bearer {token}" if token else ""

    def _token(self, realm: str, params: Mapping[str, str], basic: str) -> str:
        headers = {"Accept": "application/json", **({"Authorization": f"Basic {basic}"} if basic else {})}
        waiting = (_CONNECT, _SILENCE)
        with closing(
            self._session.get(realm, params=params, headers=headers, stream=True, timeout=waiting)
        ) as response:
            if response.status_code != _OK:
                return ""
            content = _content(response, _SMALL)
        try:
            found = json.loads(content)
            token = found.get("token") or found.get("access_token") or ""
        except (ValueError, AttributeError, RecursionError):
            raise Unanswered(f"{realm} gives no token, but something else than JSON") from None
        if not isinstance(token, str) or not token.isascii() or not token.isprintable():
            raise Unanswered(f"{realm} gives a token that is none")
        return token


def _within(seconds: float, act: Callable[[threading.Event], T]) -> T:
    """What an act answers in so many seconds. Raises Unanswered.

    On a thread of its own, because no library bounds the time of names, of connections, of headers that come
    byte by byte and of what is tried again; `act` learns from its event when nobody waits for it any more.
    """
    done: Future[T] = Future()
    is_over = threading.Event()

    def run() -> None:
        try:
            done.set_result(act(is_over))
        except BaseException as error:  # noqa: BLE001  # it is raised where it is waited for
            done.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    try:
        return done.result(seconds)
    except Unanswered:
        raise
    except TimeoutError:
        raise Unanswered(f"it did not answer within {seconds:.0f} s") from None
    except Exception as error:
        import requests
        import urllib3

        if isinstance(error, requests.RequestException | urllib3.exceptions.HTTPError | ValueError):
            raise Unanswered(_innermost(error)) from None
        raise
    finally:
        is_over.set()


def _content(response: requests.Response, most: int, is_over: threading.Event | None = None) -> bytes:
    """The first bytes of a body, at most so many."""
    content = bytearray()
    for part in response.iter_content(_SMALL):
        content += part
        if len(content) >= most or (is_over is not None and is_over.is_set()):
            break
    return bytes(content[:most])


def _answer(response: requests.Response, content: bytes = b"") -> RegistryAnswer:
    return RegistryAnswer(
        response.status_code, str(response.reason or ""), response.headers, str(response.url), content
    )


def _session() -> requests.Session:
    """Connections that are tried again, and that take no credentials along, nor any from ~/.netrc."""
    import requests
    from oras.logger import setup_logger
    from urllib3.util import Retry

    class Bounded(Retry):
        def get_retry_after(self, response: Any) -> float | None:
            asked = super().get_retry_after(response)
            return None if asked is None else min(asked, _RETRY_AFTER)

    class Session(requests.Session):
        def rebuild_auth(self, prepared_request: Any, response: requests.Response) -> None:
            """Show credentials to no other place, and go to none without TLS."""
            before, after = str(response.request.url), str(prepared_request.url)
            if before.startswith("https:") and not after.startswith("https:"):
                raise requests.exceptions.InvalidSchema(f"it redirects to {after}, without TLS")
            if self.should_strip_auth(before, after):
                prepared_request.headers.pop("Authorization", None)

    setup_logger(quiet=True)
    session = Session()
    session.auth = lambda request: request
    session.max_redirects = _REDIRECTS
    session.headers["Accept-Encoding"] = "identity"
    again = Bounded(_TRIES, backoff_factor=0.3, status_forcelist=(429, 502, 503, 504), raise_on_status=False)
    for scheme in ("http://", "https://"):
        session.mount(scheme, requests.adapters.HTTPAdapter(max_retries=again))
    return session


def _credentials(host: str, session: requests.Session, home: str) -> Any:
    """What `docker login` left for a host, or a helper of Docker keeps; else what CI gives."""
    from oras.auth import get_auth_backend
    from oras.container import Container

    auth = get_auth_backend("token", session)
    container = Container(f"{host}/any")
    container.registry = _HUB_LOGIN if host == _HUB else host
    folder = os.environ.get(_VARIABLE_CONFIG)
    config = Path(folder) / "config.json" if folder else None
    auth.load_configs(container, [str(config)] if config and config.is_file() else None)
    user, password = os.environ.get(VARIABLE_USER), os.environ.get(VARIABLE_PASSWORD)
    if not hasattr(auth, "_basic_auth") and user and password and host == home.partition("/")[0]:
        auth.set_basic_auth(user, password)
    return auth


def is_loopback(host: str) -> bool:
    """Whether a registry is on this machine: as with Docker, it needs no TLS then."""
    name = host.rpartition(":")[0] if ":" in host and not host.endswith("]") else host
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False


def _innermost(error: BaseException) -> str:
    """The reason at the bottom of what the libraries wrap."""
    reason: Any = error
    while inner := getattr(reason, "reason", None) or next(
        (each for each in getattr(reason, "args", ()) if isinstance(each, Exception)), None
    ):
        reason = inner
    return str(getattr(reason, "strerror", None) or reason)
