"""`python -m benchmarks.serving`: the servers side by side, round by round, as one table."""

from __future__ import annotations

import argparse
import contextlib
import os
import platform
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.environments import interpreter, versions
from benchmarks.serving.load import Round, hold
from benchmarks.serving.model import write_package
from benchmarks.serving.targets import Server, Target, command, targets

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_START_SECONDS = 60
_ROW = "| {:<31} | {:>9} | {:>8} | {:>8} | {:>8} | {:>7} | {:>7} |"


def main() -> int:
    """Measure and print; answers 1 when a server answered other than 200."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that what is started ends with this
    asked = _arguments()
    peers = interpreter(asked.peers, "serving")
    measured: dict[str, list[Round]] = {}
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as running:
        package = Path(folder) / "package"
        write_package(package)
        chosen = list(_installed(targets(), peers))
        servers: dict[str, tuple[int, int]] = {}
        for server in {target.server.name: target.server for target in chosen}.values():
            servers[server.name] = running.enter_context(_running(server, package, peers))
        for number in range(asked.rounds + 1):
            for target in chosen:
                port = servers[target.server.name][1]
                seconds = asked.seconds if number else 1
                round_ = hold(port, target.request(port), asked.connections, seconds)
                # The first round only warms up.
                measured.setdefault(target.name, []).extend([round_] if number else [])
        memory = {name: _peak_mebibytes(process) for name, (process, _) in servers.items()}
    _print(chosen, measured, memory, asked)
    for target in {target.server.name: target for target in chosen}.values():
        print(f"{target.server.name}: {_made_of(target.server, peers)}")
    return int(any(found.failed for rounds in measured.values() for found in rounds))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each (default 5)")
    parser.add_argument("--seconds", type=float, default=2.0, help="length of a round (default 2)")
    parser.add_argument("--connections", type=int, default=8, help="keep-alive connections (default 8)")
    parser.add_argument(
        "--peers",
        type=Path,
        default=Path("build/peers"),
        help="where the environment of the servers that are compared with is (default build/peers)",
    )
    return parser.parse_args()


def _installed(candidates: Sequence[Target], peers: str) -> Iterator[Target]:
    for target in candidates:
        python = peers if target.server.is_peer else sys.executable
        found = versions(python, target.server.packages)
        lacking = [name for name in target.server.packages if name not in found]
        if lacking:
            print(f"skipped {target.name}: {python} has no {', '.join(lacking)}")
        else:
            yield target


def _made_of(server: Server, peers: str) -> str:
    found = versions(peers if server.is_peer else sys.executable, server.packages)
    return ", ".join(f"{name} {version}" for name, version in found.items())


@contextlib.contextmanager
def _running(server: Server, package: Path, peers: str) -> Iterator[tuple[int, int]]:
    """The process and the port of a server that answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with (package.parent / f"{server.name}.log").open("wb") as log:
        process = subprocess.Popen(
            command(server, package, port, peers), stdout=log, stderr=subprocess.STDOUT
        )
    try:
        _wait(server, process, port)
        yield process.pid, port
    finally:
        process.terminate()
        process.wait(30)


def _wait(server: Server, process: subprocess.Popen[bytes], port: int) -> None:
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)
    raise RuntimeError(f"{server.name} did not start within {_START_SECONDS} s")


def _peak_mebibytes(process: int) -> float:
    """The peak resident memory of a process and its children."""
    kibibytes = 0
    for status in Path("/proc").glob("[0-9]*/status"):
        with contextlib.suppress(OSError):
            text = status.read_text()
            is_its = status.parent.name == str(process) or re.search(
                rf"^PPid:\t{process}$", text, re.MULTILINE
            )
            peak = re.search(r"^VmHWM:\s+(\d+)", text, re.MULTILINE)
            kibibytes += int(peak[1]) if is_its and peak else 0
    return kibibytes / 1024


def _print(
    chosen: Sequence[Target],
    measured: dict[str, list[Round]],
    memory: dict[str, float],
    asked: argparse.Namespace,
) -> None:
    print(f"\nPython {platform.python_version()}, {os.cpu_count()} cores, shared by server and client")
    print(
        f"one row of 30 numbers, one worker, {asked.connections} connections, "
        f"{asked.rounds} rounds of {asked.seconds:g} s, medians\n"
    )
    print(_ROW.format("server", "rows/s", "p50 ms", "p99 ms", "of bare", "MiB", "client"))
    print("|" + "|".join("-" * width for width in (33, 11, 10, 10, 10, 9, 9)) + "|")
    baseline = statistics.median(found.requests_per_second for found in measured[chosen[0].name])
    for target in chosen:
        rounds = measured[target.name]
        speed = statistics.median(found.requests_per_second for found in rounds)
        usual = statistics.median(found.p50_milliseconds for found in rounds)
        late = statistics.median(found.p99_milliseconds for found in rounds)
        client = statistics.median(found.client_share for found in rounds)
        peak = memory[target.server.name]
        print(
            _ROW.format(
                target.name,
                f"{speed:,.0f}",
                f"{usual:.2f}",
                f"{late:.2f}",
                f"{speed / baseline:.2f}",
                f"{peak:.0f}",
                f"{client:.0%}",
            )
        )


if __name__ == "__main__":
    sys.exit(main())
