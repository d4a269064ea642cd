"""The model server as a program of its own: started on a package, asked, watched and stopped."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from aimass_compiler import conventions, record_names
from aimass_compiler.catalog import servers
from aimass_compiler.catalog.servers import server_of
from aimass_compiler.diagnostics import HintedError

HOST = "127.0.0.1"
_START_SECONDS = 120
_ANSWER_SECONDS = 30
_TEXT_SECONDS = 600
_LOOK_SECONDS = 0.02
_LOG_LINES = 12
_RESIDENT = re.compile(r"^process_resident_memory_bytes (\S+)$", re.MULTILINE)


class ServerError(HintedError):
    """The server could not be started, ended, or refused; the message says why, `help` gives a hint."""


class ServerEnded(ServerError):  # noqa: N818  # of the server, not an error of ours
    """The server ended, or never became ready; the message says how, with the end of its log."""

    def __init__(self, how: str, log: Path, errors: Path) -> None:
        super().__init__(f"{how}; {_tail(log, errors)}")
        self.reason = _text(errors).strip()
        """The line by which it says itself why, where it does."""


@dataclass(frozen=True)
class RunningServer:
    """A server that became ready."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path
    errors: Path

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def check(self, within: float = 0.0) -> None:
        """Raise ServerEnded when it runs no more, or ends within so many seconds."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            how = f"the server ended with {_ending(self.process.wait(within))} while it was asked"
            raise ServerEnded(how, self.log, self.errors)

    def get(self, path: str) -> tuple[int, str]:
        """Status and text of a GET."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=_ANSWER_SECONDS)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def resident_bytes(self) -> float | None:
        """The memory that it holds, as its metrics have it; None on systems where they do not."""
        found = _RESIDENT.search(self.get(conventions.METRICS_PATH)[1])
        return float(found[1]) if found else None

    def terminate(self) -> None:
        """Ask it to stop, as Kubernetes does."""
        self.process.send_signal(signal.SIGTERM)

    def end(self, seconds: float) -> str:
        """Wait until it ended by itself; answers what was wrong about that, or nothing."""
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return f"the server still ran {seconds:g} s after SIGTERM; {_tail(self.log, self.errors)}"
        if code:
            message = f"the server ended with {_ending(code)} after SIGTERM, not 0"
            return f"{message}; {_tail(self.log, self.errors)}"
        return ""


def command(package: Path, *options: str) -> list[str]:
    """The command line that serves a package. Raises ServerError where what serves is not installed."""
    server = server_of(_format_of(package)) or servers.ROWS
    if lacking := next((module for module in server.modules if find_spec(module) is None), None):
        hint = f"`pip install 'aimass-compiler[{server.extra}]'` brings it"
        raise ServerError(f"{lacking} is not installed", hint)
    return [sys.executable, "-m", server.module, str(package), *options]


def _format_of(package: Path) -> object:
    """The format of a package; None where it is damaged, of which its server says more."""
    try:
        signature = json.loads((package / conventions.SIGNATURE_FILE).read_bytes())
    except (OSError, ValueError):
        return None
    return signature.get("format") if isinstance(signature, dict) else None


def recording(store: Path) -> list[str]:
    """The options with which a server records all predictions in a store of this machine."""
    folder = store.resolve() / record_names.RAW_RECORDS_FOLDER / record_names.LOCAL_NAMESPACE
    return ["--record-folder", str(folder), "--prediction-sample", "1"]


@contextmanager
def running(
    package: Path, variables: Mapping[str, str] | None = None, options: Sequence[str] = ()
) -> Iterator[RunningServer]:
    """A ready server on a free port of this machine; it is gone when the block ends.

    `variables` of the environment set its limits. Raises ServerEnded when it does not become ready.
    """
    started = command(package, f"--host={HOST}", "--port=0", *options)
    with tempfile.TemporaryDirectory(prefix="aimass-server-") as folder:
        log, errors = Path(folder) / "server.log", Path(folder) / "errors.log"
        with log.open("wb") as out, errors.open("wb") as err:
            process = subprocess.Popen(  # noqa: S603  # a list of arguments, never a shell
                started, stdout=out, stderr=err, env={**os.environ, **(variables or {})}
            )
        try:
            yield RunningServer(process, _ready_port(process, log, errors), log, errors)
        finally:
            process.kill()
            process.wait()


