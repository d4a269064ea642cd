"""`python -m benchmarks.apply`: all specs to three environments of a real API server, round by round.

Every contender gets namespaces of its own in each round, and applies three times: to nothing, with nothing
changed, and with another image of every model. Nobody waits for pods: there are none. Afterwards the objects
of all contenders are held against each other.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.cluster import programs
from scripts.cluster.cluster import Cluster
from scripts.cluster.control_plane import ControlPlane
from tests.harness.releases import release

ROOT = Path(__file__).parents[2]
ENVIRONMENTS = ("dev", "staging", "prod")
CASES = ("nothing is there", "nothing changed", "every image changed")
_CODE = "import sys; from aimass_compiler.cli import main; sys.exit(main(sys.argv[1:]))"
_KINDS = (
    "configmaps,serviceaccounts,services,deployments,horizontalpodautoscalers,poddisruptionbudgets,"
    "networkpolicies,podmonitors,prometheusrules"
)
_OWN = re.compile(r"^(kube-root-ca\.crt|default|aimass-.*)$")


@dataclass(frozen=True)
class Project:
    """A copy of generated/, whose environments lie in namespaces of its own."""

    root: Path
    namespaces: Mapping[str, str]

    @property
    def overlays(self) -> list[Path]:
        """Every overlay, environment by environment."""
        return [
            folder
            for environment in ENVIRONMENTS
            for folder in sorted(self.root.glob(f"generated/*/overlays/{environment}"))
        ]


Contender = Callable[[Project, Cluster], None]


def kubectl_in_turn(project: Project, cluster: Cluster) -> None:
    """A call for each overlay, one after the other, as a script in CI has it."""
    for folder in project.overlays:
        _kubectl(folder, cluster)


def kubectl_side_by_side(project: Project, cluster: Cluster) -> None:
    """The same, as many at once as there are cores."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(lambda folder: _kubectl(folder, cluster), project.overlays))


def kubectl_at_once(project: Project, cluster: Cluster) -> None:
    """One call for all: kubectl takes a kustomization of all overlays."""
    listed = [os.path.relpath(folder, project.root) for folder in project.overlays]
    (project.root / "kustomization.yaml").write_text(json.dumps({"resources": listed}), encoding="utf-8")
    _kubectl(project.root, cluster)


def aimass(project: Project, cluster: Cluster) -> None:
    """`aimass apply`, which also looks first, keeps an inventory, locks and prunes."""
    words = [word for environment in ENVIRONMENTS for word in ("--env", environment)]
    where = ["--root", str(project.root), "--kubeconfig", str(cluster.kubeconfig)]
    _run([sys.executable, "-c", _CODE, "apply", "--no-wait", *words, *where])


CONTENDERS: Mapping[str, Contender] = {
    "aimass apply": aimass,
    "kubectl apply -k, in turn": kubectl_in_turn,
    "kubectl apply -k, side by side": kubectl_side_by_side,
    "kubectl apply -k, one call for all": kubectl_at_once,
}


def _kubectl(folder: Path, cluster: Cluster) -> None:
    options = ("--server-side", "--field-manager=benchmark", f"--kubeconfig={cluster.kubeconfig}")
    _run([str(cluster.program), "apply", "-k", str(folder), *options])


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")


