"""`python -m benchmarks.features`: the same features by the product and by hand, in turns, as one table."""

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

from benchmarks.environments import interpreter, versions
from benchmarks.features import rows, verify
from benchmarks.processes import Cost, FailedError, cost, medians

_HERE = Path(__file__).parent
_PRODUCT = "aimass-compile"
_BY_HAND = ("polars", "duckdb", "ray data")
#: What the product may take of the others' CPU time at most, and the share of their memory.
_GOALS = {"the fastest by hand": 1.05, "polars with the rest": 1.05, "scikit-learn": 1 / 5, "ludwig": 1 / 30}
_OWN = ("polars", "pyarrow", "numpy", "onnxruntime")


@dataclass(frozen=True)
class Contestant:
    """A program that computes the features, what it needs, and how its results are read."""

    name: str
    script: str
    packages: tuple[str, ...]
    reader: verify.Reader | None
    environment: str = "features"


CONTESTANTS = (
    Contestant(_PRODUCT, "", _OWN, verify.product, ""),
    Contestant("polars", "polars_streaming", ("polars", "polars-hash"), verify.arrow),
    Contestant("polars with the rest", "polars_with_the_rest", ("polars", "polars-hash"), verify.arrow),
    Contestant("duckdb", "duckdb_sql", ("duckdb", "polars-hash"), verify.parquet),
    Contestant("scikit-learn", "pandas_sklearn", ("pandas", "scikit-learn"), verify.matrix),
    Contestant("ray data", "ray_data", ("ray", "polars"), verify.partitions),
    Contestant("ludwig", "ludwig_preprocessing", ("ludwig", "pandas"), None, "ludwig"),
)


@dataclass
class Series:
    """What one contestant took for one format, round by round; or why there is nothing."""

    kind: str
    contestant: str
    costs: list[Cost] = field(default_factory=list)
    failed: str = ""
    same: str = ""


def main() -> int:
    """Measure, compare and print; answers 1 where a contestant failed or computed something else."""
    asked = _arguments()
    chosen = [one for one in CONTESTANTS if not asked.only or one.name in (_PRODUCT, *asked.only.split(","))]
    pythons = {
        name: interpreter(asked.peers, name) for name in sorted({one.environment for one in chosen} - {""})
    }
    with tempfile.TemporaryDirectory(dir=asked.work) as folder:
        files = rows.write(Path(folder), asked.rows)
        series = [Series(kind, one.name) for kind in asked.formats.split(",") for one in chosen]
        for number in range(asked.rounds):
            for found in series:
                contestant = next(one for one in chosen if one.name == found.contestant)
                _measure(contestant, found, files[found.kind], pythons, asked.limit, is_first=number == 0)
                _tell(number, found)
    made_of = {
        one.name: versions(pythons.get(one.environment, sys.executable), one.packages) for one in chosen
    }
    text = "\n".join(_lines(series, made_of, asked)) + "\n"
    print(text, end="")
    if asked.results:
        asked.results.parent.mkdir(parents=True, exist_ok=True)
        asked.results.write_text(text, encoding="utf-8")
    return int(any(found.failed or found.same.startswith("NOT") for found in series))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.features", description=__doc__)
    parser.add_argument("--rows", type=int, default=2_000_000, help="how many rows (default 2,000,000)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each (default 3)")
    parser.add_argument("--formats", default="parquet,csv", help="which files (default parquet,csv)")
    parser.add_argument("--only", help="these contestants beside the product, such as polars,duckdb")
    parser.add_argument("--limit", type=float, default=3600, help="seconds for one of them (default 3600)")
    parser.add_argument(
        "--work", type=Path, help="where rows and results lie meanwhile (default: a temporary folder)"
    )
    parser.add_argument(
        "--peers", type=Path, default=Path("build/peers"), help="their environments (default build/peers)"
    )
    parser.add_argument("--results", type=Path, help="write the table to this file, too")
    return parser.parse_args()


