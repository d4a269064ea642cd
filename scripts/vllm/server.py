"""vLLM's CPU engine, started with the command and the environment of the rendered container."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from scripts.cluster.processes import free_ports

REPOSITORY = Path(__file__).parents[2]
PROGRAM = REPOSITORY / "build" / "vllm-venv" / "bin" / "vllm"
#: Nearly all of it are imports; a machine that does other things takes many times as long as an idle one.
START_SECONDS = 1200
#: One core is enough for a few million weights, and several wait for one another. What is compiled for
#: a request takes minutes of a busy machine, and answers the same.
_HERE = {"OMP_NUM_THREADS": "1", "TORCHDYNAMO_DISABLE": "1"}


@dataclass(frozen=True)
class Engine:
    """One that answers."""

    process: subprocess.Popen[bytes]
    address: str
    log: Path

    def get(self, path: str) -> httpx.Response:
        return httpx.get(f"{self.address}{path}", timeout=60)

    def post(self, path: str, **document: Any) -> httpx.Response:
        return httpx.post(f"{self.address}{path}", json=document, timeout=300)

    def answer(self, path: str, **document: Any) -> dict[str, Any]:
        """What is answered. Raises RuntimeError where that is no success."""
        response = self.post(path, **document)
        if not response.is_success:
            raise RuntimeError(f"{path} answers {response.status_code}: {response.text}")
        return dict(response.json())

    def metrics(self) -> dict[str, float]:
        """The values of all series without their labels, those of one name added up."""
        found: dict[str, float] = {}
        for line in self.get("/metrics").text.splitlines():
            if line and not line.startswith("#"):
                series, _, value = line.rpartition(" ")
                name = series.partition("{")[0]
                found[name] = found.get(name, 0.0) + float(value)
        return found

    def stop(self) -> None:
        """Ask it to end, as a kubelet does."""
        self.process.send_signal(signal.SIGTERM)


@contextmanager
def running(
    command: Sequence[str],
    variables: Mapping[str, str],
    paths: Mapping[str, Path],
    folder: Path,
    program: Path = PROGRAM,
) -> Iterator[Engine]:
    """The engine of a container's command; what begins with one of the `paths` lies in its folder here."""
    (port,) = free_ports(1)
    arguments = [_here(word, paths) for word in command]
    arguments[arguments.index("--port") + 1] = str(port)
    arguments[arguments.index("--host") + 1] = "127.0.0.1"
    own = {name: value.replace("/tmp", str(folder)) for name, value in variables.items()}  # noqa: S108  # the container's
    log = folder / "vllm.log"
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [str(program), *arguments[1:]],
            env={"PATH": os.environ["PATH"], **own, **_HERE},
            stdout=stream,
            stderr=subprocess.STDOUT,
            cwd=folder,
            start_new_session=True,
        )
    try:
        engine = Engine(process, f"http://127.0.0.1:{port}", log)
        _wait_until_ready(engine)
        yield engine
    finally:
        _end(process)


def _here(word: str, paths: Mapping[str, Path]) -> str:
    for inside, path in paths.items():
        name, separator, rest = word.partition("=") if f"={inside}" in word else ("", "", word)
        if rest == inside or rest.startswith(f"{inside}/"):
            return f"{name}{separator}{path}{rest.removeprefix(inside)}"
    return word


def _wait_until_ready(engine: Engine) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and engine.process.poll() is None:
        try:
            if engine.get("/health").is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.5)
    raise RuntimeError(f"vLLM did not become ready: {engine.log.read_text()[-4000:]}")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End it and its workers, which are of one group."""
    if process.poll() is None:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(30)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def events(response: httpx.Response) -> Iterator[dict[str, Any]]:
    """The events of a streamed answer."""
    for line in response.iter_lines():
        text = line.removeprefix("data: ")
        if text and text != "[DONE]":
            yield json.loads(text)
