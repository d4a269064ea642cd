"""`python -m benchmarks.language_model`: tickets fine-tuned as whole processes, in turns, as one table."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import polars

from benchmarks.environments import interpreter, versions
from benchmarks.language_model.project import LARGER, MODEL, stage, write_project
from benchmarks.processes import Cost, cost, medians

_HERE = Path(__file__).parent
_PRODUCT, _PEER = "aimass-compile", "bare trl"
_PACKAGES = ("trl", "transformers", "peft", "torch")
#: What the product may take of the peer's CPU time.
_MOST = 1.05
#: Both learn the same, from other random numbers; below this, neither hesitates between two answers.
_MOST_PERPLEXITY = 1.2
_OFFLINE = {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}


def main() -> int:
    """Measure and print; answers 1 where the product takes too long or one of them has not learned."""
    asked = _arguments()
    python = interpreter(asked.peers, "language_model")
    costs: dict[str, list[Cost]] = {_PRODUCT: [], _PEER: []}
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "project"
        write_project(project, asked.larger)
        _write_rows(project)
        theirs = Path(folder) / "theirs"
        script = str(_HERE / "peers" / "with_trl.py")
        peer = [python, script, str(project / "rows"), str(project / "models" / "base"), str(theirs), "1"]
        for number in range(asked.rounds):
            for name, command in ((_PRODUCT, stage("train")), (_PEER, peer)):
                shutil.rmtree(theirs, ignore_errors=True)
                costs[name].append(cost([command], project, asked.limit, _OFFLINE))
                print(
                    f"round {number + 1}: {name}: {costs[name][-1].cpu:.1f} s CPU",
                    file=sys.stderr,
                    flush=True,
                )
        reached = {_PRODUCT: _own_perplexity(project), _PEER: _their_perplexity(theirs)}
    made_of = {_PRODUCT: versions(sys.executable, _PACKAGES), _PEER: versions(python, _PACKAGES)}
    found = {name: medians(each) for name, each in costs.items()}
    text = "\n".join(_lines(found, reached, made_of, asked.rounds)) + "\n"
    print(text, end="")
    if asked.results:
        asked.results.parent.mkdir(parents=True, exist_ok=True)
        asked.results.write_text(text, encoding="utf-8")
    is_slow = found[_PRODUCT].cpu > _MOST * found[_PEER].cpu
    has_learned = asked.larger or max(reached.values()) <= _MOST_PERPLEXITY
    return int(is_slow or not has_learned)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.language_model", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each (default 3)")
    parser.add_argument("--limit", type=float, default=1800, help="seconds for one of them (default 1800)")
    parser.add_argument(
        "--peers", type=Path, default=Path("build/peers"), help="their environments (default build/peers)"
    )
    parser.add_argument(
        "--larger",
        type=int,
        choices=LARGER,
        help="a base of so many million random weights",
    )
    parser.add_argument("--results", type=Path, help="write the table to this file, too")
    return parser.parse_args()


def _write_rows(folder: Path) -> None:
    """The features of a project, and its rows for the peer."""
    for name in ("prepare", "features"):
        subprocess.run(stage(name), cwd=folder, check=True, capture_output=True)
    (folder / "rows").mkdir()
    for split in ("train", "validation"):
        rows = polars.read_parquet(folder / "artifacts" / MODEL / "prepare" / f"{split}.parquet")
        rows.write_ndjson(folder / "rows" / f"{split}.jsonl")


def _own_perplexity(project: Path) -> float:
    best = json.loads((project / "artifacts" / MODEL / "train" / "best.json").read_text(encoding="utf-8"))
    return float(best["value"])


def _their_perplexity(folder: Path) -> float:
    return float(json.loads((folder / "reached.json").read_text(encoding="utf-8"))["perplexity"])


def _lines(
    found: Mapping[str, Cost],
    reached: Mapping[str, float],
    made_of: Mapping[str, Mapping[str, str]],
    rounds: int,
) -> Iterator[str]:
    yield f"Tickets by LoRA, 3 epochs, as a whole process of one thread; {rounds} rounds in turns, medians;"
    yield f"{os.cpu_count()} cores ({platform.machine()}), load at the end {os.getloadavg()[0]:.1f}"
    yield ""
    yield "| contestant | wall | CPU | memory | perplexity |"
    yield "|---|---:|---:|---:|---:|"
    for name, spent in found.items():
        yield (
            f"| {name} | {spent.wall:.1f} s | {spent.cpu:.1f} s | {spent.memory:,.0f} MiB "
            f"| {reached[name]:.3f} |"
        )
    share = found[_PRODUCT].cpu / found[_PEER].cpu
    yield ""
    verdict = "reached" if share <= _MOST else "NOT reached"
    yield f"- {share:.2f}× the CPU time of {_PEER} (goal: at most {_MOST:g}×), {verdict}"
    for name, packages in made_of.items():
        yield f"- {name}: {', '.join(f'{package} {version}' for package, version in packages.items())}"


if __name__ == "__main__":
    sys.exit(main())
