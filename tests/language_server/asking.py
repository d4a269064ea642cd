"""Asking a server of text: whole answers, streams as they come, and callers that go away."""

from __future__ import annotations

import hashlib
import json
import shutil
import socket
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from server.serving import HOST, Reply, Server, serving

from aimass_compiler import conventions
from aimass_compiler.runtime import language_server

if TYPE_CHECKING:
    from collections.abc import Iterator

EXAMPLE = Path(language_server.__path__[0]) / "example"
#: An answer that goes on to the end of the context: nothing of it is the token that ends one.
LONG = {"prompt": "I was charged twice", "max_tokens": 200, "structured_outputs": {"regex": "[a-z]{400}"}}


def packaged(folder: Path) -> Path:
    """A copy of the example."""
    shutil.copytree(EXAMPLE, folder)
    return folder


def resigned(package: Path) -> Path:
    """The package with a manifest of the files as they are now."""
    path = package / conventions.MANIFEST_FILE
    files = [found for found in sorted(package.rglob("*")) if found.is_file() and found != path]
    digests = {
        found.relative_to(package).as_posix(): hashlib.sha256(found.read_bytes()).hexdigest()
        for found in files
    }
    path.write_text(json.dumps({"format": conventions.MANIFEST_FORMAT, "files": digests}))
    return package


class TextServer:
    """A server that is running."""

    def __init__(self, server: Server) -> None:
        self.server = server

    def chat(self, content: str, **more: Any) -> Reply:
        document = {"messages": [{"role": "user", "content": content}], **more}
        return self.server.ask("POST", conventions.CHAT_PATH, document)

    def complete(self, prompt: Any, **more: Any) -> Reply:
        return self.server.ask("POST", conventions.COMPLETIONS_PATH, {"prompt": prompt, **more})

    def words(self, content: str, **more: Any) -> str:
        """The text of a chat's whole answer."""
        reply = self.chat(content, **more)
        assert reply.status == 200, reply.body
        return str(json.loads(reply.body)["choices"][0]["message"]["content"])

    def events(self, path: str, document: dict[str, Any]) -> list[dict[str, Any]]:
        """The events of a stream, which must end as one does."""
        reply = self.server.ask("POST", path, {**document, "stream": True})
        assert reply.status == 200, reply.body
        *events, done, rest = reply.body.decode().split("\n\n")
        assert (done, rest) == ("data: [DONE]", "")
        return [json.loads(event.removeprefix("data: ")) for event in events]

    def metric(self, name: str, **labels: str) -> float:
        return self.server.metric(f"aimass_{name}", **labels)

    def comes_to(self, name: str, value: float, seconds: float = 20, **labels: str) -> bool:
        """Whether a metric becomes this value in time."""
        until = time.monotonic() + seconds
        while self.metric(name, **labels) != value:
            if time.monotonic() > until:
                return False
            time.sleep(0.05)
        return True

    def begin(self, document: dict[str, Any], path: str = conventions.COMPLETIONS_PATH) -> socket.socket:
        """A stream that has begun, and is not read on."""
        connection = socket.create_connection((HOST, self.server.port), 30)
        body = json.dumps({**document, "stream": True}).encode()
        head = f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode() + body)
        assert connection.recv(12) == b"HTTP/1.1 200"
        return connection

    def rest(self, connection: socket.socket) -> bytes:
        """All that still comes."""
        response = b""
        while part := connection.recv(65536):
            response += part
            if response.endswith(b"0\r\n\r\n"):
                break
        return response


@contextmanager
def serving_text(package: Path, *flags: str, **variables: str) -> Iterator[TextServer]:
    """A server of text on a free port; it is killed at the end."""
    with serving(package, *flags, program="language_server", **variables) as server:
        yield TextServer(server)


def refused(reply: Reply) -> dict[str, Any]:
    """The error in OpenAI's form."""
    error: dict[str, Any] = json.loads(reply.body)["error"]
    assert set(error) == {"message", "type", "param", "code"}
    return error
