"""The programs that are compared, built once into build/benchmarks, and aimass-compile as users have it."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import venv
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_GO_MODULES = {
    "helm": "helm.sh/helm/v4/cmd/helm@v4.3.1",
    "kustomize": "sigs.k8s.io/kustomize/kustomize/v5@v5.8.1",
    "jsonnet": "github.com/google/go-jsonnet/cmd/jsonnet@v0.22.0",
    "cue": "cuelang.org/go/cmd/cue@v0.17.1",
    "sloth": "github.com/slok/sloth/cmd/sloth@v0.16.0",
}
#: reclass-rs and gojsonnet are the faster halves that Kapitan can be given.
_KAPITAN = ("kapitan==0.36.3", "gojsonnet==0.22.0", "reclass-rs==0.11.0")
_CDK8S = ("cdk8s@2.70.106", "constructs@10.8.1")
_REPOSITORY = Path(__file__).parents[2]


@dataclass
class Tools:
    """Where each program is, which version it is, and why one is missing."""

    folder: Path
    paths: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)


def installed(folder: Path) -> Tools:
    """Every program, made where it is missing. What cannot be had is told with the reason."""
    folder.mkdir(parents=True, exist_ok=True)
    tools = Tools(folder)
    for name in _GO_MODULES:
        _find(tools, name, _go, _GO_MODULES[name].rpartition("@v")[2])
    _find(tools, "kubectl", _kubectl)
    _find(tools, "kapitan", _kapitan, _KAPITAN[0].rpartition("=")[2])
    _find(tools, "cdk8s", _cdk8s, _CDK8S[0].rpartition("@")[2])
    _find(tools, "aimass-compile", _aimass)
    return tools


def _find(tools: Tools, name: str, install: Callable[[Path, str], Path], version: str | None = None) -> None:
    try:
        path = install(tools.folder.absolute(), name)
    except (OSError, subprocess.CalledProcessError) as problem:
        said = getattr(problem, "stderr", None) or str(problem)
        tools.missing[name] = said.strip().splitlines()[-1][:200]
        return
    tools.paths[name] = str(path)
    tools.versions[name] = version or _version(str(path))


def _version(program: str) -> str:
    arguments = ("version", "--client") if program.endswith("kubectl") else ("--version",)
    ended = subprocess.run(
        [program, *arguments], check=True, capture_output=True, text=True, env=bare_environment()
    )
    found = re.search(r"\d+\.\d+\.\d+[-+.\w]*", ended.stdout)
    return found[0] if found else ended.stdout.strip()


def bare_environment() -> dict[str, str]:
    """Without what this shell tells Python: it would hide what is installed, or its bytecode."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}


def _run(command: list[str], folder: Path | None = None, **environment: str) -> None:
    """Politely: whoever works on this machine meanwhile goes first."""
    polite = ["nice", "-n", "19", *command]
    variables = bare_environment() | environment
    subprocess.run(polite, check=True, capture_output=True, text=True, cwd=folder, env=variables)


def _go(folder: Path, name: str) -> Path:
    module = _GO_MODULES[name]
    path = folder / "go" / module.rpartition("@")[2] / name
    if not path.exists():
        print(f"building {module} ...", flush=True)
        _run(["go", "install", "-trimpath", module], GOBIN=str(path.parent))
    return path


def _kubectl(_folder: Path, _name: str) -> Path:
    """The one of this project's development environment, else the machine's."""
    beside = Path(sys.executable).with_name("kubectl")
    found = beside if beside.exists() else shutil.which("kubectl")
    if found is None:
        raise FileNotFoundError("there is no kubectl beside this Python, and none on the PATH")
    return Path(found)


def _kapitan(folder: Path, name: str) -> Path:
    path = folder / name / "bin" / name
    if not path.exists():
        print(f"installing {_KAPITAN[0]} ...", flush=True)
        venv.create(folder / name, with_pip=True)
        _run([str(path.with_name("python")), "-m", "pip", "install", "--quiet", *_KAPITAN])
    return path


def _cdk8s(folder: Path, name: str) -> Path:
    """The folder of Node's modules."""
    place = folder / name
    if not (place / "node_modules" / "cdk8s").is_dir():
        print(f"installing {_CDK8S[0]} ...", flush=True)
        place.mkdir(exist_ok=True)
        _run(["npm", "install", "--prefix", str(place), "--no-audit", "--no-fund", *_CDK8S])
    return place / "node_modules"


def _aimass(folder: Path, name: str) -> Path:
    """The wheel of the working tree with its core dependencies, compiled to bytecode."""
    home = folder / "aimass"
    path = home / "bin" / name
    wheels = home / "wheels"
    shutil.rmtree(wheels, ignore_errors=True)
    _run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(wheels)], folder=_REPOSITORY)
    wheel = next(wheels.glob("*.whl"))
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    mark = home / "installed"
    if not (mark.exists() and mark.read_text() == digest):
        if not path.exists():
            venv.create(home, with_pip=True)
        pip = [str(path.with_name("python")), "-m", "pip", "install", "--quiet", "--compile"]
        _run([*pip, str(wheel)])
        _run([*pip, "--force-reinstall", "--no-deps", str(wheel)])
        mark.write_text(digest)
    return path
