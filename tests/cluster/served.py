"""A model that is served in each way that a spec can ask for, and a watch over how many servers it has."""

from __future__ import annotations

import io
import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from aimass_compiler.cli import main
from scripts.cluster.cluster import Cluster
from tests.cluster.overlays import Project
from tests.harness.releases import release

MODEL = "diabetes"
SPECS = Path(__file__).parents[2] / "specs"
_GATEWAY = {"host": "diabetes.example.com"}


@dataclass(frozen=True)
class Way:
    """How a model is served."""

    least: int
    most: int
    has_canary: bool = False
    seed: int = 0
    """Another one is another version."""
    timeout: str = "2s"
    """Of a request; the route knows it, too."""
    by_requests: bool = False
    """Whether KEDA counts them, by requests in flight."""

    def __str__(self) -> str:
        kind = "canary" if self.has_canary else "plain"
        by = "-keda" if self.by_requests else ""
        return f"{kind}-{self.least}-{self.most}" + (f"-v{self.seed}-{self.timeout}{by}")

    @property
    def digest(self) -> str:
        """Of the image of the version."""
        return f"sha256:{self.seed:064x}"

    @property
    def serving(self) -> dict[str, Any]:
        rollout = {"rollout": {"canary": [25, 100]}} if self.has_canary else {}
        replicas = {"min": self.least, "max": self.most, **({"requests": 8} if self.by_requests else {})}
        small = {"cpu": "100m", "memory": "256Mi"}
        limits = {"timeout": self.timeout}
        return {"gateway": _GATEWAY, "replicas": replicas, "resources": small, "limits": limits, **rollout}


@dataclass
class Model:
    """One model in a namespace, whose spec can be written anew."""

    folder: Path
    namespace: str
    cluster: Cluster
    projects: dict[Way, Project] = field(default_factory=dict)
    name: str = MODEL
    """Of its spec."""

    def as_served(self, way: Way) -> Project:
        """A project whose model is served so, compiled."""
        if way not in self.projects:
            root = self.folder / str(way)
            (root / "specs").mkdir(parents=True)
            file = f"{self.name}.yaml"
            spec = yaml.safe_load((SPECS / file).read_text(encoding="utf-8"))
            spec |= {"serving": way.serving, "training": {"seed": way.seed}}
            del spec["evaluation"]
            (root / "specs" / file).write_text(json.dumps(spec), encoding="utf-8")
            settings = {
                "environments": {"dev": {"namespace": self.namespace}},
                "images": {"registry": "registry.example.com"},
            }
            (root / "aimass.yaml").write_text(json.dumps(settings), encoding="utf-8")
            told = io.StringIO()
            with redirect_stdout(told), redirect_stderr(told):
                assert main(["compile", "--root", str(root)]) == 0, told.getvalue()
            release(root, self.name, digest=way.digest)
            self.projects[way] = Project(root, self.namespace, self.cluster.kubeconfig)
        return self.projects[way]

    def get(self, kind: str, name: str = "") -> dict[str, Any]:
        return self.cluster.get(kind, name or self.name, self.namespace)

    def kubectl(self, *words: str) -> str:
        return self.cluster.kubectl(*words, f"--namespace={self.namespace}")

    def objects(self, kinds: str) -> set[str]:
        """The objects of these kinds in the namespace, each as its kind and name."""
        found = self.cluster.objects(kinds, self.namespace)
        return {f"{each['kind']} {each['metadata']['name']}" for each in found}

    def digests(self) -> set[str]:
        """Of the images that its pods run."""
        pods = self.cluster.objects("pods", self.namespace, f"aimass.dev/model={self.name}")
        live = [each for each in pods if "deletionTimestamp" not in each["metadata"]]
        return {each["spec"]["containers"][0]["image"].partition("@")[2] for each in live}


@dataclass
class Watched:
    """How many servers were ready, at every moment of a watch."""

    counts: list[int] = field(default_factory=list)
    servers: set[str] = field(default_factory=set)

    @property
    def fewest(self) -> int:
        return min(self.counts)

    def see(self, event: dict[str, Any]) -> None:
        """Count one more event of a pod."""
        pod = event["object"]
        conditions = {each["type"]: each["status"] for each in pod["status"].get("conditions", ())}
        is_there = event["type"] != "DELETED" and "deletionTimestamp" not in pod["metadata"]
        if is_there and conditions.get("Ready") == "True":
            self.servers.add(pod["metadata"]["uid"])
        else:
            self.servers.discard(pod["metadata"]["uid"])
        self.counts.append(len(self.servers))


@contextmanager
def watched(model: Model) -> Iterator[Watched]:
    """Watch the servers of a model while the block lasts."""
    selector = f"app.kubernetes.io/component=server,aimass.dev/model={model.name}"
    there = model.cluster.objects("pods", model.namespace, selector)
    known, seen = Watched(), Watched()
    for pod in there:
        known.see({"type": "ADDED", "object": pod})
    where = (f"--kubeconfig={model.cluster.kubeconfig}", f"--namespace={model.namespace}")
    form = ("--watch", "--output-watch-events", "-ojson")
    command = [str(model.cluster.program), "get", "pods", f"--selector={selector}", *where, *form]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        reader = threading.Thread(target=_read, args=(process, seen), daemon=True)
        reader.start()
        eventually(lambda: known.servers <= seen.servers, "the watch begins")
        seen.counts = [len(seen.servers)]  # without those while the first were told
        try:
            yield seen
        finally:
            process.terminate()
            reader.join()


def _read(process: subprocess.Popen[str], seen: Watched) -> None:
    for line in process.stdout or ():
        seen.see(json.loads(line))


def eventually(happened: Callable[[], bool], what: str, seconds: float = 60) -> None:
    """Wait until something is so."""
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, f"not after {seconds} s: {what}"
        time.sleep(0.1)
