"""`python -m benchmarks.language_model.serving`: our server of text against the engine's own loop.

Both write the same answers from the same graph, in turns, with one thread each; the server streams them.
First tokens are compared where the machine was least busy, at their lower decile. `engine µs` is what a
token takes of a CPU in the model's process, `all µs` in the server's other process, too: on a busy machine,
wall time says nothing.
"""

from __future__ import annotations

import argparse
import http.client
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from aimass_compiler import conventions
from aimass_compiler.programs.model_server import HOST, running
from aimass_compiler.runtime import language_server
from benchmarks.environments import versions
from benchmarks.language_model.project import LARGER, package

_EXAMPLE = Path(language_server.__path__[0]) / "example"
_ROW = "| {:<27} | {:>10} | {:>15} | {:>12} | {:>11} | {:>5} |"
_PACKAGES = ("onnxruntime-genai", "onnxruntime", "uvicorn", "uvloop")


def main() -> int:
    """Measure and print medians, of first tokens in brackets; answers 1 where the server costs too much."""
    asked = _arguments()
    with tempfile.TemporaryDirectory() as folder:
        if asked.larger:
            asked.package = package(Path(folder) / "project", asked.larger)
        return _measured(asked)


def _measured(asked: argparse.Namespace) -> int:
    golden = json.loads((asked.package / conventions.GOLDEN_FILE).read_text())["prompts"][0]["prompt_ids"]
    program = str(Path(__file__).with_name("bare_engine.py"))
    bare = subprocess.Popen(
        [sys.executable, program, str(asked.package / conventions.ONNX_FOLDER)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    print(_ROW.format("", "tokens/s", "first token ms", "engine µs", "all µs", "MiB"))
    print(_ROW.format(*("-" * width for width in (27, 10, 15, 12, 11, 5))))
    is_good = True
    with running(asked.package) as server:
        engine = _children(server.process.pid)
        for at_once in (1, 8):
            rounds: dict[str, list[dict[str, Any]]] = {"bare": [], "served": []}
            for number in range(asked.rounds + 1):
                work = (golden, asked.answers, asked.tokens, at_once)
                found = {
                    "bare": _timed(partial(_bare, bare, work), [bare.pid], []),
                    "served": _timed(partial(_served, server.port, work), engine, [server.process.pid]),
                }
                for name, round_ in found.items():
                    rounds[name].extend([round_] if number else [])  # the first only warms up
            is_good &= _print(at_once, rounds, bare.pid, server.process.pid)
    bare.terminate()
    print(", ".join(f"{name} {version}" for name, version in versions(sys.executable, _PACKAGES).items()))
    return int(not is_good)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.language_model.serving", description=__doc__)
    parser.add_argument("--package", type=Path, default=_EXAMPLE, help="default: the server's tiny example")
    parser.add_argument(
        "--larger", type=int, choices=LARGER, help="make and take one of so many million weights (minutes)"
    )
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each (default 5)")
    parser.add_argument("--answers", type=int, default=16, help="answers of a round (default 16)")
    parser.add_argument("--tokens", type=int, default=100, help="tokens of an answer (default 100)")
    return parser.parse_args()


def _timed(ask: Callable[[], dict[str, Any]], engine: Sequence[int], others: Sequence[int]) -> dict[str, Any]:
    """A round with the microseconds of CPU that each token took, in the engine and in all processes."""
    before = [sum(map(_cpu, processes)) for processes in (engine, others)]
    found = ask()
    took = [sum(map(_cpu, of)) - then for of, then in zip((engine, others), before, strict=True)]
    each = 1e6 / found["tokens"]
    return {**found, "engine": took[0] * each, "all": sum(took) * each}


def _cpu(process: int) -> float:
    """Seconds of all threads of a process, in nanoseconds' steps: those of /proc/PID/stat are hundredths."""
    tasks = Path(f"/proc/{process}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def _bare(process: subprocess.Popen[str], work: tuple[Any, ...]) -> dict[str, Any]:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(work) + "\n")
    process.stdin.flush()
    found: dict[str, Any] = json.loads(process.stdout.readline())
    return found


def _served(port: int, work: tuple[Any, ...]) -> dict[str, Any]:
    ids, answers, tokens, at_once = work
    connections = threading.local()

    def ask(_: int) -> tuple[float, int]:
        if not hasattr(connections, "own"):
            connections.own = http.client.HTTPConnection(HOST, port, timeout=60)
        started = time.perf_counter()
        document = {"prompt": ids, "max_tokens": tokens, "min_tokens": tokens, "stream": True}
        document["stream_options"] = {"include_usage": True}
        connections.own.request("POST", conventions.COMPLETIONS_PATH, json.dumps(document))
        response = connections.own.getresponse()
        first, used = 0.0, 0
        for line in response:
            if line.startswith(b"data: {") and not first:
                first = time.perf_counter() - started
            if b'"usage":{' in line:
                used = json.loads(line[6:])["usage"]["completion_tokens"]
        return first, used

    began = time.perf_counter()
    with ThreadPoolExecutor(at_once) as callers:
        found = list(callers.map(ask, range(answers)))
    seconds = time.perf_counter() - began
    tokens = sum(used for _, used in found)
    return {"first": [first for first, _ in found], "seconds": seconds, "tokens": tokens}


def _print(at_once: int, rounds: dict[str, list[dict[str, Any]]], *processes: int) -> bool:
    rates, firsts = {}, {}
    for (name, found), process in zip(rounds.items(), processes, strict=True):
        rates[name] = statistics.median(each["tokens"] / each["seconds"] for each in found)
        each_first = [first * 1000 for each in found for first in each["first"]]
        firsts[name] = statistics.quantiles(each_first, n=10)[0]
        first = f"{firsts[name]:.2f} ({statistics.median(each_first):.1f})"
        cpu = [f"{statistics.median(each[of] for each in found):.0f}" for of in ("engine", "all")]
        memory = f"{_mebibytes(process):.0f}"
        print(_ROW.format(f"{name}, {at_once} at once", f"{rates[name]:,.0f}", first, *cpu, memory))
    share, added = rates["served"] / rates["bare"], firsts["served"] - firsts["bare"]
    label = f"served / bare, {at_once} at once"
    print(_ROW.format(label, f"{share:.0%}", f"{added:+.2f}", "", "", ""))
    return share >= 0.95 and added <= 2


def _mebibytes(process: int) -> float:
    """The most memory of a process and of those that it started."""
    return sum(_peak(each) for each in (process, *_children(process)))


def _children(process: int) -> list[int]:
    return list(map(int, Path(f"/proc/{process}/task/{process}/children").read_text().split()))


def _peak(process: int) -> float:
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


if __name__ == "__main__":
    sys.exit(main())