def _measure(
    contestant: Contestant,
    found: Series,
    rows_file: Path,
    pythons: Mapping[str, str],
    limit: float,
    *,
    is_first: bool,
) -> None:
    """One run; the first is compared with the product's, which ran before and is still there."""
    if found.failed:
        return
    own = rows_file.parent / f"{found.kind}-product"
    folder = own if contestant.name == _PRODUCT else rows_file.parent / "theirs"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        if contestant.name == _PRODUCT:
            write_project(folder, rows_file)
            stages = ("prepare", "features")
            commands = [[sys.executable, "-m", "aimass_compiler.runtime", stage, "wide"] for stage in stages]
        else:
            script = str(_HERE / "peers" / f"{contestant.script}.py")
            commands = [[pythons[contestant.environment], script, str(rows_file), str(folder)]]
        found.costs.append(cost(commands, folder, limit, {}))
        if is_first:
            found.same = _compared(contestant, own, folder)
    except FailedError as problem:
        found.failed = str(problem)
    finally:
        if folder != own:
            shutil.rmtree(folder)


def write_project(folder: Path, rows_file: Path) -> None:
    """A project of one spec, compiled."""
    (folder / "aimass.yaml").touch()
    (folder / rows_file.name).symlink_to(rows_file)
    spec = (_HERE / "spec.yaml").read_text(encoding="utf-8").replace("{file}", rows_file.name)
    (folder / "specs").mkdir()
    (folder / "specs" / "wide.yaml").write_text(spec, encoding="utf-8")
    subprocess.run(
        [Path(sys.executable).with_name("aimass"), "compile"], cwd=folder, check=True, capture_output=True
    )


def _compared(contestant: Contestant, own: Path, folder: Path) -> str:
    if contestant.reader is None:
        return "less of it"
    if contestant.name == _PRODUCT:
        return ""
    features = own / "artifacts" / "wide" / "features"
    for split in verify.SPLITS:
        for difference in verify.differences(
            verify.product(features, split), contestant.reader(folder, split)
        ):
            return f"NOT the same: {split} {difference}"
    return "the same"


def _tell(number: int, found: Series) -> None:
    said = found.failed or f"{found.costs[-1].cpu:.1f} s CPU {found.same}"
    print(f"round {number + 1}: {found.kind}: {found.contestant}: {said}", file=sys.stderr, flush=True)


def _lines(
    series: Sequence[Series], made_of: Mapping[str, Mapping[str, str]], asked: argparse.Namespace
) -> Iterator[str]:
    load, python = os.getloadavg()[0], platform.python_version()
    yield f"{asked.rows:,} rows of 20 columns, {asked.rounds} rounds in turns, medians;"
    yield f"{os.cpu_count()} cores ({platform.machine()}, load at the end {load:.1f}; Python {python})"
    yield ""
    yield "| file | contestant | wall | CPU | memory | CPU of the product's | values |"
    yield "|---|---|---:|---:|---:|---:|---|"
    own = {one.kind: medians(one.costs) for one in series if one.contestant == _PRODUCT and one.costs}
    for one in series:
        if one.failed or not one.costs:
            why = one.failed.splitlines()[-1][:80] if one.failed else "not measured"
            yield f"| {one.kind} | {one.contestant} | failed: {why} | | | | |"
            continue
        found = medians(one.costs)
        ratio = f"{found.cpu / own[one.kind].cpu:.2f}×" if one.kind in own else ""
        yield (
            f"| {one.kind} | {one.contestant} | {found.wall:.1f} s | {found.cpu:.1f} s "
            f"| {found.memory:,.0f} MiB | {ratio} | {one.same} |"
        )
    yield ""
    yield from _goals(series, own)
    yield ""
    for name, found in made_of.items():
        yield f"- {name}: {', '.join(f'{package} {version}' for package, version in found.items())}"


def _goals(series: Sequence[Series], own: Mapping[str, Cost]) -> Iterator[str]:
    """Of each format, the product against the fastest by hand, scikit-learn and Ludwig."""
    for kind, mine in own.items():
        costs = {one.contestant: medians(one.costs) for one in series if one.kind == kind and one.costs}
        by_hand = [costs[name] for name in _BY_HAND if name in costs]
        rivals = {"the fastest by hand": min(by_hand, key=lambda one: one.cpu)} if by_hand else {}
        rivals |= {name: costs[name] for name in _GOALS if name in costs}
        for name, theirs in rivals.items():
            time, memory = mine.cpu / theirs.cpu, mine.memory / theirs.memory
            is_reached = time <= _GOALS[name] and memory <= 1
            yield (
                f"- {kind}, against {name}: {time:.2g}× its CPU time (goal: {_GOALS[name]:.2g}×), "
                f"{memory:.2g}× its memory (goal: 1×), {'reached' if is_reached else 'NOT reached'}"
            )


if __name__ == "__main__":
    sys.exit(main())
