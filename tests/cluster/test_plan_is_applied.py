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
from effects.specs import SPEC

from aimass_compiler.cli import main
from aimass_compiler.conventions import ExitCode
from scripts.cluster.cluster import Cluster
from tests.cluster.overlays import git

pytestmark = pytest.mark.cluster
ENVIRONMENTS = ("dev", "prod")
DEV = "dev: {serving: {replicas: {min: 1, max: 1}}}"
PROD = "prod: {serving: {replicas: {min: 3, max: 20}}}"
CHURN, OTHER, SETTINGS = "specs/churn.yaml", "specs/other.yaml", "aimass.yaml"
#: What is done → the file, a part of it and what it becomes. Each begins where the one before ended.
EDITS: Mapping[str, tuple[str, str, str]] = {
    "replicas": (CHURN, "{min: 3, max: 20}", "{min: 4, max: 20}"),
    "owner": (CHURN, "growth@example.com", "others@example.com"),
    "image": (CHURN, "count: 8", "count: 12"),
    "base image": (SETTINGS, "images: {", "images: {python: 'python:3.12-slim', "),
    "memory": (CHURN, "memory: 512Mi", "memory: 600Mi"),
    "limits": (CHURN, "timeout: 2s", "timeout: 3s"),
    "limits of one environment": (
        CHURN,
        "{replicas: {min: 1, max: 1}}",
        "{replicas: {min: 1, max: 1}, limits: {timeout: 1s}}",
    ),
    "from fixed to scaled": (CHURN, "{replicas: {min: 1, max: 1}", "{replicas: {min: 1, max: 3}"),
    "from scaled to fixed": (CHURN, "{replicas: {min: 1, max: 3}", "{replicas: {min: 1, max: 1}"),
    "canary on": (
        CHURN,
        "{replicas: {min: 4, max: 20}}",
        "{replicas: {min: 4, max: 20}, rollout: {canary: [50, 100]}}",
    ),
    "canary off": (CHURN, ", rollout: {canary: [50, 100]}}", "}"),
    "route": (CHURN, "  limits: {conc", "  gateway: {host: churn.example.com}\n  limits: {conc"),
    "no route": (CHURN, "  gateway: {host: churn.example.com}\n", ""),
    "labels": (SETTINGS, "environments:", "labels: {team: growth}\nenvironments:"),
    "environment more": (SETTINGS, "  prod:", "  staging: {namespace: STAGING}\n  prod:"),
    "environment less": (SETTINGS, "  staging: {namespace: STAGING}\n", ""),
    "namespace": (SETTINGS, "prod: {namespace: PROD}", "prod: {namespace: MOVED}"),
    "rename": (OTHER, "name: other", "name: another"),
    "deletion": (CHURN, "", ""),
    "deletion of the last": ("specs/another.yaml", "", ""),
}
#: What is done → which models and environments are left as they are by it.
LEFT = {
    "environment less": [("churn", "staging"), ("other", "staging")],
    "namespace": [("churn", "prod"), ("other", "prod")],
    "deletion of the last": [("another", "dev"), ("another", "prod")],
}
LOOKED_AT = {
    "deployments": "Deployment ",
    "services": "Service ",
    "poddisruptionbudgets": "PodDisruptionBudget ",
}
#: No controller of Argo Rollouts is there, so nobody waits for it.
UNWAITED = ("canary on", "canary off")


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

    def edit(self, path: str, before: str, after: str) -> None:
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
        code, out, told = self.aimass("plan", "--format", "json")
        assert code == 0, told
        document: dict[str, Any] = json.loads(out)
        return document

    def apply(self, *options: str) -> tuple[int, list[dict[str, Any]], str]:
        wanted = [word for name in self.environments for word in ("--env", name)]
        code, out, told = self.aimass(
            "apply", *wanted, "--format", "json", "--kubeconfig", str(self.cluster.kubeconfig), *options
        )
        return code, json.loads(out)["models"] if out else [], told

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


def test_every_edit_does_what_its_plan_said(world: World) -> None:
    assert world.aimass("compile")[0] == 0
    code, models, told = world.apply()
    assert (code, len(models)) == (0, 4), told
    for name, edit in EDITS.items():
        world.edit(*edit)
        document = world.plan()
        before = world.templates()
        assert world.aimass("compile")[0] == 0, name
        world.environments = ["dev", "staging", "prod"] if name == "environment more" else list(ENVIRONMENTS)
        code, models, told = world.apply(*(["--no-wait"] if name in UNWAITED else ["--timeout", "60s"]))
        assert code == (ExitCode.USAGE if name == "deletion of the last" else 0), f"{name}: {told}"
        want, replaced = planned(document)
        assert applied(models) == want, name
        after = world.templates()
        rolled = {key for key in before.keys() & after.keys() if before[key] != after[key]}
        assert rolled == {(space, model) for model, _, space in replaced}, name
        assert everything_that_is_left_is_there(world, document) == LEFT.get(name, []), name
        if name == "namespace":
            what_moved_away_is_told_and_can_be_removed(world, told)


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
