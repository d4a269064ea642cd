"""`python -m benchmarks.fleet.applying`: a release of one model, brought to a cluster that has many.

All models of a company are applied to one environment of a real control plane, whose nodes only say that
they run. Then one model is released after the other, and what takes it there is measured:
`aimass apply --changed`, and Flux's own controllers, which are told of each commit as by a webhook.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import secrets
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from aimass_compiler import conventions
from aimass_compiler.cli import main as aimass
from aimass_compiler.model_path import name_of, team_of
from aimass_compiler.version import __version__
from benchmarks.fleet.company import SETTINGS, build
from scripts.cluster import flux, programs
from scripts.cluster.cluster import Cluster
from scripts.cluster.control_plane import ControlPlane
from tests.harness import git_server
from tests.harness.releases import release

ENVIRONMENT = "dev"
_CODE = "import sys; from aimass_compiler.cli import main; sys.exit(main(sys.argv[1:]))"
_PATIENCE = 1800.0
_TICKS = os.sysconf("SC_CLK_TCK")
_VERSION = conventions.ANNOTATION_VERSION.replace(".", r"\.")
#: Where none waits for their health, kubectl asks once a second.
_PAUSE = 1.0


@dataclass(frozen=True)
class Applied:
    """Seconds: until the one model is there, until nothing is left to do, and of CPUs."""

    there: float
    settled: float
    applier: float
    """CPU seconds of what applies."""
    server: float
    """CPU seconds of the API server."""


@dataclass(frozen=True)
class Company:
    """Models that are all released to one environment of a cluster."""

    root: Path
    paths: Sequence[str]
    cluster: Cluster
    plane: ControlPlane

    def namespace(self, path: str) -> str:
        """Where a model is."""
        return f"ml-{team_of(path)}-{ENVIRONMENT}"

    @property
    def namespaces(self) -> list[str]:
        """Those of all teams."""
        return sorted({self.namespace(path) for path in self.paths})

    def commit(self, message: str) -> str:
        """Commit all that changed; answers the commit."""
        self.git("add", "--all")
        self.git("commit", "--quiet", f"--message={message}")
        return self.git("rev-parse", "HEAD").strip()

    def git(self, *words: str) -> str:
        return subprocess.run(
            ["git", *words], cwd=self.root, check=True, capture_output=True, text=True
        ).stdout

    def wait_for(self, path: str, version: str) -> None:
        """Wait until a model's servers are told to run a version."""
        wanted = f"--for=jsonpath={{.metadata.annotations.{_VERSION}}}={version}"
        where = (f"--namespace={self.namespace(path)}", f"--timeout={_PATIENCE:.0f}s")
        self.cluster.kubectl("wait", f"deployment/{name_of(path)}", wanted, *where)


Contender = Callable[[Company, Path], "contextmanager[Callable[[str, str], Applied]]"]


@contextmanager
def by_aimass(company: Company, folder: Path) -> Iterator[Callable[[str, str], Applied]]:
    """`aimass apply --changed`, as the compiled workflow runs it after a merge."""
    del folder
    _command(company, "apply", "--no-wait")

    def applied(path: str, version: str) -> Applied:
        company.commit(f"Release {version}")
        server, began = _spent(company.plane.api_server.process), time.perf_counter()
        applier = _command(company, "apply", "--changed", "--no-wait")
        took = time.perf_counter() - began
        company.wait_for(path, version)
        return Applied(took, took, applier, _spent(company.plane.api_server.process) - server)

    yield applied


@contextmanager
def by_flux(company: Company, folder: Path) -> Iterator[Callable[[str, str], Applied]]:
    """Flux's source-controller and kustomize-controller; each model has a Kustomization."""
    for namespace in company.namespaces:
        company.cluster.token_of(f"{namespace}/aimass")
    with flux.running(company.cluster, "", folder, watches_all=True) as controllers:
        company.git("push", "--quiet", "origin", "main")
        company.cluster.kubectl("create", "namespace", "flux-system")
        company.cluster.kubectl("apply", "-k", str(company.root / f"generated/fleet/flux/{ENVIRONMENT}"))
        _settled(company, company.git("rev-parse", "HEAD").strip())

        def applied(path: str, version: str) -> Applied:
            commit = company.commit(f"Release {version}")
            company.git("push", "--quiet", "origin", "main")
            asked = (
                company.plane.api_server.process,
                controllers.source.process,
                controllers.kustomize.process,
            )
            before, began = [_spent(process) for process in asked], time.perf_counter()
            now = f"reconcile.fluxcd.io/requestedAt={secrets.token_hex(4)}"
            company.cluster.kubectl("annotate", "gitrepositories", "--all", "-A", "--overwrite", now)
            company.wait_for(path, version)
            there = time.perf_counter() - began
            _settled(company, commit)
            settled = time.perf_counter() - began
            server, *own = (_spent(each) - was for each, was in zip(asked, before, strict=True))
            return Applied(there, settled, sum(own), server)

        yield applied


CONTENDERS: Mapping[str, tuple[str, Contender]] = {
    "aimass apply --changed": ("apply", by_aimass),
    "Flux": ("flux", by_flux),
}


