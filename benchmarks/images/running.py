"""A container under runc, from the moment of its exec: when it is ready, what it answers, how it ends."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_SECONDS = 180
_LOOK_SECONDS = 0.01


class ContainerFailed(Exception):  # noqa: N818  # of what is measured, not an error of ours
    """The container did not start, answer or end as it must; the message ends with its log."""


@dataclass(frozen=True)
class Seen:
    """What a container was seen to do."""

    ready_seconds: float
    """From its exec to the first answer that it is ready."""
    ready_cpu_seconds: float
    """The processor's time of that."""
    first_seconds: float
    """How long the first prediction took."""
    rows: int
    wrong_rows: int
    largest_difference: float
    peak_bytes: int
    """The most that it held in memory at once."""
    end_seconds: float
    """From SIGTERM to its end."""


def run(folder: Path, config: dict[str, Any], name: str, questions: Sequence[str]) -> Seen:
    """Start the container of `config`, ask it `questions`, look at it from outside, and stop it.

    Raises ContainerFailed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    log = folder / "log"
    with (
        log.open("wb") as stream,
        _created(folder, name, stream) as process,
        _asking(process, questions) as client,
    ):
        start = time.monotonic()
        _runc("start", name)
        ready = json.loads(_line(client, log))["ready"] - start
        cpu = _cpu_seconds(process)
        _assert_confined(process, config)
        found = json.loads(_line(client, log))
        peak = _status(process)["VmHWM"]
        end = _stop(name, process, log)
    return Seen(
        ready_seconds=ready,
        ready_cpu_seconds=cpu,
        first_seconds=found["first"],
        rows=found["rows"],
        wrong_rows=found["wrong"],
        largest_difference=found["largest"],
        peak_bytes=int(peak.split()[0]) * 1024,
        end_seconds=end,
    )


@contextlib.contextmanager
def _created(folder: Path, name: str, stream: Any) -> Iterator[int]:
    """The process of a container that waits for its start."""
    create = ["runc", "create", "--bundle", str(folder), name]
    subprocess.run(create, check=True, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream)
    try:
        yield int(json.loads(_runc("state", name))["pid"])
    finally:
        _runc("delete", "--force", name)


@contextlib.contextmanager
def _asking(process: int, questions: Sequence[str]) -> Iterator[subprocess.Popen[str]]:
    """A client in the network of a process, which asks as soon as there is somebody."""
    inside = ["nsenter", f"--net=/proc/{process}/ns/net"]
    program = [sys.executable, "-m", "benchmarks.images.asking", *questions]
    with subprocess.Popen([*inside, *program], stdout=subprocess.PIPE, text=True) as client:
        assert client.stdout is not None
        try:
            if client.stdout.readline() != "asking\n":
                raise ContainerFailed("the client did not start")
            yield client
        finally:
            client.kill()


def _line(client: subprocess.Popen[str], log: Path) -> str:
    assert client.stdout is not None
    line = client.stdout.readline()
    if not line:
        raise ContainerFailed(
            f"the server does not answer as it must; its log ends:\n{log.read_text()[-3000:]}"
        )
    return line


def _assert_confined(process: int, config: dict[str, Any]) -> None:
    """Raise ContainerFailed where the kernel does not hold the process as its manifest says."""
    status = _status(process)
    mounts = Path(f"/proc/{process}/mounts").read_text().splitlines()
    (root,) = [line.split()[3].split(",") for line in mounts if line.split()[1] == "/"]
    held = {
        "it runs as its user": status["Uid"].split() == [str(config["process"]["user"]["uid"])] * 4,
        "it has no capabilities": all(int(status[name], 16) == 0 for name in ("CapEff", "CapBnd", "CapAmb")),
        "it gets no privileges": status["NoNewPrivs"] == "1",
        "its system calls are filtered": status["Seccomp"] == "2",
        "its root is read-only": "ro" in root,
        "its memory is limited": _memory_limit(config) == config["linux"]["resources"]["memory"]["limit"],
    }
    if not all(held.values()):
        raise ContainerFailed(
            f"of the server's process is not true: {[told for told, is_so in held.items() if not is_so]}"
        )


def _memory_limit(config: dict[str, Any]) -> int:
    """The limit of the container's control group, in either version of them."""
    group, root = config["linux"]["cgroupsPath"], Path("/sys/fs/cgroup")
    first, second = root / f"memory{group}/memory.limit_in_bytes", root / f"{group[1:]}/memory.max"
    return int((first if first.exists() else second).read_text())


def _status(process: int) -> dict[str, str]:
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def _cpu_seconds(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _stop(name: str, process: int, log: Path) -> float:
    """Seconds from SIGTERM to the end, which must be one that the server chose."""
    start = time.monotonic()
    _runc("kill", name, "TERM")
    while Path(f"/proc/{process}/cmdline").exists() and Path(f"/proc/{process}/cmdline").read_bytes():
        if time.monotonic() - start > _SECONDS:
            raise ContainerFailed(f"{name} does not end")
        time.sleep(_LOOK_SECONDS)
    end = time.monotonic() - start
    if '"event":"stop"' not in log.read_text().splitlines()[-1]:
        raise ContainerFailed(f"{name} did not stop by itself; its log ends:\n{log.read_text()[-3000:]}")
    return end


def _runc(*arguments: str) -> str:
    done = subprocess.run(["runc", *arguments], check=False, capture_output=True, text=True)
    if done.returncode != 0 and arguments[0] != "delete":
        raise ContainerFailed(f"`runc {' '.join(arguments)}` failed: {done.stderr}")
    return done.stdout
