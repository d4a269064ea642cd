"""A registry of images on this machine, as far as it is asked whether it has one, and given one."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.loopback import Answers, Server


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


def digest_of(content: bytes) -> str:
    """What a manifest is called by its content."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


@contextmanager
def running() -> Iterator[Registry]:
    """An empty registry, which ends with the block."""
    manifests: dict[str, bytes] = {}

    class Handler(Answers):
        def do_GET(self) -> None:
            repository, _, name = self.path.partition("/manifests/")
            if name.startswith("sha256:"):
                own = {path: each for path, each in manifests.items() if path.startswith(f"{repository}/")}
                self.path = next((path for path, each in own.items() if digest_of(each) == name), self.path)
            self.tell(200 if self.path in manifests else 404)

        def do_PUT(self) -> None:
            manifests[self.path] = self.rfile.read(int(self.headers["Content-Length"]))
            self.tell(201)

        def tell(self, status: int) -> None:
            content = manifests.get(self.path, b"")
            self.answer(status, content, Docker_Content_Digest=digest_of(content))

    with Server(Handler) as server:
        yield Registry(f"localhost:{server.server_port}", manifests)
