"""`python -m benchmarks.fleet`: a company with the rules of its fleet, and with those of each model.

For each: the bytes that are generated, the rules that Prometheus loads and what it reads for them, and how
long compiling takes, all of it and after a change of one model.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from aimass_compiler.version import __version__
from benchmarks.fleet.company import SETTINGS, TRAINED_IN_CLUSTER, build, change
from benchmarks.fleet.samples import read_in_a_second
from benchmarks.processes import Cost, cost, medians

ENVIRONMENTS = 3
_SECONDS = 3600.0
_CODE = "import sys; from aimass_compiler.cli import main; sys.exit(main(sys.argv[1:]))"
#: What is compared, by how it is called in the table.
WAYS = {
    "rules of each model": SETTINGS["model"],
    "rules of the fleet": SETTINGS["fleet"],
    "rules of the fleet, training jobs": TRAINED_IN_CLUSTER,
}


@dataclass
class Measured:
    """What one way takes."""

    of_models: int = 0
    """Bytes, of all models."""
    of_fleet: int = 0
    rules: int = 0
    groups: int = 0
    samples: float = 0
    evaluations: float = 0
    costs: dict[str, Cost] = field(default_factory=dict)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fleet", description=__doc__)
    parser.add_argument("--models", type=int, default=1000, help="how many there are (default 1000)")
    parser.add_argument("--teams", type=int, default=30, help="whose they are (default 30)")
    parser.add_argument("--rounds", type=int, default=3, help="changes of one model (default 3)")
    parser.add_argument("--results", type=Path, help="write the table to this file, too")
    asked = parser.parse_args()
    found = {name: _measured(settings, asked) for name, settings in WAYS.items()}
    table = "\n".join(_table(found, asked)) + "\n"
    print(table, end="")
    if asked.results:
        asked.results.write_text(table, encoding="utf-8")
    return 0


def _measured(settings: str, asked: argparse.Namespace) -> Measured:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "company"
        root.mkdir()
        paths = build(root, asked.models, asked.teams, settings)
        found = Measured(costs={"compile all": _aimass(root, "compile")})
        _count(root, paths, found)
        rounds: dict[str, list[Cost]] = {}
        for number in range(asked.rounds):
            change(root, paths[number])
            rounds.setdefault("plan one change", []).append(_aimass(root, "plan"))
            rounds.setdefault("compile one change", []).append(_aimass(root, "compile"))
        found.costs |= {name: medians(costs) for name, costs in rounds.items()}
        found.costs["compile, nothing changed"] = _aimass(root, "compile")
        shutil.rmtree(root)
    return found


def _aimass(root: Path, *words: str) -> Cost:
    command = [sys.executable, "-c", _CODE, *words, "--root", str(root)]
    return cost([command], root, _SECONDS, {"AIMASS_CACHE_DIR": str(root.parent / "cache")})


def _count(root: Path, paths: list[str], found: Measured) -> None:
    for file in (root / "generated").rglob("*"):
        if file.is_file():
            size = file.stat().st_size
            is_of_fleet = file.relative_to(root / "generated").parts[0] == "fleet"
            found.of_models += 0 if is_of_fleet else size
            found.of_fleet += size if is_of_fleet else 0
    servers = sum(_servers(root, path) for path in paths)
    own = [
        _groups(file)
        for path in paths
        for file in (root / "generated" / path).rglob("overlays/*/*alerts.yaml")
    ]
    for groups in own:
        _add(found, groups, servers / len(own), 1)
    shared = root / "generated" / "fleet" / "monitoring" / "rules.yaml"
    if shared.is_file():
        # Each environment's cluster has its own Prometheus, which loads them once.
        for _ in range(ENVIRONMENTS):
            _add(found, _groups(shared), servers / ENVIRONMENTS, len(paths))


def _add(found: Measured, groups: list[dict[str, Any]], servers: float, models: int) -> None:
    found.groups += len(groups)
    for group in groups:
        interval = int(group.get("interval", "30s").rstrip("ms")) * (
            60 if "m" in group.get("interval", "") else 1
        )
        found.evaluations += len(group["rules"]) / interval
        found.rules += len(group["rules"])
    found.samples += read_in_a_second(groups, servers, models)


def _groups(file: Path) -> list[dict[str, Any]]:
    document = yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    found: list[dict[str, Any]] = document["spec"]["groups"]
    return found


def _servers(root: Path, path: str) -> int:
    """The fewest servers of a model, of all environments together."""
    spec = yaml.load((root / "specs" / f"{path}.yaml").read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    own = spec["environments"]
    least = [own.get(name, spec)["serving"]["replicas"]["min"] for name in ("dev", "staging", "prod")]
    return sum(least)


def _table(found: Mapping[str, Measured], asked: argparse.Namespace) -> Iterator[str]:
    load = f"{os.getloadavg()[0]:.1f}"
    yield f"{asked.models} models of {asked.teams} teams in {ENVIRONMENTS} environments,"
    yield f"aimass {__version__}, {os.cpu_count()} cores ({platform.machine()}, load {load});"
    yield f"changes are the median of {asked.rounds}"
    yield ""
    yield f"| | {' | '.join(found)} |"
    yield f"|---|{'---:|' * len(found)}"
    first = next(iter(found.values()))

    def line(name: str, cells: list[str]) -> str:
        return f"| {name} | {' | '.join(cells)} |"

    every = list(found.values())
    yield line("generated a model, kB", [f"{each.of_models / asked.models / 1000:.1f}" for each in every])
    yield line("generated once, kB", [f"{each.of_fleet / 1000:.0f}" for each in every])
    for name, value in (
        ("rules loaded", "rules"),
        ("groups", "groups"),
    ):
        yield line(name, [f"{getattr(each, value):,}" for each in every])
    yield line(
        "rules, of those of each model",
        [f"{each.rules / first.rules:.2%}" for each in every],
    )
    yield line(
        "evaluations a second",
        [f"{each.evaluations:,.0f} ({each.evaluations / first.evaluations:.1%})" for each in every],
    )
    yield line(
        "samples read a second, computed",
        [f"{each.samples / 1e6:,.2f} M ({each.samples / first.samples:.1%})" for each in every],
    )
    for name in first.costs:
        yield line(f"{name}, s / CPU s / MiB", [_cost(each.costs[name]) for each in every])


def _cost(found: Cost) -> str:
    return f"{found.wall:.1f} / {found.cpu:.1f} / {found.memory:.0f}"


if __name__ == "__main__":
    sys.exit(main())
