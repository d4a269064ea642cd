"""A registry of images on this machine, as far as it is asked whether it has one, and given one."""

from __future__ import annotations

import hashlib
import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Registry:
    """Its address and what it holds: the path of a manifest → its bytes."""

    address: str
    manifests: dict[str, bytes] = field(default_factory=dict)

    @property
    def images(self) -> set[str]:
        """Every image by repository and tag."""
        paths = (path.removeprefix("/v2/").split("/manifests/") for path in self.manifests)
        return {f"{self.address}/{repository}:{tag}" for repository, tag in paths}

    def hold(self, image: str) -> None:
        """Have an image that somebody pushed earlier."""
        repository, _, tag = image.removeprefix(f"{self.address}/").rpartition(":")
        self.manifests[f"/v2/{repository}/manifests/{tag}"] = b"{}"


@contextmanager
def running() -> Iterator[Registry]:
    """An empty registry, which ends with the block."""
    manifests: dict[str, bytes] = {}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(200 if self.path in manifests else 404)

        def do_PUT(self) -> None:
            manifests[self.path] = self.rfile.read(int(self.headers["Content-Length"]))
            self._answer(201)

        def _answer(self, status: int) -> None:
            content = manifests.get(self.path, b"")
            self.send_response(status)
            self.send_header("Docker-Content-Digest", f"sha256:{hashlib.sha256(content).hexdigest()}")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  # the base class's
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield Registry(f"localhost:{server.server_port}", manifests)
    finally:
        server.shutdown()
        server.server_close()
