"""`python -m aimass_compiler.runtime.ray_node`: one node of a training job whose nodes make a Ray cluster.

The first of them runs the job's command there, and the job ends as that does. The others compute for it until
they are ended, and join again where the first node was lost and is replaced.
"""

from __future__ import annotations

import argparse
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from types import FrameType
from typing import IO, NoReturn

from aimass_compiler import conventions
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.pipeline import node_variables

_PORT = 6379
_METRICS_PORT = 8080
#: How a Job tells its pods apart.
_INDEX = "JOB_COMPLETION_INDEX"
_START_SECONDS = 120
_PAUSE = 0.5
_PAUSE_BEFORE_JOINING = 5.0
_STOP_SECONDS = 10
_NO_STATISTICS = {"RAY_USAGE_STATS_ENABLED": "0"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Be the node that the environment says; answers the exit code of the command."""
    parsed = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, _end)
    token = parsed.root / conventions.ARTIFACTS_FOLDER / parsed.model / ".ray" / "token"
    amounts = [f"--num-cpus={parsed.cpus}", f"--num-gpus={parsed.gpus}"]
    if os.environ.get(_INDEX, "0") != "0":
        _further(amounts, token, parsed.port)
    return _first(amounts, token, parsed.port, parsed.command)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m aimass_compiler.runtime.ray_node", description=__doc__)
    parser.add_argument("model")
    parser.add_argument("--root", type=Path, default=Path(), help="the folder that all nodes share")
    parser.add_argument("--cpus", type=int, default=1, help="how many cores each node has")
    parser.add_argument("--gpus", type=int, default=0)
    parser.add_argument("--port", type=int, default=_PORT, help="where the first node listens")
    parser.add_argument("command", nargs="+", help="what the first node runs")
    return parser


def _end(number: int, frame: FrameType | None) -> None:
    """What is started is ended on the way out."""
    del frame
    sys.exit(128 + number)


def _first(amounts: Sequence[str], token: Path, port: int, command: Sequence[str]) -> int:
    address = os.environ.get(node_variables.OWN_ADDRESS) or "127.0.0.1"
    _write(token)
    own = [f"--port={port}", f"--node-ip-address={address}", f"--metrics-export-port={_METRICS_PORT}"]
    settings = _guarded(token)
    head = ["ray", "start", "--head", "--block", "--include-dashboard=false", *own, *amounts]
    # The end of the job's log, which people are told where it fails, is to be that of the command.
    with NamedTemporaryFile() as log, _running(head, settings, log):
        if not _listens(address, port):
            said = Path(log.name).read_text(encoding="utf-8", errors="replace")
            print(f"{said}Ray did not start at {address}:{port} in {_START_SECONDS} s", file=sys.stderr)
            return int(ExitCode.TRAINING)
        with _running(command, settings | {"RAY_ADDRESS": f"{address}:{port}"}) as process:
            return process.wait()


def _further(amounts: Sequence[str], token: Path, port: int) -> NoReturn:
    """Compute for the first node for as long as there is one, until the job ends this one."""
    head = os.environ[node_variables.HEAD]
    own = os.environ.get(node_variables.OWN_ADDRESS)
    where = [f"--address={head}:{port}", *([f"--node-ip-address={own}"] if own else [])]
    while True:
        if token.exists():
            with _running(["ray", "start", "--block", *where, *amounts], _guarded(token)) as process:
                process.wait()
        time.sleep(_PAUSE_BEFORE_JOINING)


def _write(token: Path) -> None:
    """A new token on the volume, which only pods of the model have."""
    token.parent.mkdir(parents=True, exist_ok=True)
    half = token.with_suffix(".half")
    half.unlink(missing_ok=True)
    with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(secrets.token_hex(32))
    half.replace(token)


def _guarded(token: Path) -> dict[str, str]:
    """Who has not the token is not of the cluster."""
    return _NO_STATISTICS | {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(token.resolve())}


@contextmanager
def _running(
    command: Sequence[str], settings: Mapping[str, str], log: IO[bytes] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A program that never outlives the block; what it says goes to a log, or where ours does."""
    environment = {**os.environ, **settings}
    process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)  # noqa: S603  # ours, or the job's
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _listens(address: str, port: int) -> bool:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end:
        try:
            socket.create_connection((address, port), timeout=_PAUSE).close()
        except OSError:
            time.sleep(_PAUSE)
        else:
            return True
    return False


if __name__ == "__main__":
    sys.exit(main())