def _settled(company: Company, commit: str) -> None:
    """Wait until Flux has applied a commit of every model."""
    end = time.monotonic() + _PATIENCE
    while True:
        found = json.loads(company.cluster.kubectl("get", "kustomizations", "-A", "-ojson"))["items"]
        seen = [
            each for each in found if each.get("status", {}).get("lastAppliedRevision", "").endswith(commit)
        ]
        # The one that keeps all others in step is there, too.
        if len(seen) == len(found) == len(company.paths) + 1:
            return
        if time.monotonic() > end:
            raise SystemExit(f"Flux has applied {len(seen)} of {len(found)} Kustomizations")
        time.sleep(_PAUSE)


def _command(company: Company, name: str, *options: str) -> float:
    """Run one of ours; answers its CPU seconds."""
    project = ("--root", str(company.root), "--kubeconfig", str(company.cluster.kubeconfig))
    before = os.times()
    done = subprocess.run(
        [sys.executable, "-c", _CODE, name, *options, "--env", ENVIRONMENT, *project],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise SystemExit(f"aimass {name} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def _spent(process: int | None) -> float:
    """The CPU seconds of a process, by proc(5)."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


@contextmanager
def _company(folder: Path, models: int, teams: int, engine: str, url: str) -> Iterator[Company]:
    """A company that is compiled and released, and a cluster whose teams have their namespaces."""
    root = folder / "models"
    root.mkdir()
    settings = f"engine: {engine}\nrepository: {{url: {url}/models.git}}\n" if engine != "apply" else ""
    paths = build(root, models, teams, SETTINGS["fleet"] + settings)
    if aimass(["compile", "--root", str(root)]) != 0:
        raise SystemExit("the company does not compile")
    for path in paths:
        release(root, path, ENVIRONMENT, version="v0")
    plane = ControlPlane(folder / "cluster", has_controllers=True)
    try:
        plane.start()
        found = Company(root, paths, Cluster(plane.kubeconfig, programs.program("kubectl"), folder), plane)
        bare = ("git", "init", "--quiet", "--bare", "--initial-branch=main", "models.git")
        subprocess.run(bare, cwd=folder, check=True)
        found.git("init", "--quiet", "--initial-branch=main")
        found.git("remote", "add", "origin", str(folder / "models.git"))
        found.commit("Begin")
        found.cluster.create_custom_resource_definitions()
        found.cluster.namespaces("monitoring")
        _command(found, "fleet", "--apply")
        yield found
    finally:
        plane.end()


def main() -> int:
    """Measure and print."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that what is started ends with this
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fleet.applying", description=__doc__)
    parser.add_argument(
        "--models", type=int, nargs="+", metavar="COUNT", default=[30, 300], help="how many (default 30 300)"
    )
    parser.add_argument("--teams", type=int, default=30, help="whose they are (default 30)")
    parser.add_argument("--rounds", type=int, default=3, help="releases of one model each (default 3)")
    parser.add_argument("--results", type=Path, help="write the table to this file, too")
    asked = parser.parse_args()
    programs.build_all(print, (*programs.CONTROL_PLANE, *programs.CONTROLLERS, *programs.FLUX))
    measured = {
        (name, models): _measured(name, models, asked) for models in asked.models for name in CONTENDERS
    }
    table = "\n".join(_table(measured, asked)) + "\n"
    print(table, end="")
    if asked.results:
        asked.results.parent.mkdir(parents=True, exist_ok=True)
        asked.results.write_text(table, encoding="utf-8")
    return 0


def _measured(name: str, models: int, asked: argparse.Namespace) -> list[Applied]:
    engine, contender = CONTENDERS[name]
    with tempfile.TemporaryDirectory() as written:
        folder = Path(written)
        with (
            git_server.served(folder) as url,
            _company(folder, models, min(asked.teams, models), engine, url) as company,
            contender(company, folder) as applied,
        ):
            found = []
            for number in range(asked.rounds):
                path, version = company.paths[number], f"v{number + 1}"
                release(company.root, path, ENVIRONMENT, digest=f"sha256:{number + 1:064x}", version=version)
                found.append(applied(path, version))
            return found


def _table(measured: Mapping[tuple[str, int], Sequence[Applied]], asked: argparse.Namespace) -> Iterator[str]:
    load = f"{os.getloadavg()[0]:.1f}"
    yield f"One model released, of several that {asked.teams} teams have in one environment; the median of"
    yield f"{asked.rounds} releases in seconds, aimass {__version__}, Flux's controllers 1.9,"
    yield f"{os.cpu_count()} cores ({platform.machine()}, load {load})"
    yield ""
    yield "| | models | it is there | all are looked at | CPU of what applies | CPU of the API server |"
    yield "|---|---:|---:|---:|---:|---:|"
    for (name, models), rounds in measured.items():
        cells = [
            f"{statistics.median(getattr(each, field) for each in rounds):.1f}"
            for field in ("there", "settled", "applier", "server")
        ]
        yield f"| {name} | {models} | {' | '.join(cells)} |"


if __name__ == "__main__":
    sys.exit(main())
