"""Projects whose overlays are written by hand, and applied as people do."""

from __future__ import annotations

import io
import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterable, Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aimass_compiler import conventions
from aimass_compiler.cli import main
from aimass_compiler.model_path import name_of, root_from
from tests.harness.releases import release

if TYPE_CHECKING:
    from scripts.cluster.cluster import Cluster

Object = dict[str, Any]
CODE = "import sys; from aimass_compiler.cli import main; sys.exit(main(sys.argv[1:]))"


@dataclass(frozen=True)
class Run:
    """What a command answered."""

    code: int
    document: Mapping[str, Any]
    told: str

    def actions(self, model: str = "churn", environment: str = "dev") -> dict[str, str]:
        """What happened to each object of a model, by kind and name."""
        (found,) = [
            each
            for each in self.document["models"]
            if (each["model"], each["environment"]) == (model, environment)
        ]
        return {f"{each['kind']} {each['name']}": each["action"] for each in found["objects"]}


@dataclass(frozen=True)
class Project:
    """A folder with generated/ for a namespace of a cluster."""

    root: Path
    namespace: str
    kubeconfig: Path

    def declare(self, *objects: Object, model: str = "churn", environment: str = "dev") -> None:
        """Let an overlay stand for these objects."""
        folder = self.root / "generated" / model / "overlays" / environment
        folder.mkdir(parents=True, exist_ok=True)
        labels = {conventions.LABEL_MODEL: name_of(model), conventions.LABEL_ENVIRONMENT: environment}
        wanted = {
            "namespace": self.namespace,
            "resources": ["objects.yaml"],
            "components": [f"../../../{root_from(model)}/releases/{environment}/{model}"],
            "labels": [{"pairs": labels, "includeTemplates": True}],
        }
        lines = [f"{key}: {json.dumps(value)}" for key, value in wanted.items()]
        lines[0] = f"namespace: {self.namespace}"
        (folder / "kustomization.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
        (folder / "objects.yaml").write_text("\n---\n".join(map(json.dumps, objects)), encoding="utf-8")
        release(self.root, model, environment)

    def words(self, command: str, *arguments: str, environments: Iterable[str] = ("dev",)) -> list[str]:
        """The words behind `aimass`."""
        chosen = [word for environment in environments for word in ("--env", environment)]
        where = ["--kubeconfig", str(self.kubeconfig), "--root", str(self.root)]
        return [command, *arguments, *chosen, *where]

    def run(
        self, command: str, *arguments: str, environments: Iterable[str] = ("dev",), form: str = "json"
    ) -> Run:
        """Run a command in this process."""
        out, told = io.StringIO(), io.StringIO()
        words = [*self.words(command, *arguments, environments=environments), "--format", form]
        with redirect_stdout(out), redirect_stderr(told):
            code = main(words)
        is_json = form == "json" and out.getvalue()
        return Run(code, json.loads(out.getvalue()) if is_json else {"text": out.getvalue()}, told.getvalue())

    def apply(self, *arguments: str, environments: Iterable[str] = ("dev",), form: str = "json") -> Run:
        """`aimass apply`, without waiting: nothing gets ready where there are no controllers."""
        return self.run("apply", "--no-wait", *arguments, environments=environments, form=form)

    def start(self, command: str, *arguments: str) -> subprocess.Popen[str]:
        """Start a command as a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-c", CODE, *self.words(command, *arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )


def cloned(root: Path) -> None:
    """Let a folder be a clone of a repository that nothing else is from."""
    address = f"https://git.example.com/{secrets.token_hex(4)}.git"
    for words in (("init", "--quiet"), ("remote", "add", "origin", address)):
        subprocess.run(("git", *words), cwd=root, check=True)


def names(cluster: Cluster, kinds: str, namespace: str) -> set[str]:
    """Their names, but for what every namespace has."""
    return {each["metadata"]["name"] for each in cluster.objects(kinds, namespace)} - {"kube-root-ca.crt"}


def config(name: str, **data: str) -> Object:
    """A ConfigMap."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def service(name: str, port: int = 80) -> Object:
    """A Service."""
    spec = {"selector": {"app": name}, "ports": [{"name": "http", "port": port}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}


def deployment(
    name: str, *, tag: str = "1", replicas: int = 1, container: Mapping[str, Any] | None = None
) -> Object:
    """A Deployment that Pod Security "restricted" allows."""
    labels = {"app": name}
    own = {
        "name": "server",
        "image": f"registry.example.com/{name}:{tag}",
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        **(container or {}),
    }
    pod = {
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 10001,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [own],
    }
    spec = {
        "replicas": replicas,
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": pod},
    }
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}


def git(root: Path, *arguments: str) -> None:
    """Run git in a folder, as somebody."""
    own = ["-c", "user.name=Test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *own, *arguments], cwd=root, check=True)


def declare(project: Project, *objects: Object, model: str = "churn") -> None:
    """Declare objects in a commit."""
    project.declare(*objects, model=model)
    git(project.root, "add", "--all")
    git(project.root, "commit", "--quiet", "--message=Declare")
