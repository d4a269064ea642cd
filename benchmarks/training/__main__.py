"""`python -m benchmarks.training`: one small network trained as whole processes, in turns, as one table."""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy
import onnxruntime

from benchmarks.environments import interpreter, versions
from benchmarks.processes import Cost, FailedError, cost, medians

_HERE = Path(__file__).parent
_ROOT = _HERE.parents[1]
_PRODUCT, _GOAL = "aimass-compile", "lightning"
_FEATURES = Path("artifacts") / "digits" / "features"
#: What each has to reach: all of them learn the same, from other random numbers.
_LEAST_ACCURACY = 0.93


@dataclass(frozen=True)
class Contestant:
    """A program that trains the network, the packages that it is made of, and where these are."""

    name: str
    script: str
    packages: tuple[str, ...]
    environment: str = "training"


CONTESTANTS = (
    Contestant(_PRODUCT, "", ("torch", "onnx", "onnxruntime"), ""),
    Contestant("raw torch", "raw_torch", ("torch",)),
    Contestant("lightning", "with_lightning", ("lightning", "torch")),
    Contestant("skorch", "with_skorch", ("skorch", "torch")),
    Contestant("ray tune", "with_ray_tune", ("ray", "torch")),
    Contestant("ludwig", "with_ludwig", ("ludwig", "torch"), "ludwig"),
)


@dataclass
class Series:
    """What one contestant took, round by round, and how well its network answers; or why there is nothing."""

    contestant: Contestant
    costs: list[Cost] = field(default_factory=list)
    accuracy: float = 0.0
    failed: str = ""


def main() -> int:
    """Measure and print; answers 1 where a contestant failed or has not learned the digits."""
    asked = _arguments()
    only = asked.only.split(",") if asked.only else [one.name for one in CONTESTANTS]
    series = [Series(one) for one in CONTESTANTS if one.name in (_PRODUCT, *only)]
    wanted = dict.fromkeys(found.contestant.environment for found in series if found.contestant.script)
    pythons = {name: interpreter(asked.peers, name) for name in wanted}
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "project"
        _write_project(project)
        for number in range(asked.rounds):
            for found in series:
                if not found.failed:
                    _measure(found, project, Path(folder) / "theirs", pythons, asked.limit)
                    _tell(number, found)
    own = {one.contestant.name: _versions(one.contestant, pythons) for one in series}
    text = "\n".join(_lines(series, own, asked.rounds)) + "\n"
    print(text, end="")
    if asked.results:
        asked.results.parent.mkdir(parents=True, exist_ok=True)
        asked.results.write_text(text, encoding="utf-8")
    return int(any(found.failed or found.accuracy < _LEAST_ACCURACY for found in series))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.training", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each (default 5)")
    parser.add_argument("--only", help="these contestants beside the product, such as lightning,skorch")
    parser.add_argument("--limit", type=float, default=1800, help="seconds for one of them (default 1800)")
    parser.add_argument(
        "--peers", type=Path, default=Path("build/peers"), help="their environments (default build/peers)"
    )
    parser.add_argument("--results", type=Path, help="write the table to this file, too")
    return parser.parse_args()


def _write_project(folder: Path) -> None:
    """A project of one spec whose features are computed."""
    (folder / "specs").mkdir(parents=True)
    (folder / "aimass.yaml").touch()
    shutil.copy(_HERE / "spec.yaml", folder / "specs" / "digits.yaml")
    prepare = [sys.executable, str(_ROOT / "data" / "prepare.py"), "digits", "--folder", str(folder)]
    compiled = [str(Path(sys.executable).with_name("aimass")), "compile"]
    for command in (prepare, compiled, _stage("prepare"), _stage("features")):
        subprocess.run(command, cwd=folder, check=True, capture_output=True)


def _stage(name: str) -> list[str]:
    return [sys.executable, "-m", "aimass_compiler.runtime", name, "digits"]


def _measure(found: Series, project: Path, folder: Path, pythons: Mapping[str, str], limit: float) -> None:
    one = found.contestant
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    command = _stage("train")
    if one.script:
        script = str(_HERE / "peers" / f"{one.script}.py")
        command = [pythons[one.environment], script, str(project / _FEATURES), str(folder)]
    try:
        found.costs.append(cost([command], project, limit, {}))
    except FailedError as problem:
        found.failed = str(problem)
        return
    answers = numpy.load(folder / "answers.npy") if one.script else _answers(project)
    found.accuracy = float((answers == numpy.load(project / _FEATURES / "validation_y.npy")).mean())


def _answers(project: Path) -> numpy.ndarray:
    """What the product's graph says of the validation rows."""
    session = onnxruntime.InferenceSession(project / "artifacts" / "digits" / "train" / "model.onnx")
    rows = numpy.load(project / _FEATURES / "validation_x.npy")
    for output in session.run(None, {session.get_inputs()[0].name: rows}):
        if output.shape == (len(rows), 10):
            return output.argmax(axis=1)
    raise AssertionError("the graph answers no score of each digit")


def _tell(number: int, found: Series) -> None:
    said = found.failed or f"{found.costs[-1].cpu:.1f} s CPU, {found.accuracy:.1%} right"
    print(f"round {number + 1}: {found.contestant.name}: {said}", file=sys.stderr, flush=True)


def _versions(one: Contestant, pythons: Mapping[str, str]) -> Mapping[str, str]:
    return versions(pythons.get(one.environment, sys.executable), one.packages)


def _lines(series: Sequence[Series], made_of: Mapping[str, Mapping[str, str]], rounds: int) -> Iterator[str]:
    load = os.getloadavg()[0]
    yield f"The digits CNN, 10 epochs, as a whole process; {rounds} rounds in turns, medians;"
    yield f"{os.cpu_count()} cores ({platform.machine()}, load at the end {load:.1f};"
    yield f"Python {platform.python_version()})"
    yield ""
    yield "| contestant | wall | CPU | memory | CPU of the product's | right |"
    yield "|---|---:|---:|---:|---:|---:|"
    found = {one.contestant.name: medians(one.costs) for one in series if one.costs}
    for one in series:
        name = one.contestant.name
        if name not in found:
            yield f"| {name} | failed: {one.failed.splitlines()[-1][:80]} | | | | |"
            continue
        spent, share = found[name], found[name].cpu / found[_PRODUCT].cpu if _PRODUCT in found else 0
        yield (
            f"| {name} | {spent.wall:.1f} s | {spent.cpu:.1f} s | {spent.memory:,.0f} MiB "
            f"| {share:.2f}× | {one.accuracy:.1%} |"
        )
    if _GOAL in found and _PRODUCT in found:
        share = found[_PRODUCT].cpu / found[_GOAL].cpu
        yield ""
        yield (
            f"- against {_GOAL}: {share:.2f}× its CPU time (goal: below 1×), "
            f"{'reached' if share < 1 else 'NOT reached'}"
        )
    yield ""
    for name, packages in made_of.items():
        yield f"- {name}: {', '.join(f'{package} {version}' for package, version in packages.items())}"


if __name__ == "__main__":
    sys.exit(main())