def _ready_port(process: subprocess.Popen[bytes], log: Path, errors: Path) -> int:
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until:
        # Looked at before the log: what the process wrote last is then in it.
        code = process.poll()
        for line in _text(log).splitlines():
            event = _event(line)
            if event.get("event") == "ready":
                return int(event["port"])
        if code is not None:
            raise ServerEnded(f"the server ended with {_ending(code)} before it was ready", log, errors)
        time.sleep(_LOOK_SECONDS)
    raise ServerEnded(f"the server was not ready within {_START_SECONDS} s", log, errors)


def _event(line: str) -> dict[str, Any]:
    try:
        event = json.loads(line)
    except ValueError:  # a line that is being written
        return {}
    return event if isinstance(event, dict) else {}


def _ending(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


def _tail(log: Path, errors: Path) -> str:
    lines = [*_text(log).splitlines(), *_text(errors).splitlines()][-_LOG_LINES:]
    return "its log ends:\n" + "\n".join(f"    {line}" for line in lines) if lines else "its log is empty"


def ask(url: str, rows: Sequence[Mapping[str, Any]], path: str = conventions.PREDICT_PATH) -> dict[str, Any]:
    """The answer of a server at `url` to rows. Raises ServerError with what it says when it refuses."""
    document = _posted(url, path, {"rows": list(rows)}, _ANSWER_SECONDS)
    if not isinstance(document, dict) or not isinstance(document.get("predictions"), list):
        raise ServerError(f"{url} answered, but not with predictions; is it a server of this kind?")
    return document


def log_probabilities(url: str, messages: Sequence[Mapping[str, str]], most: int) -> list[float]:
    """Those of the tokens, at most so many, that a server of text at `url` answers with, the end among them.

    Raises ServerError with what it says when it refuses.
    """
    asked = {
        "messages": list(messages),
        "max_tokens": most,
        "logprobs": True,
        "response_format": {"type": "text"},
    }
    document = _posted(url, conventions.CHAT_PATH, asked, _TEXT_SECONDS)
    try:
        return [float(token["logprob"]) for token in document["choices"][0]["logprobs"]["content"]]
    except (KeyError, IndexError, TypeError):
        raise ServerError(f"{url} answered, but not with tokens; is it a server of this kind?") from None


def _posted(url: str, path: str, document: Mapping[str, Any], seconds: float) -> Any:
    try:
        request = _request(url, path, document)
        with urllib.request.urlopen(request, timeout=seconds) as answer:  # noqa: S310  # as above
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise ServerError(_refusal(error.read().decode(errors="replace"))) from None
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise ServerError(f"{url} did not answer: {getattr(error, 'reason', error)}") from None


def _request(url: str, path: str, document: Mapping[str, Any]) -> urllib.request.Request:
    """What is posted to a server. Raises ServerError where the URL is none."""
    if not url.startswith(("http://", "https://")):
        raise ServerError(f"`{url}` is no address; write it like `http://127.0.0.1:8080`")
    headers = {"content-type": "application/json"}
    return urllib.request.Request(url.rstrip("/") + path, json.dumps(document).encode(), headers)  # noqa: S310  # as said


def is_of_text(url: str) -> bool:
    """Whether a server answers with text, as OpenAI's API has it."""
    try:
        models = url.rstrip("/") + conventions.SERVED_MODELS_PATH
        with urllib.request.urlopen(models, timeout=_ANSWER_SECONDS):  # noqa: S310  # as above
            return True
    except (OSError, ValueError, http.client.HTTPException):
        return False


def stream(url: str, messages: Sequence[Mapping[str, str]]) -> Iterator[str]:
    """What a server of text at `url` says to messages, piece by piece.

    Raises ServerError with what it says when it refuses, or breaks off.
    """
    try:
        request = _request(url, conventions.CHAT_PATH, {"messages": list(messages), "stream": True})
        with urllib.request.urlopen(request, timeout=_TEXT_SECONDS) as answer:  # noqa: S310  # as above
            yield from _pieces(answer)
    except urllib.error.HTTPError as error:
        raise ServerError(_refusal(error.read().decode(errors="replace"))) from None
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise ServerError(f"{url} did not answer: {getattr(error, 'reason', error)}") from None


def _pieces(lines: Iterable[bytes]) -> Iterator[str]:
    for line in lines:
        text = line.removeprefix(b"data: ").strip()
        if text == b"[DONE]":
            return
        event = json.loads(text) if text else {}
        if "error" in event:
            raise ServerError(_refusal(text.decode()))
        for choice in event.get("choices", ()):
            yield choice["delta"].get("content") or ""
    raise ValueError("the answer breaks off")


def _refusal(body: str) -> str:
    try:
        error = json.loads(body)["error"]
        return str(error["message"] if isinstance(error, dict) else error)
    except (ValueError, KeyError, TypeError):
        return body
