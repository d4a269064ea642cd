"""The programs that tests run: a Kubernetes control plane and linters, given or built by Go once and kept.

Each folder below go/ pins one Go module with everything that it needs. What was built lies in the user's
cache under a name that changes with these pins, so nothing is built twice and nothing old is used.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

#: The convention of envtest: a folder that holds at least `etcd`, `kube-apiserver` and `kubectl`.
VARIABLE_ASSETS = "KUBEBUILDER_ASSETS"
_GO = Path(__file__).parent / "go"
_KUBERNETES = "v1.34.4"
_MAJOR, _MINOR, _ = _KUBERNETES.removeprefix("v").split(".")
_TOLD_VERSION = {"gitVersion": _KUBERNETES, "gitMajor": _MAJOR, "gitMinor": _MINOR, "gitTreeState": "clean"}
_LAST_LINES = 20
#: From so many seconds on, a time is given in minutes.
_MINUTES = 120
#: Beside the programs of a module: how many seconds Go took for them.
_SECONDS = "seconds"
_LONG = {
    "kube-apiserver": " (all of Kubernetes: 5 to 20 minutes)",
    "promtool": " (2 to 5 minutes)",
    "prometheus": " (2 to 5 minutes, with the clients of Kubernetes)",
    "rollouts-controller": " (5 to 10 minutes)",
    "cosign": " (5 to 15 minutes)",
    "otelcol": " (2 to 5 minutes)",
    "egctl": " (10 to 20 minutes)",
    "pilot-discovery": " (5 to 15 minutes)",
    "policy-controller": " (5 to 15 minutes)",
    "ray-operator": " (2 to 5 minutes)",
    "trainer-controller-manager": " (2 to 5 minutes)",
    "jobset": " (2 to 5 minutes)",
    "kserve-manager": " (3 to 10 minutes)",
    "llmisvc": " (a minute or two, as it shares most of kserve-manager)",
    "kueue": " (3 to 10 minutes)",
    "keda-operator": " (every cloud's clients: 8 to 20 minutes)",
    "source-controller": " (3 to 10 minutes)",
    "kustomize-controller": " (3 to 10 minutes)",
}
#: Without the clients of the clouds that Prometheus finds its targets in.
_PROMTOOL_TAGS = ("remove_all_sd",)
#: It finds what models declare on their Services; its tests run at night, those with promtool all day.
_PROMETHEUS_TAGS = (*_PROMTOOL_TAGS, "enable_kubernetes_sd")


class ProgramMissing(Exception):  # noqa: N818  # what is not there, not an error of ours
    """A program is not here and cannot be had; the message says what to install."""


class BuildFailed(Exception):  # noqa: N818  # as above
    """Go is here but could not build a program; the message ends with what it said."""


@dataclass(frozen=True)
class Module:
    """A folder below go/, the package in it that becomes a program, and the names it is started under."""

    folder: str
    package: str
    programs: tuple[str, ...]
    variables: tuple[str, ...] = ()
    """What the linker is told: `path.name=value`."""
    tags: tuple[str, ...] = ()
    """What is left out or built in."""


MODULES = (
    Module("etcd", "go.etcd.io/etcd/server/v3", ("etcd",)),
    Module(
        "kubernetes",
        ".",
        ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl"),
        tuple(
            f"{package}.{name}={value}"
            for package in ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
            for name, value in _TOLD_VERSION.items()
        ),
    ),
    Module("kwok", "sigs.k8s.io/kwok/cmd/kwok", ("kwok",)),
    Module("kustomize", "sigs.k8s.io/kustomize/kustomize/v5", ("kustomize",)),
    Module("kustomize-5.5", "sigs.k8s.io/kustomize/kustomize/v5", ("kustomize-5.5",)),
    Module("kubeconform", "github.com/yannh/kubeconform/cmd/kubeconform", ("kubeconform",)),
    Module("actionlint", "github.com/rhysd/actionlint/cmd/actionlint", ("actionlint",)),
    *(
        Module("prometheus", f"github.com/prometheus/prometheus/cmd/{name}", (name,), tags=tags)
        for name, tags in (("promtool", _PROMTOOL_TAGS), ("prometheus", _PROMETHEUS_TAGS))
    ),
    Module(
        "argo-rollouts", "github.com/argoproj/argo-rollouts/cmd/rollouts-controller", ("rollouts-controller",)
    ),
    Module("argo-rollouts", ".", ("gatewayAPI",)),
    Module("kuberay", "github.com/ray-project/kuberay/ray-operator", ("ray-operator",)),
    Module(
        "kubeflow-trainer",
        "github.com/kubeflow/trainer/v2/cmd/trainer-controller-manager",
        ("trainer-controller-manager",),
    ),
    Module("jobset", "sigs.k8s.io/jobset", ("jobset",)),
    Module("kserve", "github.com/kserve/kserve/cmd/manager", ("kserve-manager",)),
    Module("kserve", "github.com/kserve/kserve/cmd/llmisvc", ("llmisvc",)),
    Module("kueue", "sigs.k8s.io/kueue/cmd/kueue", ("kueue",)),
    Module("keda", "github.com/kedacore/keda/v2/cmd/operator", ("keda-operator",)),
    Module("flux-source", "github.com/fluxcd/source-controller", ("source-controller",)),
    Module("flux-kustomize", "github.com/fluxcd/kustomize-controller", ("kustomize-controller",)),
    Module("envoy-gateway", "github.com/envoyproxy/gateway/cmd/egctl", ("egctl",)),
    Module("envoy-gateway", ".", ("rate-limits",)),
    Module("istio", "istio.io/istio/pilot/cmd/pilot-discovery", ("pilot-discovery",)),
    Module("ratelimit", "github.com/envoyproxy/ratelimit/src/service_cmd", ("ratelimit",)),
    Module("registry", ".", ("registry",)),
    Module("cosign", "github.com/sigstore/cosign/v3/cmd/cosign", ("cosign",)),
    Module("otelcol", ".", ("otelcol",)),
    Module("policy-controller", "github.com/sigstore/policy-controller/cmd/webhook", ("policy-controller",)),
)
CONTROL_PLANE = ("etcd", "kube-apiserver", "kubectl")
CONTROLLERS = ("kube-controller-manager", "kube-scheduler", "kwok")
#: What many tests ask for by name; they find it on the PATH, at its end.
ON_THE_PATH = ("actionlint", "kustomize", "promtool", "prometheus")
#: What `make test` builds; `prometheus` itself is for what runs at night.
EACH_TIME = ("actionlint", "kustomize", "promtool", "registry", *CONTROL_PLANE, *CONTROLLERS)
#: What runs canaries: Argo Rollouts, and what moves the weights of routes in the name of its plugin.
ROLLOUTS = ("rollouts-controller", "gatewayAPI")
#: What makes Ray clusters of training jobs.
KUBERAY = ("ray-operator",)
#: What makes JobSets of Kubeflow's training jobs, and pods of JobSets.
KUBEFLOW_TRAINER = ("trainer-controller-manager", "jobset")
#: What makes Deployments of InferenceServices.
KSERVE = ("kserve-manager",)
#: What makes Deployments of LLMInferenceServices.
KSERVE_LLM = ("llmisvc",)
#: What holds training jobs back until there is room.
KUEUE = ("kueue",)
#: What brings records of predictions from nodes to their store.
COLLECTOR = ("otelcol",)
#: What counts servers by what Prometheus says.
KEDA = ("keda-operator",)
#: What fetches a repository and what applies it: the two controllers of Flux.
FLUX = ("source-controller", "kustomize-controller")


def cache() -> Path:
    """The folder below the user's caches that keeps what was built."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "aimass" / "assets"


