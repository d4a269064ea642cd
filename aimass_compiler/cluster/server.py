"""The model server by subprocess and HTTP: start it on a package, and ask one that runs."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from aimass_compiler import conventions

#: What the server imports.
MODULES = ("httptools", "numpy", "onnxruntime", "orjson", "prometheus_client", "uvicorn")
_START_SECONDS = 30
_ANSWER_SECONDS = 30
_STOP_SECONDS = 10


class ServerError(Exception):
    """The server could not be started, or refused; the message is its own, `help` the way out."""

    def __init__(self, message: str, help: str = "") -> None:  # noqa: A002  # the word that findings use
        super().__init__(message)
        self.help = help


def command(package: Path, *options: str) -> list[str]:
    """The command line that serves a package. Raises ServerError where what serves is not installed."""
    if lacking := next((module for module in MODULES if find_spec(module) is None), None):
        raise ServerError(f"{lacking} is not installed", "`pip install 'aimass-compiler[serve]'` brings it")
    return [sys.executable, "-m", "aimass_compiler.runtime.server", str(package), *options]


@contextmanager
def running(package: Path) -> Iterator[str]:
    """Serve a package on a free port of this machine; answers the address.

    Raises ServerError when it does not get ready.
    """
    options = ("--host", "127.0.0.1", "--port", "0", "--drain-seconds", "0")
    with subprocess.Popen(  # noqa: S603  # a list of arguments, never a shell
        command(package, *options),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="replace",
    ) as process:
        try:
            yield f"http://127.0.0.1:{_port(process)}"
        finally:
            process.terminate()
            try:
                process.communicate(timeout=_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def _port(process: subprocess.Popen[str]) -> int:
    """The port that the server tells; one that tells nothing in time is ended."""
    assert process.stdout is not None  # noqa: S101  # it is a pipe
    assert process.stderr is not None  # noqa: S101  # it is a pipe
    impatience = threading.Timer(_START_SECONDS, process.kill)
    impatience.start()
    try:
        for line in process.stdout:
            with contextlib.suppress(ValueError, KeyError, TypeError):
                event = json.loads(line)
                if event["event"] == "ready":
                    return int(event["port"])
    finally:
        impatience.cancel()
    process.terminate()
    said = process.stderr.read().strip()
    raise ServerError(said or f"the server was not ready after {_START_SECONDS} s")


def ask(url: str, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The answer of a server at `url` to rows. Raises ServerError with what it says when it refuses."""
    request = urllib.request.Request(  # noqa: S310  # the address is the user's own
        url.rstrip("/") + conventions.PREDICT_PATH,
        data=json.dumps({"rows": list(rows)}).encode(),
        headers={"content-type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=_ANSWER_SECONDS) as answer:  # noqa: S310  # as above
            document: dict[str, Any] = json.load(answer)
    except urllib.error.HTTPError as error:
        raise ServerError(_told(error.read().decode(errors="replace"))) from None
    except (OSError, ValueError) as error:
        raise ServerError(f"{url} did not answer: {getattr(error, 'reason', error)}") from None
    if not isinstance(document, dict) or not isinstance(document.get("predictions"), list):
        raise ServerError(f"{url} answered, but not with predictions; is it a server of this kind?")
    return document


def _told(body: str) -> str:
    try:
        return str(json.loads(body)["error"])
    except (ValueError, KeyError, TypeError):
        return body
