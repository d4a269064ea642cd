"""`python -m benchmarks.shared_servers`: many models in one server, beside a server for each, as a table."""

from __future__ import annotations

import argparse
import contextlib
import http.client
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
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.environments import interpreter, versions
from benchmarks.shared_servers.load import Answered, Caller, hold
from benchmarks.shared_servers.models import infer, names, write_mlserver, write_models

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_START_SECONDS = 600
_PEERS = Path(__file__).parent / "peers"
_OURS = ("onnxruntime", "numpy", "uvicorn", "uvloop", "httptools", "orjson")
_ROW = "| {:<42} | {:>6} | {:>9} | {:>13} | {:>8} | {:>8} | {:>7} |"


@dataclass
class Fleet:
    """Processes that together serve some models, and what was measured of them."""

    name: str
    models: Sequence[str]
    processes: list[subprocess.Popen[bytes]]
    callers: list[Caller]
    seconds: float
    rounds: list[Answered] = field(default_factory=list)

    @property
    def mebibytes(self) -> float:
        """The memory of all processes; what several share is divided among them (PSS)."""
        return sum(_share(pid) for process in self.processes for pid in _with_children(process.pid)) / 1024

    def signal(self, number: signal.Signals) -> None:
        for process in self.processes:
            for pid in _with_children(process.pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)


def main() -> int:
    """Measure and print; answers 1 when a server answered other than 200."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that what is started ends with this
    asked = _arguments()
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as running:
        fleets = list(_fleets(Path(folder), asked, running))
        for number in range(asked.rounds + 1):
            for fleet in fleets:
                fleet.signal(signal.SIGCONT)
                time.sleep(0.5)
                round_ = hold(fleet.callers, asked.rate, asked.seconds if number else 2)
                # The first round only warms up.
                fleet.rounds.extend([round_] if number else [])
                fleet.signal(signal.SIGSTOP)  # so that its idling costs the others nothing
        _print(fleets, asked)
        for fleet in fleets:
            fleet.signal(signal.SIGCONT)
    return int(any(round_.failed for fleet in fleets for round_ in fleet.rounds))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.shared_servers", description=__doc__)
    parser.add_argument("--models", type=int, default=200, help="models (default 200)")
    parser.add_argument("--alone", type=int, default=40, help="servers of one model each (default 40)")
    parser.add_argument("--rate", type=float, default=200, help="requests a second, together (default 200)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each (default 3)")
    parser.add_argument("--seconds", type=float, default=10, help="length of a round (default 10)")
    parser.add_argument(
        "--peers", type=Path, default=Path("build/peers"), help="where MLServer's environment is or is made"
    )
    return parser.parse_args()


def _fleets(folder: Path, asked: argparse.Namespace, running: contextlib.ExitStack) -> Iterator[Fleet]:
    models = names(asked.models)
    write_models(folder / "models", models)
    packages = folder / "models" / "packages"
    program = [sys.executable, "-m", "aimass_compiler.runtime.server"]
    alone = [[*program, str(packages / model)] for model in models[: asked.alone]]
    one = _started("a server alone, all the load", models[:1], alone[:1], running, folder)
    one.callers *= asked.models  # as many connections as the shared server has
    yield one
    yield _started("servers of one model each", models[: asked.alone], alone, running, folder)
    shared = [sys.executable, "-m", "aimass_compiler.runtime.server.shared", str(folder / "models")]
    yield _started("one shared server", models, [shared], running, folder)
    python = interpreter(asked.peers, "shared_servers")
    if "mlserver" not in versions(python, ("mlserver",)):
        print("skipped MLServer: it is not installed")
        return
    port = _free_port()
    write_mlserver(folder / "mlserver", models, packages, port)
    command = [python, "-m", "mlserver.cli.main", "start", str(folder / "mlserver")]
    yield _started("MLServer, all models", models, [command], running, folder, port)


def _started(
    name: str,
    models: Sequence[str],
    commands: Sequence[Sequence[str]],
    running: contextlib.ExitStack,
    folder: Path,
    port: int | None = None,
) -> Fleet:
    """Start all processes one after the other, and wait until each answers for its models."""
    began = time.monotonic()
    processes, callers = [], []
    each = len(models) // len(commands)
    for number, command in enumerate(commands):
        own = port or _free_port()
        flags = [] if port else ["--host=127.0.0.1", f"--port={own}"]
        log = running.enter_context((folder / f"{len(name)}-{number}.log").open("wb"))
        process = subprocess.Popen(
            [*command, *flags], stdout=log, stderr=log, env={**os.environ, "PYTHONPATH": _path()}
        )
        running.callback(_end, process)
        processes.append(process)
        served = models[number * each : (number + 1) * each]
        _wait(name, process, own, served[-1])
        callers += [Caller(own, infer(model, own)) for model in served]
    print(f"started: {name}", flush=True)
    return Fleet(name, models, processes, callers, time.monotonic() - began)


def _path() -> str:
    return os.pathsep.join([str(_PEERS), str(Path.cwd())])


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _wait(name: str, process: subprocess.Popen[bytes], port: int, model: str) -> None:
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
            connection.request("GET", f"/v2/models/{model}/ready")
            if connection.getresponse().status == 200:  # OK
                return
        time.sleep(0.1)
    raise RuntimeError(f"{name} did not start within {_START_SECONDS} s")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGCONT)
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(10)


def _with_children(pid: int) -> Iterator[int]:
    yield pid
    for status in Path("/proc").glob("[0-9]*/status"):
        with contextlib.suppress(OSError):
            if re.search(rf"^PPid:\t{pid}$", status.read_text(), re.MULTILINE):
                yield from _with_children(int(status.parent.name))


def _share(pid: int) -> int:
    with contextlib.suppress(OSError):
        found = re.search(r"^Pss:\s+(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
        return int(found[1]) if found else 0
    return 0


def _print(fleets: Sequence[Fleet], asked: argparse.Namespace) -> None:
    print(f"\nPython {platform.python_version()}, {os.cpu_count()} cores, shared by servers and client")
    made_of = versions(sys.executable, _OURS)
    print("ours: " + ", ".join(f"{name} {version}" for name, version in made_of.items()))
    print(
        f"one row of 30 numbers a request, {asked.rate:g} requests/s together, {asked.rounds} rounds of "
        f"{asked.seconds:g} s by turns, medians; load of the machine {os.getloadavg()[0]:.1f}\n"
    )
    print(_ROW.format("servers", "models", "MiB (PSS)", "MiB a model", "p50 ms", "p99 ms", "start s"))
    print("|" + "|".join("-" * width for width in (44, 8, 11, 15, 10, 10, 9)) + "|")
    for fleet in fleets:
        p50, p99 = (
            statistics.median(getattr(round_, f"{name}_milliseconds") for round_ in fleet.rounds)
            for name in ("p50", "p99")
        )
        size, count = fleet.mebibytes, len(fleet.models)
        print(
            _ROW.format(
                fleet.name,
                count,
                f"{size:,.0f}",
                f"{size / count:.2f}",
                f"{p50:.2f}",
                f"{p99:.2f}",
                f"{fleet.seconds:.1f}",
            )
        )


if __name__ == "__main__":
    sys.exit(main())