def program(name: str) -> Path:
    """Where a program is; it is built where it is neither given nor kept.

    Raises ProgramMissing or BuildFailed.
    """
    return ready(name) or _built(_module_of(name)) / name


def ready(name: str) -> Path | None:
    """Where a program is that is given or was built before."""
    given = os.environ.get(VARIABLE_ASSETS)
    places = ([Path(given)] if given else []) + [_place(_module_of(name))]
    return next((place / name for place in places if (place / name).exists()), None)


def path() -> str:
    """The PATH with the folders of what was built behind what this machine has."""
    built = (ready(name) for name in ON_THE_PATH)
    return os.pathsep.join([os.environ.get("PATH", ""), *(str(each.parent) for each in built if each)])


def build_all(tell: Callable[[str], None], names: Sequence[str] = EACH_TIME) -> None:
    """Build those of the programs that are not here, and tell what takes its time.

    Raises ProgramMissing or BuildFailed.
    """
    for name in names:
        if ready(name) is None:
            tell(f"building {name} with Go, once{_LONG.get(name, '')}")
            program(name)
            if (seconds := build_seconds(name)) is not None:
                tell(f"{name} took {in_words(seconds)}")


def build_seconds(name: str) -> float | None:
    """How long Go took to build a program; None where it is given, or was built before anybody counted."""
    place = _place(_module_of(name)) / _SECONDS
    return float(place.read_text(encoding="utf-8")) if place.exists() else None


def in_words(seconds: float) -> str:
    """A time as people say it."""
    return f"{seconds:.0f} s" if seconds < _MINUTES else f"{seconds / 60:.1f} min"


def _module_of(name: str) -> Module:
    return next(module for module in MODULES if name in module.programs)


def _place(module: Module) -> Path:
    digest = hashlib.sha256(repr((module.package, module.variables, *module.tags)).encode())
    for path in sorted((_GO / module.folder).iterdir()):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return cache() / f"{module.folder}-{digest.hexdigest()[:12]}"


def _built(module: Module) -> Path:
    """The folder with the programs of a module; only one process builds it, and the others wait."""
    go = shutil.which("go")
    if go is None:
        raise ProgramMissing(
            f"no {module.programs[0]}: install Go 1.26 (https://go.dev/dl/), which then builds it once, "
            f"or name a folder with it (as with etcd, kube-apiserver and kubectl) in {VARIABLE_ASSETS}"
        )
    place = _place(module)
    cache().mkdir(parents=True, exist_ok=True)
    with FileLock(f"{place}.lock"):
        if not place.exists():
            with tempfile.TemporaryDirectory(dir=cache()) as folder:
                begin = time.monotonic()
                _build(go, module, Path(folder) / "programs")
                took = f"{time.monotonic() - begin:.1f}"
                (Path(folder) / "programs" / _SECONDS).write_text(took, encoding="utf-8")
                (Path(folder) / "programs").rename(place)
    return place


def _build(go: str, module: Module, folder: Path) -> None:
    first, *others = module.programs
    flags = " ".join(["-s", "-w", *(f"-X {variable}" for variable in module.variables)])
    tags = ",".join(module.tags)
    command = [go, "build", "-trimpath", "-buildvcs=false", f"-tags={tags}", "-ldflags", flags]
    done = subprocess.run(
        [*command, "-o", str(folder / first), module.package],
        cwd=_GO / module.folder,
        env=os.environ | {"GOWORK": "off"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        last = "\n".join(done.stderr.strip().splitlines()[-_LAST_LINES:])
        raise BuildFailed(f"Go could not build {first}:\n{last}")
    for other in others:
        (folder / other).symlink_to(first)
