"""What a plan says that applying does is what applying does, edit after edit, on a real API server."""

from __future__ import annotations

import io
import json
import secrets
from collections.abc import Iterator, Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from harness.version_records import recorded, released
from impact.specs import SPEC

from aimass_compiler.cli import main
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.impact.release_changes import ReleaseAct
from aimass_compiler.releases.release_file import file_of
from aimass_compiler.releases.version_record import VersionRecord
from scripts.cluster.cluster import Cluster
from tests.cluster.overlays import git

pytestmark = pytest.mark.cluster
ENVIRONMENTS = ("dev", "prod")
DEV = "dev: {serving: {replicas: {min: 1, max: 1}}}"
PROD = "prod: {serving: {replicas: {min: 3, max: 20}}}"
CHURN, OTHER, SETTINGS = "specs/churn.yaml", "specs/other.yaml", "aimass.yaml"
#: The number of a version that is the second one on another server.
REBASED = 3


@dataclass(frozen=True)
class Edit:
    """What one pull request does to recipes and settings, and to releases."""

    file: str = ""
    before: str = ""
    after: str = ""
    releases: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """The version that a model has in an environment from now on; 0 for none."""


def everywhere(model: str, number: int, *environments: str) -> Mapping[tuple[str, str], int]:
    return {(environment, model): number for environment in environments or ENVIRONMENTS}


STAGING = everywhere("churn", 2, "staging") | everywhere("other", 1, "staging")
#: Each begins where the one before ended.
EDITS: Mapping[str, Edit] = {
    "replicas": Edit(CHURN, "{min: 3, max: 20}", "{min: 4, max: 20}"),
    "owner": Edit(CHURN, "growth@example.com", "others@example.com"),
    "recipe": Edit(CHURN, "count: 8", "count: 12"),
    "base image": Edit(SETTINGS, "images: {", "images: {python: 'python:3.12-slim', "),
    "memory": Edit(CHURN, "memory: 512Mi", "memory: 600Mi"),
    "limits": Edit(CHURN, "timeout: 2s", "timeout: 3s"),
    "version": Edit(releases=everywhere("churn", 2, "dev")),
    "version of a rebase, with limits": Edit(
        CHURN, "timeout: 3s", "timeout: 4s", everywhere("churn", REBASED, "dev")
    ),
    "version back, with an owner": Edit(
        CHURN, "others@example.com", "growth@example.com", everywhere("churn", 1, "dev")
    ),
    "version of before": Edit(releases=everywhere("churn", 2)),
    "limits of one environment": Edit(
        CHURN,
        "{replicas: {min: 1, max: 1}}",
        "{replicas: {min: 1, max: 1}, limits: {timeout: 1s}}",
    ),
    "from fixed to scaled": Edit(CHURN, "{replicas: {min: 1, max: 1}", "{replicas: {min: 1, max: 3}"),
    "from scaled to fixed": Edit(CHURN, "{replicas: {min: 1, max: 3}", "{replicas: {min: 1, max: 1}"),
    "canary on": Edit(
        CHURN,
        "{replicas: {min: 4, max: 20}}",
        "{replicas: {min: 4, max: 20}, rollout: {canary: [50, 100]}}",
    ),
    "version by canary": Edit(releases=everywhere("churn", 1, "prod")),
    "canary off": Edit(CHURN, ", rollout: {canary: [50, 100]}}", "}"),
    "route": Edit(CHURN, "  limits: {conc", "  gateway: {host: churn.example.com}\n  limits: {conc"),
    "no route": Edit(CHURN, "  gateway: {host: churn.example.com}\n", ""),
    "labels": Edit(SETTINGS, "environments:", "labels: {team: growth}\nenvironments:"),
    "release less": Edit(releases=everywhere("other", 0, "dev")),
    "release more": Edit(releases=everywhere("other", 2, "dev")),
    "environment more": Edit(SETTINGS, "  prod:", "  staging: {namespace: STAGING}\n  prod:", STAGING),
    "environment less": Edit(SETTINGS, "  staging: {namespace: STAGING}\n", "", dict.fromkeys(STAGING, 0)),
    "namespace, with a version": Edit(
        SETTINGS, "prod: {namespace: PROD}", "prod: {namespace: MOVED}", everywhere("churn", 2, "prod")
    ),
    "rename": Edit(OTHER, "name: other", "name: another", everywhere("another", 1) | everywhere("other", 0)),
    "deletion": Edit(CHURN, releases=everywhere("churn", 0)),
    "deletion of the last": Edit("specs/another.yaml", releases=everywhere("another", 0)),
}
#: Those that no other edit builds on, and of which other tests see by day what becomes of them.
AT_NIGHT = {
    "base image",
    "memory",
    "from fixed to scaled",
    "from scaled to fixed",
    "route",
    "no route",
}
BY_DAY = {name: edit for name, edit in EDITS.items() if name not in AT_NIGHT}
#: What is done → which models and environments are left as they are by it.
LEFT = {
    "environment less": [("churn", "staging"), ("other", "staging")],
    "namespace, with a version": [("churn", "prod"), ("other", "prod")],
    "deletion of the last": [("another", "dev"), ("another", "prod")],
}
LOOKED_AT = {
    "deployments": "Deployment ",
    "services": "Service ",
    "poddisruptionbudgets": "PodDisruptionBudget ",
}
#: No controller of Argo Rollouts is there, so nobody waits for it.
UNWAITED = ("canary on", "version by canary", "canary off")


