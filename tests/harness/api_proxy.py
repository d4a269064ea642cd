"""A proxy before a real API server, through which a test lets single requests fail."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import yaml

from tests.harness.loopback import Answers, Server

_HOP_BY_HOP = {"connection", "transfer-encoding", "content-length", "host", "accept-encoding"}


@dataclass(frozen=True)
class Asked:
    """A request."""

    method: str
    path: str
    query: dict[str, list[str]]

    @property
    def is_write(self) -> bool:
        """Whether it changes something: a dry run does not."""
        return self.method != "GET" and "dryRun" not in self.query


@dataclass(frozen=True)
class Refusal:
    """An answer that is not the API server's: a message, or a whole document."""

    code: int
    message: str = "of the proxy"
    headers: dict[str, str] = field(default_factory=dict)
    document: dict[str, Any] | None = None

    @property
    def content(self) -> bytes:
        """What is sent."""
        return json.dumps(self.document or {"kind": "Status", "message": self.message}).encode()


class Lost(Exception):  # noqa: N818  # what happens to an answer
    """The connection is closed instead of answering."""


#: What happens to a request before it is passed on: nothing, or an answer instead. May raise Lost, or wait.
Rule = Callable[[Asked], Refusal | None]
#: What happens after the API server has answered. May raise Lost.
Aftermath = Callable[[Asked], None]


@dataclass
class Proxy:
    """A proxy that runs; `before` and `after` may be changed at any time."""

    kubeconfig: Path
    before: Rule = lambda asked: None  # noqa: ARG005  # it does nothing
    after: Aftermath = lambda asked: None  # noqa: ARG005  # as above
    asked: list[Asked] = field(default_factory=list)


@contextmanager
def proxied(kubeconfig: Path, folder: Path) -> Iterator[Proxy]:
    """A proxy before the API server of a kubeconfig with a token."""
    told = yaml.safe_load(kubeconfig.read_text(encoding="utf-8"))
    cluster, user = told["clusters"][0]["cluster"], told["users"][0]["user"]
    proxy = Proxy(folder / "kubeconfig-of-proxy")
    with Server(_answers(proxy, cluster, user)) as server:
        through = {**told["clusters"][0], "cluster": {"server": f"http://{server.place}"}}
        proxy.kubeconfig.write_text(json.dumps({**told, "clusters": [through]}))
        yield proxy


def _answers(proxy: Proxy, cluster: dict[str, Any], user: dict[str, Any]) -> type[Answers]:
    place = urlsplit(cluster["server"])
    trust = ssl.create_default_context(cafile=cluster.get("certificate-authority"))

    class Handler(Answers):
        protocol_version = "HTTP/1.1"

        def pass_on(self) -> None:
            url = urlsplit(self.path)
            asked = Asked(self.command, url.path, parse_qs(url.query))
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            try:
                refusal = proxy.before(asked)
                proxy.asked.append(asked)
                if refusal is not None:
                    self.hand_on(refusal.code, refusal.headers, refusal.content)
                    return
                code, headers, content = self.ask(body)
                proxy.after(asked)
                self.hand_on(code, headers, content)
            except (Lost, OSError):
                self.close_connection = True

        def ask(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
            connection = http.client.HTTPSConnection(place.hostname or "", place.port, context=trust)
            kept = {name: value for name, value in self.headers.items() if name.lower() not in _HOP_BY_HOP}
            kept.setdefault("Authorization", f"Bearer {user.get('token')}")
            connection.request(self.command, self.path, body or None, kept)
            answer = connection.getresponse()
            content = answer.read()
            headers = dict(answer.headers.items())
            connection.close()
            return answer.status, headers, content

        def hand_on(self, code: int, headers: dict[str, str], content: bytes) -> None:
            self.send_response_only(code)
            for name, value in headers.items():
                if name.lower() not in _HOP_BY_HOP:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = pass_on

    return Handler
