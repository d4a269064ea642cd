"""`python -m benchmarks.compile`: aimass-compile and its peers on the same model services, as one table."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.compile.cases import (
    FOR_MANY,
    FOR_ONE,
    Sizes,
    many_models,
    most_models,
    one_model,
    some_models,
)
from benchmarks.compile.contenders import PARTIAL, peer_task
from benchmarks.compile.measure import cost
from benchmarks.compile.peers import Peer, Task
from benchmarks.compile.peers.kustomize import KubectlApart
from benchmarks.compile.report import report, table
from benchmarks.compile.rounds import Series, better_ways, measured
from benchmarks.compile.tools import Tools, installed
from benchmarks.compile.verify import Objects, compare, objects
from benchmarks.compile.work import ENVIRONMENTS, services

_VERIFIED = 10
_VERIFY_SECONDS = 600
#: What the largest case leaves, with room to spare.
_WORK_BYTES = 4 << 30


def main() -> int:
    """Install, verify, measure and report; answers 1 when a tool did other work than the rest."""
    asked = _arguments()
    tools = installed(asked.build)
    sizes = Sizes(20, 100, 1000) if asked.quick else Sizes(100, 1000, 10_000)
    series: list[Series] = []
    if asked.work:
        asked.work.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=asked.work or _memory() or asked.build) as folder:
        work = Path(folder).absolute()
        sentences = dict(_verified(_available(FOR_MANY, tools, asked.only), tools, work / "verify"))
        for group in _measurements(tools, work, sizes, asked):
            print("\n".join(table(group)), "\n", flush=True)
            series += group
        report(series, sentences, tools, sizes, work, asked.results)
    return int(any("NOT THE SAME WORK" in sentence for sentence in sentences.values()))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compile", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer models and rounds: minutes")
    parser.add_argument("--rounds", type=int, default=11, help="rounds of the small cases (default 11)")
    parser.add_argument(
        "--limit", type=float, default=90, help="seconds after which a trial is ended (default 90)"
    )
    parser.add_argument("--only", default="", help="names of peers' programs, with commas (default: all)")
    parser.add_argument(
        "--build", type=Path, default=Path("build/benchmarks"), help="the peers' folder (build/benchmarks)"
    )
    parser.add_argument(
        "--work", type=Path, default=None, help="where the projects lie (in memory where there is room)"
    )
    parser.add_argument("--results", type=Path, default=None, help="a Markdown file to write the table to")
    return parser.parse_args()


def _memory() -> Path | None:
    """Where files lie in memory, if they have room there.

    A disk takes longer the more files were deleted on it before, and so measures what ran earlier.
    """
    folder = Path("/dev/shm")  # noqa: S108  # the folder in it is made by tempfile
    return folder if folder.is_dir() and shutil.disk_usage(folder).free > _WORK_BYTES else None


def _available(peers: Sequence[Peer], tools: Tools, only: str) -> list[Peer]:
    asked = only.split(",") if only else tools.paths
    return [peer for peer in peers if peer.tool in tools.paths and peer.tool in asked]


def _verified(peers: Sequence[Peer], tools: Tools, folder: Path) -> Iterator[tuple[str, str]]:
    """For each peer, how its objects compare with those that kubectl makes of aimass-compile's manifests.

    Ten services from all over the thousand, so that every value differs between some of them.
    """
    chosen = services(1000)[:: 1000 // _VERIFIED]
    reference = KubectlApart()
    wanted = _objects(reference, peer_task(reference, tools, folder / "reference", chosen, ENVIRONMENTS))
    for peer in peers:
        if peer.name not in PARTIAL:
            found = _objects(peer, peer_task(peer, tools, folder, chosen, ENVIRONMENTS))
            sentence = compare(wanted, found).sentence()
            print(f"{peer.name}: {sentence}", flush=True)
            yield peer.name, sentence


def _objects(peer: Peer, task: Task) -> Objects:
    cost(peer.calls(task), _cores(), _VERIFY_SECONDS)
    return objects(peer.texts(task))


def _measurements(
    tools: Tools, work: Path, sizes: Sizes, asked: argparse.Namespace
) -> Iterator[list[Series]]:
    """Group by group."""
    few, limit, cores = 3, asked.limit, _cores()
    peers = _available(FOR_ONE, tools, asked.only)
    yield measured(list(one_model(tools, work / "one", peers)), asked.rounds, limit, cores)
    peers = _available(FOR_MANY, tools, asked.only)
    some = measured(list(some_models(tools, work / "some", peers, sizes)), few, limit, cores)
    yield some
    best = better_ways(peers, some)
    yield measured(list(many_models(tools, work / "many", best, sizes)), few, limit, cores)
    yield measured(list(most_models(tools, work / "most", sizes)), 1, 10 * limit, cores)


def _cores() -> int:
    return os.cpu_count() or 1


if __name__ == "__main__":
    sys.exit(main())
