"""A registry on this machine that keeps what is pushed to it in memory.

Source: https://github.com/opencontainers/distribution-spec/blob/main/spec.md
"""

from __future__ import annotations

import hashlib
import http.server
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Registry(http.server.ThreadingHTTPServer):
    """Blobs and manifests by their digest, and manifests by their tag."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Requests)
        self.kept: dict[str, bytes] = {}
        self.uploading = b""

    @property
    def place(self) -> str:
        """What comes before the first slash of an image's name."""
        return f"127.0.0.1:{self.server_port}"


class _Requests(http.server.BaseHTTPRequestHandler):
    server: Registry

    def do_GET(self) -> None:
        name = self.path.rpartition("/")[2]
        if self.path == "/v2/":
            self._answer(200)
        elif name in self.server.kept:
            self._answer(200, body=self.server.kept[name])
        else:
            self._answer(404)

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_POST(self) -> None:
        self.server.uploading = b""
        self._answer(202, {"Location": "/v2/upload"})

    def do_PATCH(self) -> None:
        self.server.uploading += self._body()
        self._answer(202, {"Location": "/v2/upload"})

    def do_PUT(self) -> None:
        content = self._body() or self.server.uploading
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        self.server.kept |= {digest: content, self.path.rpartition("/")[2]: content}
        self._answer(201, {"Docker-Content-Digest": digest})

    def _body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length", "0")))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _answer(self, status: int, headers: dict[str, str] | None = None, body: bytes = b"") -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  # the base class's name
        """Say nothing."""


@contextmanager
def running() -> Iterator[Registry]:
    """A registry that answers until the block ends."""
    registry = Registry()
    threading.Thread(target=registry.serve_forever, daemon=True).start()
    try:
        yield registry
    finally:
        registry.shutdown()
        registry.server_close()
