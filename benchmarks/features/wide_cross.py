"""`python -m benchmarks.features.wide_cross`: the stages `features` and `train` over a wide hashed cross.

Each stage runs in a process of its own, whose highest resident memory Linux knows (`VmHWM`).
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy
import polars

from aimass_compiler.catalog import load
from aimass_compiler.catalog.task import Task
from aimass_compiler.catalog.transforms.cross import Cross
from aimass_compiler.catalog.transforms.drop import Drop
from aimass_compiler.catalog.transforms.standardize import Standardize
from aimass_compiler.conventions import SPLITS
from aimass_compiler.pipeline.data import Data
from aimass_compiler.pipeline.evaluation import Retraining
from aimass_compiler.pipeline.training import Objective, Search, Training
from aimass_compiler.runtime.stages import features, train
from aimass_compiler.runtime.workspace import Workspace

ROOT = Path(__file__).parents[2]
TASK = Task(kind="classification", target="bought", classes=("no", "yes"))
NUMBERS = tuple(f"x{place}" for place in range(9))
MODELS: Mapping[str, Mapping[str, Any]] = {
    "logistic_regression": {},
    "xgboost": {"n_estimators": 20},
}
_SHARES = (0.8, 0.1, 0.1)
_MODULES = ("numpy", "polars", "scipy", "sklearn", "xgboost")
_GIGABYTE = 1e9


def write_rows(workspace: Workspace, count: int) -> None:
    """Rows as `prepare` leaves them: numbers, two categories that matter together, and a target."""
    for seed, (split, share) in enumerate(zip(SPLITS, _SHARES, strict=True)):
        chance, rows = numpy.random.default_rng(seed), round(count * share)
        shop, article = chance.integers(0, 300, rows), chance.integers(0, 300, rows)
        numbers = {name: chance.normal(size=rows) for name in NUMBERS}
        signal = numbers["x0"] + numpy.sin(shop * 300 + article) + chance.normal(size=rows)
        table = polars.DataFrame(
            {
                **numbers,
                "shop": polars.Series(shop).cast(polars.String),
                "article": polars.Series(article).cast(polars.String),
                "bought": numpy.where(signal > 0, "yes", "no"),
            }
        )
        table.write_parquet(workspace.folder("prepare") / f"{split}.parquet")


def run_stage(name: str, workspace: Workspace, places: int) -> None:
    """Run one stage: `features`, or `train` of a model by its name."""
    if name != "features":
        model = load("models", name)(**MODELS[name])
        objective = Objective(metric="log_loss")
        train.run(TASK, model, objective, Search(), Training(), Retraining(), workspace=workspace)
        return
    categories = ("shop", "article")
    transforms = (
        Standardize(columns=NUMBERS),
        Cross(columns=categories, size=places, name="both"),
        Drop(columns=categories),
    )
    declared = {**dict.fromkeys(NUMBERS, "number"), **dict.fromkeys(categories, "category")}
    target = {"bought": {"type": "category", "values": list(TASK.classes)}}
    data = Data.model_validate({"sources": {"rows": "rows.parquet"}, "columns": declared | target})
    features.run(data.columns, TASK, transforms, workspace=workspace)


def measured(name: str, folder: Path, places: int) -> dict[str, float]:
    """Run a stage in a process of its own; answers its peak memory in bytes and its CPU seconds."""
    command = [
        sys.executable,
        "-m",
        "benchmarks.features.wide_cross",
        "--stage",
        name,
        "--folder",
        str(folder),
    ]
    done = subprocess.run(
        [*command, "--places", str(places)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise SystemExit(f"{name} failed:\n{done.stdout}{done.stderr}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> int:
    """Measure and print; with `--stage`, be one of the processes that are measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.features.wide_cross", description=__doc__)
    parser.add_argument("--rows", type=int, default=2_000_000, help="rows of all splits (default 2,000,000)")
    parser.add_argument("--places", type=int, default=1000, help="places of the cross (default 1,000)")
    parser.add_argument("--results", type=Path, help="write the table to this file, too")
    parser.add_argument("--stage", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.stage:
        run_stage(asked.stage, Workspace(asked.folder, "wide"), asked.places)
        status = Path("/proc/self/status").read_text(encoding="utf-8")
        peak = int(status.partition("VmHWM:")[2].split()[0]) * 1024
        times = os.times()
        print(json.dumps({"peak": peak, "seconds": times.user + times.system}))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(Path(folder), "wide")
        write_rows(workspace, asked.rows)
        found = {name: measured(name, Path(folder), asked.places) for name in ("features", *MODELS)}
        disk = sum(path.stat().st_size for path in workspace.folder("features").glob("*_x.npy"))
    table = "\n".join(_table(asked.rows, asked.places, disk, found)) + "\n"
    print(table, end="")
    if asked.results:
        asked.results.parent.mkdir(parents=True, exist_ok=True)
        asked.results.write_text(table, encoding="utf-8")
    return 0


def _table(rows: int, places: int, disk: int, found: Mapping[str, Mapping[str, float]]) -> Iterator[str]:
    width = len(NUMBERS) + places
    trained = math.floor(rows * _SHARES[0])
    packages = ", ".join(f"{name} {import_module(name).__version__}" for name in _MODULES)
    yield f"{rows:,} rows, {trained:,} of them to learn from, of {len(NUMBERS)} numbers and a cross"
    yield f"of {places:,} places, on {os.cpu_count()} cores ({platform.machine()},"
    yield f"load {os.getloadavg()[0]:.1f}; Python {platform.python_version()}, {packages})"
    yield ""
    yield f"On disk: {disk / _GIGABYTE:.2f} GB; as float32 it would be {4 * rows * width / _GIGABYTE:.1f} GB."
    yield ""
    yield "| stage | peak memory | CPU |"
    yield "|---|---:|---:|"
    for name, numbers in found.items():
        parameters = ", ".join(f"{key} {value}" for key, value in MODELS.get(name, {}).items())
        shown = name if name not in MODELS else f"train {name}{f' ({parameters})' if parameters else ''}"
        yield f"| {shown} | {numbers['peak'] / _GIGABYTE:.2f} GB | {numbers['seconds']:.0f} s |"


if __name__ == "__main__":
    sys.exit(main())