@dataclass
class World:
    """A repository with two models, and the namespaces that it is applied to."""

    root: Path
    cluster: Cluster
    spaces: Mapping[str, str]
    environments: list[str] = field(default_factory=lambda: list(ENVIRONMENTS))

    def write(self, path: str, text: str) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        for name, space in self.spaces.items():
            text = text.replace(name, space)
        (self.root / path).write_text(text, encoding="utf-8")

    def edit(self, edit: Edit) -> None:
        if edit.file:
            self._edit(edit.file, edit.before, edit.after)
        self.release(edit.releases)

    def release(self, releases: Mapping[tuple[str, str], int]) -> None:
        for (environment, model), number in releases.items():
            if number:
                released(self.root, versions(self.root, model)[number], environment)
            else:
                file_of(self.root, environment, model).unlink()

    def namespace_of(self, environment: str) -> str:
        settings = yaml.safe_load((self.root / SETTINGS).read_text(encoding="utf-8"))
        found: str = settings["environments"].get(environment, {"namespace": ""})["namespace"]
        return found

    def _edit(self, path: str, before: str, after: str) -> None:
        if not before:
            (self.root / path).unlink()
            return
        text = (self.root / path).read_text(encoding="utf-8")
        for name, space in self.spaces.items():
            before = before.replace(name, space)
        assert text.count(before) == 1, (path, before)
        if path == OTHER:
            (self.root / path).unlink()
            path = "specs/another.yaml"
        self.write(path, text.replace(before, after))

    def aimass(self, *words: str) -> tuple[int, str, str]:
        out, told = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(told):
            code = main([*words, "--root", str(self.root)])
        return code, out.getvalue(), told.getvalue()

    def plan(self) -> dict[str, Any]:
        code, out, told = self.aimass("plan", "--against", "HEAD", "--format", "json")
        assert code == 0, told
        document: dict[str, Any] = json.loads(out)
        return document

    def apply(self, *options: str) -> tuple[int, list[dict[str, Any]], str]:
        wanted = [word for name in self.environments for word in ("--env", name)]
        code, out, told = self.aimass(
            "apply", *wanted, "--format", "json", "--kubeconfig", str(self.cluster.kubeconfig), *options
        )
        return code, json.loads(out)["models"] if out else [], told

    def commit(self) -> None:
        git(self.root, "add", "--all")
        git(self.root, "commit", "--quiet", "--message", "Edit")

    def templates(self) -> dict[tuple[str, str], Any]:
        """What the pods of every model are made from, by namespace and name."""
        return {
            (space, each["metadata"]["name"]): each["spec"]["template"]
            for space in self.spaces.values()
            for each in self.cluster.objects("deployments", space)
        }


@pytest.fixture
def world(cluster: Cluster, tmp_path: Path) -> Iterator[World]:
    spaces = {
        name: f"plan-{name.lower()}-{secrets.token_hex(3)}" for name in ("DEV", "STAGING", "PROD", "MOVED")
    }
    cluster.namespaces(*spaces.values())
    made = World(tmp_path, cluster, spaces)
    made.write(CHURN, SPEC)
    made.write(OTHER, SPEC.replace("name: churn", "name: other"))
    registry = "images: {registry: ghcr.io/acme}\n"
    made.write(SETTINGS, f"{registry}environments:\n  dev: {{namespace: DEV}}\n  prod: {{namespace: PROD}}\n")
    git(tmp_path, "init", "--quiet")
    git(
        tmp_path, "remote", "add", "origin", f"https://git.example.com/{tmp_path.name}-{secrets.token_hex(4)}"
    )
    yield made
    cluster.kubectl("delete", "namespace", "--wait=false", *spaces.values())


def versions(root: Path, model: str) -> dict[int, VersionRecord]:
    """Three versions on record, of which the last is the second one on another server."""
    first, second = recorded(root, model, 1), recorded(root, model, 2)
    rebased = recorded(root, model, REBASED, second.package, rebased_from=second.name)
    return {1: first, 2: second, REBASED: rebased}


Actions = dict[tuple[str, str, str], dict[str, str]]