def main() -> int:
    """Measure and print."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that what is started ends with this
    parser = argparse.ArgumentParser(prog="python -m benchmarks.apply", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each (default 5)")
    parser.add_argument("--results", type=Path, help="write the table to this file, too")
    asked = parser.parse_args()
    programs.build_all(print)
    measured: dict[tuple[str, str], list[float]] = {}
    with tempfile.TemporaryDirectory() as folder, _cluster(Path(folder)) as cluster:
        for number in range(asked.rounds):
            for name, contender in CONTENDERS.items():
                project = _project(Path(folder), f"{number}-{list(CONTENDERS).index(name)}", cluster)
                for case, seconds in _measured(contender, project, cluster):
                    measured.setdefault((name, case), []).append(seconds)
        count = _verify(cluster, asked.rounds)
    table = "\n".join(_table(measured, asked.rounds, count)) + "\n"
    print(table, end="")
    if asked.results:
        asked.results.parent.mkdir(parents=True, exist_ok=True)
        asked.results.write_text(table, encoding="utf-8")
    return 0


class _cluster:  # noqa: N801  # it reads as what it gives
    """An API server and its database, with all kinds that are rendered."""

    def __init__(self, folder: Path) -> None:
        self._plane = ControlPlane(folder / "cluster")

    def __enter__(self) -> Cluster:
        self._plane.start()
        cluster = Cluster(self._plane.kubeconfig, programs.program("kubectl"), self._plane.folder)
        cluster.create_custom_resource_definitions()
        return cluster

    def __exit__(self, *_: object) -> None:
        self._plane.stop()


def _project(folder: Path, suffix: str, cluster: Cluster) -> Project:
    namespaces = {environment: f"{environment}-{suffix}" for environment in ENVIRONMENTS}
    cluster.namespaces(*namespaces.values())
    project = Project(folder / suffix, namespaces)
    shutil.copytree(ROOT / "generated", project.root / "generated")
    for overlay in project.overlays:
        _edit(overlay, r"^namespace: \S+$", f"namespace: {namespaces[overlay.name]}")
        release(project.root, overlay.parents[1].name, overlay.name)
    return project


def _edit(overlay: Path, pattern: str, text: str) -> None:
    path = overlay / "kustomization.yaml"
    edited = re.sub(pattern, text, path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    path.write_text(edited, encoding="utf-8")


def _measured(contender: Contender, project: Project, cluster: Cluster) -> Iterator[tuple[str, float]]:
    for case in CASES:
        if case == CASES[-1]:
            for overlay in project.overlays:
                release(project.root, overlay.parents[1].name, overlay.name, digest=f"sha256:{'0' * 64}")
        started = time.perf_counter()
        contender(project, cluster)
        yield case, time.perf_counter() - started


def _verify(cluster: Cluster, rounds: int) -> int:
    """Every contender left the same objects; answers how many."""
    found = []
    for place in range(len(CONTENDERS)):
        objects = [
            _essence(each)
            for environment in ENVIRONMENTS
            for each in cluster.objects(_KINDS, f"{environment}-{rounds - 1}-{place}")
            if not _OWN.match(each["metadata"]["name"])
        ]
        found.append(sorted(objects))
    if any(each != found[0] for each in found):
        raise SystemExit("the contenders did not do the same work")
    return len(found[0])


def _essence(document: dict[str, Any]) -> str:
    """What was applied, without what is different in every namespace."""
    kept = {name: value for name, value in document.items() if name not in {"metadata", "status"}}
    if document["kind"] == "Service":
        kept["spec"] = {
            name: value for name, value in kept["spec"].items() if not name.startswith("clusterIP")
        }
    return json.dumps([document["metadata"]["name"], kept], sort_keys=True)


def _table(measured: Mapping[tuple[str, str], Sequence[float]], rounds: int, count: int) -> Iterator[str]:
    load = f"{os.getloadavg()[0]:.1f}"
    yield f"{count} objects in {len(ENVIRONMENTS)} environments, the median of {rounds} rounds in seconds,"
    yield f"on {os.cpu_count()} cores ({platform.machine()}, Python {platform.python_version()}, load {load})"
    yield ""
    yield f"| contender | {' | '.join(CASES)} |"
    yield f"|---|{'---:|' * len(CASES)}"
    best = {case: statistics.median(measured["aimass apply", case]) for case in CASES}
    for name in CONTENDERS:
        medians = {case: statistics.median(measured[name, case]) for case in CASES}
        cells = [f"{medians[case]:.2f} ({medians[case] / best[case]:.1f}×)" for case in CASES]
        yield f"| {name} | {' | '.join(cells)} |"


if __name__ == "__main__":
    sys.exit(main())
