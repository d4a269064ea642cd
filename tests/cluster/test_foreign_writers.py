"""What other programs write into a model's objects stays, and applying twice after them changes nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aimass_compiler import conventions
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.programs.kustomize import find
from scripts.cluster.cluster import Cluster
from tests.cluster.served import MODEL, Model, Way
from tests.cluster.test_handover import VERSION, shift

pytestmark = pytest.mark.cluster
SCALED, CANARY = Way(3, 12), Way(3, 12, has_canary=True)
Writer = Callable[[Model], object]
#: What is compared of an object beside its `spec`.
_HELD = ("labels", "annotations")
#: Controllers of Kubernetes count in it by themselves.
_COUNTED = "deployment.kubernetes.io/revision"


def writes(manager: str, kind: str, patch: object, *options: str, name: str = MODEL) -> Writer:
    """A writer that patches one object under its name."""
    words = ("--type=merge", f"--field-manager={manager}", f"--patch={json.dumps(patch)}", *options)
    return lambda model: model.kubectl("patch", kind, name, *words)


def marked(**of: Mapping[str, str]) -> dict[str, Any]:
    """A patch of labels or annotations."""
    return {"metadata": of}


def injects(model: Model) -> None:
    """As `linkerd inject` and `istioctl kube-inject`: a container more, and an annotation of the pods."""
    (own,) = model.get("deployment")["spec"]["template"]["spec"]["containers"]
    proxy = {"name": "proxy", "image": "mesh:1", "securityContext": own["securityContext"]}
    template = {
        "metadata": {"annotations": {"linkerd.io/inject": "enabled"}},
        "spec": {"containers": [proxy]},
    }
    patch = json.dumps({"spec": {"template": template}})
    model.kubectl("patch", "deployment", MODEL, "--field-manager=linkerd", f"--patch={patch}")


def applies(manager: str, metadata: Mapping[str, Mapping[str, str]]) -> Writer:
    """A GitOps engine: it applies everything that git declares, with marks of its own."""

    def write(model: Model) -> None:
        root = model.as_served(SCALED).root
        objects = find().build(root / "generated" / MODEL / "overlays" / "dev")
        for document in objects:
            for part, marks in metadata.items():
                document["metadata"][part] = {**document["metadata"].get(part, {}), **marks}
        apply = ("apply", "--server-side", "--force-conflicts", f"--field-manager={manager}", "-f-")
        model.cluster.kubectl(*apply, given=list(objects))

    return write


SCALE = "--subresource=scale"
TRACKING = {"argocd.argoproj.io/tracking-id": f"models:/Service:ml-dev/{MODEL}"}
OF_FLUX = {
    "kustomize.toolkit.fluxcd.io/name": "models",
    "kustomize.toolkit.fluxcd.io/namespace": "flux-system",
}
#: Who writes where no canary is.
WRITERS: Mapping[str, Writer] = {
    "HorizontalPodAutoscaler": writes(
        "kube-controller-manager", "deployment", {"spec": {"replicas": 7}}, SCALE
    ),
    "KEDA": writes("keda", "deployment", {"spec": {"replicas": 5}}, SCALE),
    "KEDA's marks": writes("keda", "hpa", marked(labels={"scaledobject.keda.sh/name": MODEL})),
    "a restart": writes(
        "kubectl-rollout",
        "deployment",
        {
            "spec": {
                "template": marked(annotations={"kubectl.kubernetes.io/restartedAt": "2026-11-30T05:00:00Z"})
            }
        },
    ),
    "a mesh's injector": injects,
    "a mesh's Service": writes(
        "linkerd", "service", marked(annotations={"config.linkerd.io/opaque-ports": "8080"})
    ),
    "a mesh's waypoint": writes("istioctl", "service", marked(labels={"istio.io/use-waypoint": "waypoint"})),
}
#: Who writes where a canary is.
OF_CANARIES: Mapping[str, Writer] = {
    "Argo Rollouts' count": writes("rollouts-controller", "rollout", {"spec": {"replicas": 5}}, SCALE),
    "Argo Rollouts' marks": writes(
        "rollouts-controller",
        "rollout",
        marked(
            annotations={"rollout.argoproj.io/revision": "2", "rollout.argoproj.io/workload-generation": "3"}
        ),
    ),
    "Argo Rollouts' rest": writes("rollouts-controller", "deployment", {"spec": {"replicas": 0}}),
    **{
        f"Argo Rollouts' Service {name}": writes(
            "rollouts-controller",
            "service",
            {
                **marked(annotations={"argo-rollouts.argoproj.io/managed-by-rollouts": MODEL}),
                "spec": {"selector": {VERSION: version}},
            },
            name=name,
        )
        for name, version in ((MODEL, "6d4cf56db6"), (f"{MODEL}-canary", "7f9c6d8b5c"))
    },
    "its plugin": lambda model: shift(model, 75, 25),
    "its plugin's mark": writes(
        "gatewayAPI", "httproute", marked(labels={"rollouts.argoproj.io/gatewayapi-canary": "in-progress"})
    ),
}
#: Who applies all that git declares.
ENGINES: Mapping[str, Writer] = {
    "Argo CD": applies("argocd-controller", {"annotations": TRACKING}),
    "Flux": applies("kustomize-controller", {"labels": OF_FLUX}),
}


@pytest.fixture
def model(tmp_path: Path, cluster: Cluster, namespace: str) -> Model:
    """A model that nobody has applied."""
    return Model(tmp_path, namespace, cluster)


def everything(model: Model) -> dict[str, Any]:
    """All objects of a model without what is counted in them."""
    kinds = "deployments,rollouts,services,horizontalpodautoscalers,httproutes,networkpolicies,podmonitors"
    return {f"{each['kind']} {each['metadata']['name']}": _held(each) for each in _objects(model, kinds)}


def _objects(model: Model, kinds: str) -> list[dict[str, Any]]:
    return model.cluster.objects(kinds, model.namespace, f"{conventions.LABEL_MODEL}={MODEL}")


def _held(document: dict[str, Any]) -> dict[str, Any]:
    marks = {part: document["metadata"].get(part) or {} for part in _HELD}
    marks["annotations"] = {name: text for name, text in marks["annotations"].items() if name != _COUNTED}
    return {**marks, "spec": document["spec"]}


def changes_nothing_of(model: Model, way: Way, writers: Mapping[str, Writer]) -> None:
    """Let each of them write, and apply twice: a conflict names whoever it is with."""
    for write in writers.values():
        write(model)
    written = everything(model)
    for _ in range(2):
        done = model.as_served(way).apply()
        assert (done.code, set(done.actions(MODEL).values())) == (0, {"unchanged"}), done.told
    assert everything(model) == written
    assert model.as_served(way).run("drift").code == 0


@pytest.mark.parametrize(
    ("way", "writers"), [(SCALED, WRITERS), (CANARY, OF_CANARIES)], ids=["without canary", "with canary"]
)
def test_what_others_write_is_no_conflict_and_stays_over_a_release(
    model: Model, way: Way, writers: Mapping[str, Writer]
) -> None:
    assert model.as_served(way).apply().code == 0
    changes_nothing_of(model, way, writers)
    written = everything(model)
    promoted = model.as_served(replace(way, seed=1)).apply()
    assert (promoted.code, promoted.actions(MODEL)[f"Deployment {MODEL}"]) == (0, "changed")
    containers = (f"Deployment {MODEL}", "spec", "template", "spec", "containers")
    assert differing(written, everything(model)) == {containers}


@pytest.mark.parametrize("engine", ENGINES)
def test_what_an_engine_applied_is_left_to_it_until_it_is_taken_over(model: Model, engine: str) -> None:
    """Not even an HTTPRoute differs then, into whose lists the server fills defaults that nobody declared."""
    project = model.as_served(SCALED)
    assert project.apply().code == 0
    ENGINES[engine](model)
    written = everything(model)
    refused = project.apply()
    assert refused.code == ExitCode.CONFLICT
    assert f"{engine} (" in refused.told
    assert everything(model) == written
    taken = project.apply(MODEL, "--adopt")
    assert (taken.code, set(taken.actions(MODEL).values())) == (0, {"unchanged"}), taken.told
    assert everything(model) == written


def differing(before: Any, after: Any, place: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
    """Where two objects differ; lists as a whole."""
    if not (isinstance(before, dict) and isinstance(after, dict)):
        return set() if before == after else {place}
    parts = (differing(before.get(name), after.get(name), (*place, name)) for name in {*before, *after})
    return set().union(*parts)
