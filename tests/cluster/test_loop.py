"""From a pull request to three environments and back: by the shipped workflows, with the rights they get."""

from __future__ import annotations

import json
import secrets
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from loop import projects, registry, token_service
from loop.hub import Place, git
from loop.workflows import overview

from scripts.cluster import programs
from scripts.cluster.cluster import Cluster

if TYPE_CHECKING:
    from loop.jobs import Job
    from loop.projects import Project
    from loop.registry import Registry

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.pipeline,
    pytest.mark.skipif(
        any(shutil.which(name) is None for name in ("git", "bash", "jq", "openssl", "curl")),
        reason="git, bash, jq, openssl and curl are not all on the PATH",
    ),
]
ENVIRONMENTS = ("dev", "staging", "prod")
#: What the workflows call, and every runner of GitHub has.
TOOLS = ("kubectl", "kustomize")
TRAINED, KEPT = "diabetes", "churn"
AUDIENCE = "models"
#: What controllers make of what was applied, or what comes and goes by itself.
DERIVED = {"Pod", "ReplicaSet", "Endpoints", "EndpointSlice", "Event", "Lease", "ControllerRevision"}
#: What is another time each time that the same is applied.
FLEETING = ("uid", "resourceVersion", "creationTimestamp", "generation", "managedFields")
#: What the cluster chooses: addresses, the count of rollouts, and how many servers its autoscaler wants.
CHOSEN = ("clusterIP", "clusterIPs", "replicas", "deployment.kubernetes.io/revision")
STRANGER = {"apiVersion": "v1", "kind": "ConfigMap", "data": {"by": "hand"}}
Objects = Mapping[tuple[str, str], dict[str, Any]]


@dataclass(frozen=True)
class World:
    """A project, the cluster that it is applied to and the registry between them."""

    project: Project
    cluster: Cluster
    registry: Registry
    namespaces: Mapping[str, str]

    def merge(self, branch: str, *labels: str) -> dict[str, Job]:
        """Let a branch be checked, and once it may be merged, merged and applied."""
        request = self.project.propose(branch, *labels)
        checked = self.project.check(request)
        assert overview(checked) == {"specs": "success", "comment": "success"}, checked["specs"].log
        return self.project.apply(self.project.hub.merge(request))

    def objects(self, environment: str) -> Objects:
        """Everything in a namespace, but what follows from the rest."""
        namespace = self.namespaces[environment]
        listed = self.cluster.kubectl("api-resources", "--namespaced", "--verbs=list", "-oname").split()
        kinds = sorted({each for each in listed if not each.startswith(("events", "bindings"))})
        found = self.cluster.objects(",".join(kinds), namespace)
        known = {(each["kind"], each["metadata"]["name"]): each for each in found}
        return {key: each for key, each in known.items() if key[0] not in DERIVED}

    def kubectl(self, environment: str, *words: str) -> str:
        return self.cluster.kubectl(*words, f"--namespace={self.namespaces[environment]}")


@pytest.fixture
def world(build: Callable[[Sequence[str]], None], cluster: Cluster, tmp_path: Path) -> Iterator[World]:
    """A project with two models, and a cluster that grants its workflows what access.yaml says."""
    namespaces = {name: f"loop-{name}-{secrets.token_hex(3)}" for name in ENVIRONMENTS}
    cluster.namespaces(*namespaces.values())
    dev = f"{namespaces['dev']}/aimass"
    with (
        registry.running() as images,
        token_service.running(AUDIENCE, lambda: cluster.token_of(dev)) as tokens,
    ):
        settings = {
            "environments": {name: {"namespace": space} for name, space in namespaces.items()},
            "images": {"registry": f"{images.address}/ml"},
        }
        build(TOOLS)
        tools = {programs.program(name).parent for name in TOOLS}
        specs = (TRAINED, KEPT)
        project = projects.create(tmp_path / "loop", specs, json.dumps(settings), sorted(tools), tokens)
        made = World(project, cluster, images, namespaces)
        for name in ENVIRONMENTS:
            project.hub.places |= dict.fromkeys((name, f"drift-{name}"), place(made, name))
        for model in specs:
            cluster.kubectl("apply", f"--filename={project.clone}/generated/{model}/access.yaml")
        images.hold(image_of(made, KEPT))
        yield made
    cluster.kubectl("delete", "namespace", "--wait=false", *namespaces.values())


