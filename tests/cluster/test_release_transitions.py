"""Releases and settings change in the middle of canaries that Argo Rollouts' own controller runs.

After each change git, its plan and the cluster agree, and no server is lost.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.releases import release_file
from aimass_compiler.releases.release_file import Release
from aimass_compiler.releases.version_record import ServiceTest
from scripts.cluster import programs, rollouts
from scripts.cluster.cluster import Cluster
from tests.cluster.overlays import git
from tests.cluster.served import MODEL, SPECS, Model, Way, eventually, watched
from tests.cluster.test_handover import VERSION, backends
from tests.cluster.test_loop import BAD, GOOD
from tests.cluster.test_plan_is_applied import (
    SETTINGS,
    Edit,
    World,
    applied,
    everywhere,
    moved,
    planned,
    without_releases,
)
from tests.cluster.test_rollouts import promote as promote_in_full
from tests.harness import prometheus_answers
from tests.harness.prometheus_answers import Measured
from tests.harness.version_records import recorded

pytestmark = [pytest.mark.cluster, pytest.mark.nightly]
CANARY = Way(3, 6, has_canary=True)
RECIPE = f"specs/{MODEL}.yaml"
OTHERS = tuple(f"other-{number}" for number in range(10))
VERSIONS = 6
#: Each of these versions is that one on another server.
REBASED = {3: 2}
LIMITS = Edit(RECIPE, '"timeout": "2s"', '"timeout": "3s"')
OWNER = Edit(RECIPE, "endocrinology@example.com", "others@example.com")
BASE_IMAGE = Edit(SETTINGS, "images: {", "images: {python: 'python:3.12-slim', ")
NAMESPACE = Edit(SETTINGS, "namespace: PROD", "namespace: MOVED")
#: The traffic of a canary at its first step, and of one version alone; and how Argo Rollouts calls that.
BEGUN, WHOLE = {"stable": 75, "canary": 25}, {"stable": 100, "canary": 0}
PHASES = {75: "Paused", 100: "Healthy"}
#: Far more than any state takes.
LONG = 300


@dataclass
class Delivery:
    """A project with a canary and ten plain models, and the environment that it is delivered to."""

    world: World
    measured: Measured
    space: str = "PROD"

    @property
    def model(self) -> Model:
        return Model(self.world.root, self.world.spaces[self.space], self.world.cluster)

    @property
    def release(self) -> Release:
        """What git says."""
        found = release_file.read(self.world.root, "prod", MODEL)
        assert found is not None
        return found

    def aimass(self, *words: str, code: int = ExitCode.DONE) -> str:
        """Run a command that ends with this code; answers all that it tells."""
        ended, out, told = self.world.aimass(*words)
        assert ended == code, f"{words}: {ended}\n{out}{told}"
        return out + told

    def in_cluster(self, *words: str, code: int = ExitCode.DONE) -> str:
        return self.aimass(*words, "--kubeconfig", str(self.world.cluster.kubeconfig), code=code)

    def promote(self, number: int) -> None:
        self.aimass("promote", MODEL, "--to", "prod", "--version", f"v{number}", "--offline")

    def deliver(
        self, traffic: Mapping[str, int], *, is_rolled_back: bool = False, space: str = "PROD"
    ) -> None:
        """Plan, commit and apply what was edited, and see that nothing else happens, and nothing again.

        `is_rolled_back` where the cluster has the release of git already.
        """
        document, before, others = self.world.plan(), self.world.templates(), self.others()
        self.aimass("compile")
        self.world.commit()
        with watched(self.model) as seen:
            code, models, told = self.world.apply(f"--timeout={LONG}s")
            assert code == 0, told
            self.space = space
            self.settle(traffic)
        assert seen.fewest >= (CANARY.least if before else 0), seen.counts
        acts = moved(self.world, document)
        want, replaced = planned(document)
        assert without_releases(applied(models), want, acts) == want
        after = self.world.templates()
        rolled = {place for place in before.keys() & after.keys() if before[place] != after[place]}
        meant = {(namespace, model) for model, _, namespace in {*replaced, *self.released(document)}}
        assert rolled == (set() if is_rolled_back else meant & before.keys())
        assert (others == self.others()) == (bool(before) and space == "PROD")
        again = self.world.apply(f"--timeout={LONG}s")
        assert (again[0], applied(again[1])) == (0, {}), again[2]
        self.settle(traffic)

    def released(self, document: Mapping[str, Any]) -> set[tuple[str, str, str]]:
        """Whose servers are replaced by another release, as a plan says."""
        found = [each for each in document["releases"] if each["replaced"]]
        assert {each["replaced"] for each in found} <= {"by canary"}
        return {(each["model"], each["environment"], self.model.namespace) for each in found}

    def settle(self, traffic: Mapping[str, int]) -> None:
        eventually(lambda: self.serves(traffic), f"{self.release} with {traffic}", LONG)

    def serves(self, traffic: Mapping[str, int]) -> bool:
        """Whether both versions have this share of the traffic and are those of git."""
        rollout, deployment = self.model.get("rollout"), self.model.get("deployment")
        status = rollout.get("status", {})
        meant = tuple(str(each["metadata"]["generation"]) for each in (rollout, deployment))
        if (status.get("observedGeneration"), status.get("workloadObservedGeneration")) != meant:
            return False
        if (status.get("phase"), backends(self.model)) != (PHASES[traffic["stable"]], traffic):
            return False
        release, images = self.release, self.images()
        stable, canary = (
            images.get(self.model.get("service", name)["spec"]["selector"].get(VERSION, ""))
            for name in (MODEL, f"{MODEL}-canary")
        )
        return (stable, canary) == ({release.stable_digests[MODEL]}, {release.digest})

    def images(self) -> dict[str, set[str]]:
        """The digests that the pods of each version run which are to stay."""
        found: dict[str, set[str]] = {}
        for pod in self.model.cluster.objects("pods", self.model.namespace, f"aimass.dev/model={MODEL}"):
            if "deletionTimestamp" not in pod["metadata"]:
                digest = pod["spec"]["containers"][0]["image"].partition("@")[2]
                found.setdefault(pod["metadata"]["labels"].get(VERSION, ""), set()).add(digest)
        return found

    def others(self) -> dict[str, Any]:
        """The servers of all models beside it, wherever they are, and the generations of what makes them."""
        listed = (
            self.world.cluster.objects("deployments,pods", space, f"aimass.dev/model!={MODEL}")
            for space in self.world.spaces.values()
        )
        return {
            each["metadata"]["uid"]: each["metadata"].get("generation") for found in listed for each in found
        }

    def end_pause(self) -> None:
        """End the step of a canary before its time, so that its analysis begins."""
        patch = '--patch={"status":{"pauseConditions":null}}'
        self.model.kubectl("patch", "rollout", MODEL, "--type=merge", "--subresource=status", patch)


@pytest.fixture
def delivery(tmp_path: Path, cluster: Cluster, build: Callable[[Sequence[str]], None]) -> Iterator[Delivery]:
    """A repository with versions on record, where Argo Rollouts is installed in both namespaces."""
    build(programs.ROLLOUTS)
    spaces = {name: f"transitions-{name.lower()}-{secrets.token_hex(3)}" for name in ("PROD", "MOVED")}
    cluster.namespaces(*spaces.values())
    root = tmp_path / "models"
    root.mkdir()
    world = World(root, cluster, spaces, ["prod"])
    with ExitStack() as stack:
        measured = stack.enter_context(prometheus_answers.running())
        measured.values |= GOOD
        write(world, measured.address)
        controllers = []
        for name, space in spaces.items():
            (folder := tmp_path / name).mkdir()
            controllers.append(stack.enter_context(rollouts.running(cluster, space, folder)))
        yield Delivery(world, measured)
        for controller in controllers:
            assert controller.is_running, controller.last_words()
    cluster.kubectl("delete", "namespace", "--wait=false", *spaces.values())


def write(world: World, prometheus: str) -> None:
    """The recipes, settings and versions, in a repository of its own."""
    world.write(
        SETTINGS,
        "images: {registry: registry.example.com}\n"
        f"prometheus: {{url: '{prometheus}'}}\n"
        "environments: {prod: {namespace: PROD}}\n",
    )
    spec = yaml.safe_load((SPECS / f"{MODEL}.yaml").read_text(encoding="utf-8"))
    del spec["evaluation"]
    for name in (MODEL, *OTHERS):
        spec["metadata"]["name"] = name
        serving = CANARY.serving if name == MODEL else {"replicas": {"min": 1, "max": 1}}
        world.write(f"specs/{name}.yaml", json.dumps({**spec, "serving": serving}))
    git(world.root, "init", "--quiet")
    for key, value in (("user.name", "Ada"), ("user.email", "ada@example.com"), ("commit.gpgsign", "false")):
        git(world.root, "config", key, value)
    packages: dict[int, str] = {}
    for number in range(1, VERSIONS + 1):
        of = packages.get(REBASED.get(number, 0), "")
        record = recorded(world.root, MODEL, number, of, service_test=ServiceTest(passed=True))
        packages[number] = record.package


def test_releases_change_while_canaries_run(delivery: Delivery) -> None:
    a_first_release_serves_alone(delivery)
    settings_and_releases_change_in_the_middle_of_a_canary(delivery)
    an_analysis_aborts_and_git_goes_back(delivery)
    a_rollback_at_once_holds_back_what_a_later_commit_lifts(delivery)
    git_goes_back_in_the_middle_of_a_canary(delivery)
    a_canary_takes_over_and_git_goes_back_without_steps(delivery)
    an_environment_gets_another_namespace(delivery)


def a_first_release_serves_alone(delivery: Delivery) -> None:
    delivery.aimass("compile")
    delivery.world.commit()
    delivery.promote(1)
    for name in OTHERS:
        delivery.world.release(everywhere(name, 1, "prod"))
    delivery.deliver(WHOLE)


def settings_and_releases_change_in_the_middle_of_a_canary(delivery: Delivery) -> None:
    first = delivery.release.digest
    delivery.promote(2)
    delivery.deliver(BEGUN)
    delivery.world.edit(LIMITS)
    delivery.deliver(BEGUN)
    delivery.world.edit(BASE_IMAGE)
    delivery.promote(3)
    delivery.deliver(BEGUN)
    delivery.world.edit(OWNER)
    delivery.deliver(BEGUN)
    delivery.promote(4)
    delivery.deliver(BEGUN)
    assert delivery.release.stable_digests[MODEL] == first


def an_analysis_aborts_and_git_goes_back(delivery: Delivery) -> None:
    delivery.measured.values |= BAD
    delivery.end_pause()
    eventually(lambda: bool(delivery.model.get("rollout")["status"].get("abort")), "it is aborted", LONG)
    delivery.in_cluster("verify", "--env", "prod", MODEL, "--write")
    delivery.measured.values |= GOOD
    assert (delivery.release.version[:3], delivery.release.stable) == ("v1-", "")
    # Its limits are no longer those of the servers that stay, so it takes its steps beside itself.
    delivery.deliver(BEGUN)
    promote_in_full(delivery.model)
    delivery.settle(WHOLE)


def a_rollback_at_once_holds_back_what_a_later_commit_lifts(delivery: Delivery) -> None:
    delivery.promote(5)
    delivery.deliver(BEGUN)
    delivery.aimass("hold", MODEL, "--env", "prod", "--reason", "audit")
    delivery.deliver(BEGUN)
    held = ("promote", MODEL, "--to", "prod", "--version", "v6", "--offline")
    assert "prod is held by" in delivery.aimass(*held, code=ExitCode.NOT_PROMOTABLE)
    back = ("rollback", MODEL, "--env", "prod", "--offline", "--now", "--reject", "wrong predictions")
    with watched(delivery.model) as seen:
        # There is no remote to push to, which is said; the commit is made all the same.
        told = delivery.in_cluster(*back, f"--timeout={LONG}s", code=ExitCode.FAILED)
    assert (seen.fewest >= CANARY.least, "git does not say so yet" in told) == (True, True), told
    assert backends(delivery.model) == WHOLE
    code, models, told = delivery.world.apply(f"--timeout={LONG}s")
    assert (code, applied(models)) == (ExitCode.HELD, {}), told
    (branch,) = delivery.model.folder.joinpath(".git/refs/heads/aimass").iterdir()
    git(delivery.world.root, "checkout", "--quiet", f"aimass/{branch.name}", "--", "releases", "versions")
    delivery.deliver(WHOLE, is_rolled_back=True)
    assert (delivery.release.version[:3], delivery.release.stable) == ("v1-", "")
    delivery.aimass("hold", MODEL, "--env", "prod", "--lift")
    delivery.deliver(WHOLE)


def git_goes_back_in_the_middle_of_a_canary(delivery: Delivery) -> None:
    delivery.promote(6)
    delivery.deliver(BEGUN)
    delivery.aimass("rollback", MODEL, "--env", "prod", "--offline")
    delivery.deliver(WHOLE)
    assert delivery.release.version.startswith("v1-")


def a_canary_takes_over_and_git_goes_back_without_steps(delivery: Delivery) -> None:
    delivery.promote(6)
    delivery.deliver(BEGUN)
    promote_in_full(delivery.model)
    eventually(lambda: backends(delivery.model) == WHOLE, "all traffic is the canary's", LONG)
    delivery.in_cluster("verify", "--env", "prod", MODEL, "--write")
    delivery.deliver(WHOLE)
    assert (delivery.release.version[:3], delivery.release.stable) == ("v6-", "")
    delivery.aimass("rollback", MODEL, "--env", "prod", "--offline")
    delivery.deliver(WHOLE)
    assert delivery.release.version.startswith("v1-")


def an_environment_gets_another_namespace(delivery: Delivery) -> None:
    before = delivery.model
    delivery.world.edit(NAMESPACE)
    with watched(before) as seen:
        delivery.deliver(WHOLE, space="MOVED")
    assert seen.fewest >= CANARY.least  # what is left there serves on until somebody deletes it