def planned(document: Mapping[str, Any]) -> tuple[Actions, Actions]:
    """What a plan says that happens to each object in each namespace, and which servers are replaced."""
    actions: Actions = {}
    replaced: Actions = {}
    for model in document["models"]:
        for each in model["applying"]:
            for action in ("created", "changed", "deleted"):
                name = model["model"]
                if model["renamed_from"] and action == "deleted":
                    name = model["renamed_from"]
                here = actions.setdefault((name, each["environment"], each["namespace"]), {})
                here |= dict.fromkeys(each[action], action)
            if each["replaced"]:
                replaced[model["model"], each["environment"], each["namespace"]] = {}
    return {key: value for key, value in actions.items() if value}, replaced


def applied(models: list[dict[str, Any]]) -> Actions:
    """What happened to each object."""
    found: Actions = {}
    for model in models:
        here = {
            f"{each['kind']} {each['name']}": each["action"]
            for each in model["objects"]
            if each["action"] not in ("unchanged", "left")
        }
        if here:
            found[model["model"], model["environment"], model["namespace"]] = here
    return found


def moved(world: World, document: Mapping[str, Any]) -> dict[tuple[str, str, str], ReleaseAct]:
    """What a plan says that happens to releases."""
    return {
        (each["model"], each["environment"], world.namespace_of(each["environment"])): ReleaseAct(
            each["acts"][0]
        )
        for each in document["releases"]
    }


#: What becomes of all objects of a model whose release comes, goes or is another: an annotation names it.
OF_ALL = {
    ReleaseAct.DEPLOYED: "created",
    ReleaseAct.REMOVED: "deleted",
    ReleaseAct.MOVED: "changed",
    ReleaseAct.CANARY_BEGINS: "changed",
    ReleaseAct.CANARY_ENDS: "changed",
}


def without_releases(
    found: Actions, want: Actions, acts: Mapping[tuple[str, str, str], ReleaseAct]
) -> Actions:
    """What happened but for what releases do to all objects of a model."""
    left = {}
    for place, here in found.items():
        named, action = want.get(place, {}), OF_ALL.get(acts.get(place, ReleaseAct.HELD))
        left[place] = {name: done for name, done in here.items() if name in named or done != action}
    assert all(here for place, here in found.items() if place in acts)
    return {place: here for place, here in left.items() if here}


@pytest.mark.parametrize(
    "edits", [BY_DAY, pytest.param(EDITS, marks=pytest.mark.nightly)], ids=["by day", "all"]
)
def test_every_edit_does_what_its_plan_said(world: World, edits: Mapping[str, Edit]) -> None:
    assert world.aimass("compile")[0] == 0
    world.release(everywhere("churn", 1) | everywhere("other", 1))
    world.commit()
    code, models, told = world.apply()
    assert (code, len(models)) == (0, 4), told
    for name, edit in edits.items():
        world.edit(edit)
        document = world.plan()
        before = world.templates()
        assert world.aimass("compile")[0] == 0, name
        world.environments = ["dev", "staging", "prod"] if name == "environment more" else list(ENVIRONMENTS)
        code, models, told = world.apply(*(["--no-wait"] if name in UNWAITED else ["--timeout", "60s"]))
        assert code == (ExitCode.USAGE if name == "deletion of the last" else 0), f"{name}: {told}"
        want, replaced = planned(document)
        acts = moved(world, document)
        assert without_releases(applied(models), want, acts) == want, name
        after = world.templates()
        rolled = {key for key in before.keys() & after.keys() if before[key] != after[key]}
        is_moved = {place for place, act in acts.items() if act is ReleaseAct.MOVED}
        assert rolled == {(space, model) for model, _, space in {*replaced, *is_moved}} & before.keys(), name
        assert everything_that_is_left_is_there(world, document) == LEFT.get(name, []), name
        if name.startswith("namespace"):
            what_moved_away_is_told_and_can_be_removed(world, told)
        world.commit()


def everything_that_is_left_is_there(world: World, document: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Each model and environment of which a plan says that something is left."""
    found = []
    for model in document["models"]:
        for each in model["applying"]:
            if each["left"]:
                listed = world.cluster.objects(",".join(LOOKED_AT), each["namespace"])
                there = {f"{one['kind']} {one['metadata']['name']}" for one in listed}
                assert {one for one in each["left"] if one.startswith(tuple(LOOKED_AT.values()))} <= there
                found.append((model["model"], each["environment"]))
    return found


def what_moved_away_is_told_and_can_be_removed(world: World, told: str) -> None:
    old = world.spaces["PROD"]
    command = f"aimass delete churn --env prod --namespace {old}"
    assert f"`churn` of prod still runs in the namespace `{old}`" in told
    assert f"`{command}` removes it" in told
    kubeconfig = ("--kubeconfig", str(world.cluster.kubeconfig))
    assert command in world.aimass("status", "--env", "prod", *kubeconfig)[2]
    done = world.aimass(*command.split()[1:], "--yes", *kubeconfig)
    assert done[0] == 0, done
    left = world.cluster.objects("deployments,services", old)
    assert {each["metadata"]["labels"]["aimass.dev/model"] for each in left} == {"other"}
    assert command not in world.aimass("status", "--env", "prod", *kubeconfig)[2]
