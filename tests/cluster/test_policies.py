"""What breaks a policy is refused by a real API server, and what is compiled under it is not."""

from __future__ import annotations

import copy
import json
import re
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml

from aimass_compiler.catalog import load, names
from aimass_compiler.catalog.policy_rule import PolicyRule
from aimass_compiler.cli import main
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.fleet.policies.admission_policy import PolicyNamespace, objects_of
from aimass_compiler.pipeline.policy import Policy
from scripts.cluster.cluster import Cluster
from tests.cluster.overlays import Project, cloned
from tests.harness.releases import release

pytestmark = pytest.mark.cluster
Object = dict[str, Any]
DIGEST = "sha256:" + "a" * 64
SPEC = """
apiVersion: aimass/v1
kind: Model
metadata: {name: churn, owner: growth@example.com}
data:
  sources: {rows: data/rows.csv}
  columns: {x: number, note: text, "y": {type: category, values: [a, b]}}
target: "y"
features: [{standardize: x}]
model: naive_bayes
evaluation: {gates: [{metric: roc_auc, beats: released}]}
monitoring: {runbook: "https://wiki.example.com/churn"}
serving:
  replicas: {min: 3, max: 5, zones: 2}
  objectives: {availability: 99.9%}
  rollout: {canary: [10, 100]}
  gateway: {host: churn.ml.example.com}
"""
SETTINGS: Object = {
    "images": {"registry": "registry.example.com/ml", "python": f"python:3.11-slim@{DIGEST}"},
    "prometheus": {"retention": "15d"},
}
#: Every rule, as a policy of its own.
RULES: Object = {
    "servers": {"min": 3, "zones": 2},
    "ownership": {},
    "availability": {"min": "99.9%"},
    "pinned_images": {},
    "registries": ["registry.example.com/ml"],
    "reviewed_logs": {},
    "accelerators": {"server": 0, "servers": 0, "training": 2},
    "released_gate": {},
    "canary": {"first": 10},
    "retention": {"metrics": "3d"},
    "hosts": ["*.ml.example.com"],
    "expression": {
        "check": "seconds(here.serving.limits.timeout) <= 5.0",
        "message": "a request may take five seconds",
        "on_server": {"check": "object.spec.template.spec.terminationGracePeriodSeconds <= 60"},
    },
}
#: What no object shows, and the docs say so.
UNSEEN = {"retention"}
OPERATED = (
    "AnalysisTemplate",
    "HTTPRoute",
    "PrometheusRule",
    "Rollout",
    "PodMonitor",
    "RayJob",
    "TrainJob",
    "TrainingRuntime",
    "ScaledObject",
    "LeaderWorkerSet",
)


#: Policies are of the whole cluster, where another process runs this module too: each has names of its own.
APART = secrets.token_hex(3)


#: Another model, which one policy lets be for a while.
WAIVED = "plain"
WAIVER = {"waivers": [{"model": WAIVED, "reason": "its callers cannot be divided", "until": "2099-12-31"}]}


def policy_name(rule: str) -> str:
    return f"{rule.replace('_', '-')}-{APART}"


def compiled(project: Project) -> None:
    """Let generated/ stand for specs that keep all policies, but for one that is waived."""
    plain = SPEC.replace("name: churn", f"name: {WAIVED}").replace("  rollout: {canary: [10, 100]}\n", "")
    plain = plain.replace(", zones: 2", "")
    files = {
        "specs/churn.yaml": SPEC,
        f"specs/{WAIVED}.yaml": plain.replace("host: churn.", "host: plain."),
        "aimass.yaml": json.dumps(SETTINGS | {"environments": {"prod": {"namespace": project.namespace}}}),
        **{
            f"policies/waivers/{policy_name(rule)}.yaml": json.dumps(WAIVER) for rule in ("canary", "servers")
        },
    }
    for rule, parameters in RULES.items():
        policy = {"why": f"that is {rule}", "approvers": ["acme/platform"], "rule": {rule: parameters}}
        files[f"policies/{policy_name(rule)}.yaml"] = json.dumps(policy)
    for name, text in files.items():
        path = project.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert main(["compile", "--root", str(project.root)]) == ExitCode.DONE
    for model in ("churn", WAIVED):
        release(project.root, model, "prod")


