"""A registry on this machine that keeps what is pushed to it in memory.

Source: https://github.com/opencontainers/distribution-spec/blob/main/spec.md
"""

from __future__ import annotations

import hashlib

from tests.loopback import Answers, Server


class Registry(Server):
    """Blobs and manifests by their digest, and manifests by their tag; its place begins an image's name."""

    def __init__(self) -> None:
        super().__init__(_Requests)
        self.kept: dict[str, bytes] = {}
        self.uploading = b""


class _Requests(Answers):
    server: Registry

    def do_GET(self) -> None:
        name = self.path.rpartition("/")[2]
        if self.path == "/v2/":
            self.answer(200)
        elif name in self.server.kept:
            self.answer(200, self.server.kept[name])
        else:
            self.answer(404)

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_POST(self) -> None:
        self.server.uploading = b""
        self.answer(202, Location="/v2/upload")

    def do_PATCH(self) -> None:
        self.server.uploading += self._body()
        self.answer(202, Location="/v2/upload")

    def do_PUT(self) -> None:
        content = self._body() or self.server.uploading
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        self.server.kept |= {digest: content, self.path.rpartition("/")[2]: content}
        self.answer(201, Docker_Content_Digest=digest)

    def _body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length", "0")))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)