def place(world: World, environment: str) -> Place:
    """How its jobs log in: to dev by GitHub's identity, to the others by a kubeconfig."""
    if environment != "dev":
        kubeconfig = world.cluster.kubeconfig_for(f"{world.namespaces[environment]}/aimass")
        return Place(secrets={"KUBECONFIG": kubeconfig.read_text()})
    world.cluster.token_of(f"{world.namespaces['dev']}/aimass")
    address = world.cluster._address()
    variables = {
        "KUBE_SERVER": address["server"],
        "KUBE_CERTIFICATE_AUTHORITY": address["certificate-authority-data"],
        "KUBE_AUDIENCE": AUDIENCE,
    }
    return Place(variables)


def image_of(world: World, model: str) -> str:
    """What the workflow's own script says."""
    return subprocess.run(
        [".github/scripts/image-of.sh", model],
        cwd=world.project.clone,
        env={"PATH": world.project.machine.path},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()


def test_the_loop(world: World) -> None:
    a_merged_change_is_trained_built_and_applied_in_turn(world)
    an_object_that_was_edited_by_hand_is_told_and_not_overwritten(world)
    a_spec_that_is_deleted_takes_its_objects_along_and_no_others(world)


def a_merged_change_is_trained_built_and_applied_in_turn(world: World) -> None:
    project = world.project
    project.branch("more")
    project.edit(f"specs/{TRAINED}.yaml", "replicas: {min: 2, max: 4}", "replicas: {min: 2, max: 9}")
    project.edit(f"specs/{TRAINED}.yaml", "l2: 1.0", "l2: 0.9")
    project.compile()
    jobs = world.merge("more")
    told = "".join(job.log for job in jobs.values())
    assert overview(jobs) == dict.fromkeys(("images", "train", *ENVIRONMENTS), "success"), told
    assert json.loads(jobs["images"].outputs["missing"]) == [TRAINED]
    image = image_of(world, TRAINED)
    assert image in world.registry.images
    what_was_trained_can_be_released(world, jobs["train"])
    assert f"Pushed `{image}`, which is `" in jobs["train"].summary
    for environment in ENVIRONMENTS:
        objects = world.objects(environment)
        served = objects["Deployment", TRAINED]
        (container,) = served["spec"]["template"]["spec"]["containers"]
        assert container["image"] == image
        assert served["status"]["availableReplicas"] >= 1
        assert objects["HorizontalPodAutoscaler", TRAINED]["spec"]["maxReplicas"] == 9
        assert {("Deployment", KEPT), ("ConfigMap", f"aimass-{KEPT}-{environment}")} <= objects.keys()
        assert f"{TRAINED} in {environment}" in jobs[environment].summary


def what_was_trained_can_be_released(world: World, job: Job) -> None:
    """From its artifact; with its dvc.lock committed, the manifests name an image that is there."""
    (kept,) = (world.project.folder / "jobs").glob(f"train-{TRAINED}-*-artifacts/{TRAINED}")
    desk = world.project.folder / "desk"
    git(world.project.folder, "clone", "--quiet", str(world.project.hub.remote), str(desk))
    shutil.copytree(kept, desk, dirs_exist_ok=True)
    own = replace(world.project, clone=desk)
    done = own.aimass("release", TRAINED)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    before = image_of(replace(world, project=own), TRAINED)
    own.compile()
    recorded = image_of(replace(world, project=own), TRAINED)
    assert recorded != before
    assert recorded in world.registry.images
    assert recorded in job.summary


def an_object_that_was_edited_by_hand_is_told_and_not_overwritten(world: World) -> None:
    def edit(maximum: int) -> None:
        patch = json.dumps({"spec": {"maxReplicas": maximum}})
        words = ("patch", "hpa", TRAINED, f"--patch={patch}", "--field-manager=mallory")
        world.kubectl("prod", *words)

    assert overview(world.project.look()) == {"drift": "skipped"}, "nobody has asked for it"
    world.project.hub.variables["WATCH_DRIFT"] = "true"
    edit(40)
    looked = {part.name: part for part in world.project.look()["drift"].parts}
    assert {name: part.result for name, part in looked.items()} == {
        "Hold dev against git": "success",
        "Hold staging against git": "success",
        "Hold prod against git": "failure",
    }
    (issue,) = world.project.issues()
    assert (issue["title"], issue["state"]) == ("prod is not as git has it", "open")
    assert f"HorizontalPodAutoscaler {TRAINED}" in issue["body"]
    assert "spec.maxReplicas" in issue["body"]
    assert "is 40, in git 9; `mallory`" in issue["body"]
    again = world.project.hub.started(environment="prod")
    jobs = world.project.apply(again)
    assert overview(jobs) == {
        **dict.fromkeys(("train", "dev", "staging"), "skipped"),
        "images": "success",
        "prod": "failure",
    }
    log = jobs["prod"].step("Apply").log
    assert "HorizontalPodAutoscaler" in log
    assert "mallory" in log
    assert "maxReplicas" in log
    assert world.objects("prod")["HorizontalPodAutoscaler", TRAINED]["spec"]["maxReplicas"] == 40
    edit(9)
    assert overview(world.project.apply(again))["prod"] == "success"
    assert overview(world.project.look()) == {"drift": "success"}
    (issue,) = world.project.issues()
    assert issue["state"] == "closed"


def a_spec_that_is_deleted_takes_its_objects_along_and_no_others(world: World) -> None:
    project = world.project
    for environment, space in world.namespaces.items():
        # With the labels of the model, it is still no object of its inventory.
        labels = {"aimass.dev/model": KEPT, "aimass.dev/environment": environment}
        world.cluster.apply(
            [STRANGER | {"metadata": {"name": "by-hand", "namespace": space, "labels": labels}}]
        )
    before = {environment: world.objects(environment) for environment in ENVIRONMENTS}
    project.branch("without")
    (project.clone / f"specs/{KEPT}.yaml").unlink()
    project.compile()
    unlabelled = project.check(project.propose("without"))["specs"]
    assert unlabelled.step("Fail where callers").outcome == "failure"
    assert f"the model {KEPT} is removed" in unlabelled.log
    jobs = world.merge("without", "breaking")
    assert overview(jobs)["prod"] == "success", "".join(job.log for job in jobs.values())
    for environment in ENVIRONMENTS:
        after = world.objects(environment)
        gone = before[environment].keys() - after.keys()
        owned = declared(world, KEPT, environment, project.hub.revision("main^1"))
        assert gone == owned | {("ConfigMap", f"aimass-{KEPT}-{environment}")}
        assert same(after) == same({key: each for key, each in before[environment].items() if key in after})
    reverted(world, before)


def reverted(world: World, before: Mapping[str, Objects]) -> None:
    project = world.project
    project.branch("with")
    git(project.clone, "revert", "--no-edit", "--mainline=1", "HEAD")
    jobs = world.merge("with")
    assert overview(jobs)["prod"] == "success", "".join(job.log for job in jobs.values())
    assert overview(jobs)["train"] == "skipped"
    for environment in ENVIRONMENTS:
        assert same(world.objects(environment)) == same(before[environment])


def declared(world: World, model: str, environment: str, revision: str) -> set[tuple[str, str]]:
    """The objects of a model that git has at a revision, by kind and name."""
    folder = world.project.folder / f"at-{revision}"
    if not folder.exists():
        git(world.project.folder, "clone", "--quiet", str(world.project.hub.remote), str(folder))
        git(folder, "checkout", "--quiet", revision)
    built = subprocess.run(
        [programs.program("kustomize"), "build", f"generated/{model}/overlays/{environment}"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    objects = [each for each in yaml.safe_load_all(built) if each]
    return {(each["kind"], each["metadata"]["name"]) for each in objects}


def same(objects: Objects) -> dict[tuple[str, str], dict[str, Any]]:
    """The objects without what differs each time that the same is applied, and without inventories.

    An inventory names the commit that was applied.
    """
    return {
        key: without_chosen(each)
        for key, each in objects.items()
        if not (key[0] == "ConfigMap" and key[1].startswith("aimass-"))
    }


def without_chosen(found: dict[str, Any]) -> dict[str, Any]:
    """An object as it was declared: without status, identity, and what the cluster chooses for it."""
    metadata = {name: value for name, value in found["metadata"].items() if name not in FLEETING}
    notes = metadata.pop("annotations", {})
    metadata["annotations"] = {name: notes[name] for name in notes if name not in CHOSEN}
    kept = {**found, "metadata": metadata, "status": None}
    if "spec" in found:
        kept["spec"] = {name: value for name, value in found["spec"].items() if name not in CHOSEN}
    return kept