@pytest.fixture(scope="module")
def governed(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A namespace in which the API server holds everyone to the policies."""
    namespace = f"test-{secrets.token_hex(4)}"
    cluster.create_custom_resource_definitions(*OPERATED)
    cluster.namespaces(namespace)
    project = Project(tmp_path_factory.mktemp("governed"), namespace, cluster.kubeconfig)
    cloned(project.root)
    compiled(project)
    assert project.run("fleet", "--apply", environments=("prod",)).code == 0
    yield project
    shutil.rmtree(project.root / "generated/fleet/policies")
    gone = project.run("fleet", "--apply", environments=("prod",))
    assert set(gone.actions("policies", "all environments").values()) == {"deleted"}
    cluster.kubectl("delete", "namespace", namespace, "--wait=false")


@pytest.fixture(scope="module")
def objects(governed: Project, cluster: Cluster) -> dict[str, Object]:
    """What is applied of a model that keeps all policies, by kind; and a pod, as a controller makes it."""
    folders = ("overlays/prod", "train")
    built = [cluster.kubectl("kustomize", str(governed.root / "generated/churn" / each)) for each in folders]
    every = [each for text in built for each in yaml.safe_load_all(text)]
    # What is about the model itself is called like it, and not like its training.
    every.sort(key=lambda each: each["metadata"]["name"] == "churn")
    found = {each["kind"]: each for each in every}
    template = found["Deployment"]["spec"]["template"]
    metadata = {"name": "churn-x", "namespace": governed.namespace, "labels": template["metadata"]["labels"]}
    found["Pod"] = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": {**template["spec"], "serviceAccountName": "default"},
    }
    labels = found["Deployment"]["metadata"]["labels"]
    beside = {"name": "churn", "namespace": governed.namespace, "labels": labels}
    scaled = {
        "scaleTargetRef": {"name": "churn"},
        "minReplicaCount": 3,
        "triggers": [{"type": "cpu", "metadata": {"value": "50"}}],
    }
    of_training = {**beside, "labels": found["RayJob"]["metadata"]["labels"]}
    node = {"name": "node", "template": {"spec": {"template": {"spec": {"containers": [NODE]}}}}}
    found["TrainingRuntime"] = {
        "apiVersion": "trainer.kubeflow.org/v1alpha1",
        "kind": "TrainingRuntime",
        "metadata": of_training,
        "spec": {"mlPolicy": {"numNodes": 2}, "template": {"spec": {"replicatedJobs": [node]}}},
    }
    found["TrainJob"] = {
        "apiVersion": "trainer.kubeflow.org/v1alpha1",
        "kind": "TrainJob",
        "metadata": of_training,
        "spec": {"runtimeRef": {"name": "churn"}, "trainer": {"numNodes": 2, "resourcesPerNode": GPUS}},
    }
    found["ScaledObject"] = {
        "apiVersion": "keda.sh/v1alpha1",
        "kind": "ScaledObject",
        "metadata": beside,
        "spec": scaled,
    }
    group = {"leaderWorkerTemplate": {"size": 2, "workerTemplate": template}}
    found["LeaderWorkerSet"] = {
        "apiVersion": "leaderworkerset.x-k8s.io/v1",
        "kind": "LeaderWorkerSet",
        "metadata": beside,
        "spec": group,
    }
    found["Declaration"] = copy.deepcopy(found["Service"])
    found["Declaration"]["metadata"]["annotations"] = declaring(
        model="churn", budget="0.001", runbook="https://wiki.example.com"
    )
    return found


def declaring(**labels: str) -> dict[str, str]:
    """What a model says of itself where rules are the fleet's."""
    return {f"declared.aimass.dev/{name}": text for name, text in labels.items()}


def promising(found: Object, budget: str | None) -> None:
    """The fleet's alerts would take another budget of errors, or none."""
    notes = found["metadata"]["annotations"]
    notes.update(declaring(budget=budget or ""))
    if budget is None:
        del notes["declared.aimass.dev/budget"]


def without_runbook(found: Object) -> None:
    """One alert links to none."""
    alert = next(each for group in found["spec"]["groups"] for each in group["rules"] if "alert" in each)
    del alert["annotations"]["runbook_url"]


def placed(path: str, value: Any) -> Callable[[Object], None]:
    """Puts a value into an object, at a path such as `spec.containers.0.image`."""

    def place(found: Any) -> None:
        *above, last = path.split(".")
        for step in above:
            found = found[int(step)] if step.isdigit() else found[step]
        found[int(last) if last.isdigit() else last] = value

    return place


CONTAINER = "spec.template.spec.containers.0"
SAMPLED = [{"name": "AIMASS_PREDICTION_SAMPLE", "value": "0.5"}]
ELSEWHERE = f"docker.io/someone/churn@{DIGEST}"
FIRST = {"name": "first", "image": ELSEWHERE}
GPUS = {"limits": {"nvidia.com/gpu": "1"}}
WORKER = "spec.rayClusterSpec.workerGroupSpecs.0"
WORKERS = {
    "groupName": "gpus",
    "minReplicas": 0,
    "maxReplicas": 3,
    "rayStartParams": {},
    "template": {"spec": {"containers": [{"name": "worker", "image": "x", "resources": GPUS}]}},
}
NODE = {"name": "node", "image": "x", "resources": GPUS}
TAGGED = "registry.example.com/ml/churn:latest"
LEADING = "spec.leaderWorkerTemplate.workerTemplate.spec"
#: Of each rule: an object that is as compiled but for one thing.
BROKEN: list[tuple[str, str, Callable[[Object], None]]] = [
    ("servers", "Deployment", placed("spec.replicas", 1)),
    ("servers", "Deployment", placed("spec.template.spec.topologySpreadConstraints", [])),
    ("servers", "HorizontalPodAutoscaler", placed("spec.minReplicas", 2)),
    ("servers", "Rollout", placed("spec.replicas", 2)),
    ("servers", "ScaledObject", placed("spec.minReplicaCount", 0)),
    ("servers", "LeaderWorkerSet", placed("spec.replicas", 1)),
    ("servers", "LeaderWorkerSet", placed(f"{LEADING}.topologySpreadConstraints", [])),
    ("ownership", "Deployment", placed("metadata.annotations", {})),
    ("ownership", "PrometheusRule", without_runbook),
    ("ownership", "Declaration", placed("metadata.annotations", declaring(model="churn", budget="0.001"))),
    ("availability", "PrometheusRule", placed("spec.groups", [])),
    ("availability", "Declaration", lambda found: promising(found, "0.0011")),
    ("availability", "Declaration", lambda found: promising(found, None)),
    ("pinned_images", "Deployment", placed(f"{CONTAINER}.image", TAGGED)),
    ("pinned_images", "Pod", placed("spec.containers.0.image", TAGGED)),
    ("pinned_images", "LeaderWorkerSet", placed(f"{LEADING}.containers.0.image", TAGGED)),
    ("registries", "Deployment", placed("spec.template.spec.initContainers", [FIRST])),
    ("registries", "Pod", placed("spec.containers.0.image", ELSEWHERE)),
    ("reviewed_logs", "Deployment", placed(f"{CONTAINER}.env", SAMPLED)),
    ("accelerators", "Deployment", placed(f"{CONTAINER}.resources", GPUS)),
    ("accelerators", "RayJob", placed("spec.rayClusterSpec.workerGroupSpecs", [WORKERS])),
    ("accelerators", "TrainJob", placed("spec.trainer.numNodes", 3)),
    ("accelerators", "TrainJob", placed("spec.trainer", {"numNodes": 2})),
    ("accelerators", "TrainingRuntime", placed("spec.mlPolicy.numNodes", 3)),
    ("released_gate", "ConfigMap", placed("data", {"pipeline.json": '{"gates": [{"beats": null}]}'})),
    ("canary", "Rollout", placed("spec.strategy.canary.steps.0", {"setWeight": 50})),
    ("canary", "Rollout", placed("spec.strategy.canary", {})),
    ("canary", "HorizontalPodAutoscaler", placed("spec.scaleTargetRef.kind", "Deployment")),
    ("hosts", "HTTPRoute", placed("spec.hostnames", ["churn.example.com"])),
    ("hosts", "HTTPRoute", placed("spec.hostnames", [])),
    ("expression", "Deployment", placed("spec.template.spec.terminationGracePeriodSeconds", 600)),
]


APPLY = ("apply", "--server-side", "--force-conflicts", "--dry-run=server", "-f-")


@pytest.fixture(scope="module")
def refusals(cluster: Cluster, objects: dict[str, Object]) -> list[str]:
    """What the API server says against each broken object, once all policies hold."""
    broken = []
    for place, (_, kind, breaks) in enumerate(BROKEN):
        broken.append(copy.deepcopy(objects[kind]))
        breaks(broken[-1])
        broken[-1]["metadata"]["name"] = f"broken-{place}"
    end = time.monotonic() + 30
    while True:
        told = cluster.try_kubectl(*APPLY, given=broken).stderr
        found = [[line for line in told.splitlines() if f'"broken-{n}"' in line] for n in range(len(broken))]
        if all(found) or time.monotonic() > end:
            return ["\n".join(lines) for lines in found]
        time.sleep(0.5)


@pytest.mark.parametrize("place", range(len(BROKEN)), ids=[f"{rule}-{kind}" for rule, kind, _ in BROKEN])
def test_what_breaks_a_policy_is_refused(refusals: list[str], place: int) -> None:
    rule, _, _ = BROKEN[place]
    assert set(re.findall(r"policy `([a-z0-9-]+)`", refusals[place])) == {policy_name(rule)}
    assert f"(that is {rule})" in refusals[place]


def test_every_rule_that_an_object_shows_is_broken_here() -> None:
    shown = {name for name in names("policies") if name not in UNSEEN}
    assert {rule for rule, _, _ in BROKEN} == shown
    for name in UNSEEN:
        assert policy_rule(name).unseen
        assert policy_rule(name)().admissions() == ()


def policy_rule(name: str) -> type[PolicyRule]:
    found = load("policies", name)
    assert issubclass(found, PolicyRule)
    return found


def test_what_is_compiled_is_admitted(
    cluster: Cluster, governed: Project, objects: dict[str, Object], refusals: list[str]
) -> None:
    assert all(refusals)
    done = cluster.try_kubectl(*APPLY, given=[*objects.values()])
    assert (done.returncode, done.stderr) == (0, "")
    applied = governed.run("apply", "churn", "--no-wait", environments=("prod",))
    assert applied.code == ExitCode.DONE, applied.told


def test_a_waived_model_is_admitted_and_its_controllers_may_do_their_work(
    cluster: Cluster, governed: Project, refusals: list[str]
) -> None:
    assert all(refusals)
    applied = governed.run("apply", WAIVED, "--timeout=90s", environments=("prod",))
    assert applied.code == ExitCode.DONE, applied.told
    assert cluster.get("deployment", WAIVED, governed.namespace)["status"]["availableReplicas"] == 3
    slow = {"spec": {"template": {"spec": {"terminationGracePeriodSeconds": 600}}}}
    where = ("deployment", WAIVED, f"--namespace={governed.namespace}")
    assert (
        f"policy `{policy_name('expression')}`"
        in cluster.try_kubectl("patch", *where, f"-p{json.dumps(slow)}").stderr
    )
    assert cluster.try_kubectl("scale", *where, "--replicas=4").returncode == 0


def test_a_policy_that_warns_refuses_nothing(
    cluster: Cluster, governed: Project, objects: dict[str, Object]
) -> None:
    policy = Policy.model_validate({"why": "it is slow", "level": "warn", "rule": {"servers": {"min": 9}}})
    rendered = objects_of(policy_name("more"), policy, [PolicyNamespace(governed.namespace)])
    cluster.kubectl("apply", "--server-side", "-f-", given=rendered)
    end = time.monotonic() + 20
    while True:
        done = cluster.try_kubectl(*APPLY, given=objects["HorizontalPodAutoscaler"])
        if "Warning" in done.stderr or time.monotonic() > end:
            break
        time.sleep(0.3)
    cluster.kubectl("delete", "--wait=false", "-f-", given=rendered)
    assert done.returncode == 0
    assert f"policy `{policy_name('more')}`: there must be 9 servers or more (it is slow)" in done.stderr


def test_an_api_server_finds_nothing_wrong_with_the_expressions(cluster: Cluster, governed: Project) -> None:
    del governed
    end = time.monotonic() + 20
    while True:
        known = cluster.objects(
            "validatingadmissionpolicy", selector="app.kubernetes.io/managed-by=aimass-compile"
        )
        found = [each for each in known if APART in each["metadata"]["name"]]
        checked = [each for each in found if "typeChecking" in each.get("status", {})]
        if len(checked) == len(found) or time.monotonic() > end:
            break
        time.sleep(0.5)
    warnings = {each["metadata"]["name"]: each["status"].get("typeChecking") for each in found}
    assert {name: told for name, told in warnings.items() if told} == {}
