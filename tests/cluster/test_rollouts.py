"""Between all ways of serving, with Argo Rollouts' own controller: no server is lost, and canaries go on."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.kubernetes.connection import connect
from aimass_compiler.kubernetes.rollback import Rollback, RolledBack, roll_back
from scripts.cluster import programs, rollouts
from scripts.cluster.cluster import Cluster
from tests.cluster.served import MODEL, Model, Way, eventually, watched
from tests.cluster.test_handover import backends, health, move

pytestmark = [pytest.mark.cluster, pytest.mark.nightly]
#: Fixed, scaled and as a canary of both kinds; another version where no canary has to take its steps first.
WAYS = (
    Way(1, 1, seed=1),
    Way(3, 3),
    Way(1, 4),
    Way(3, 12, seed=1),
    Way(1, 1, has_canary=True),
    Way(3, 3, has_canary=True),
    Way(2, 4, has_canary=True),
    Way(3, 12, has_canary=True),
)
OLD, NEW = Way(3, 12, has_canary=True), Way(3, 12, has_canary=True, seed=1)


def tour(ways: Sequence[Way]) -> list[Way]:
    """A way through all of them that goes once from each to each other one (Hierholzer)."""
    left = {way: [other for other in ways if other != way] for way in ways}
    open_, found = [ways[0]], []
    while open_:
        if left[open_[-1]]:
            open_.append(left[open_[-1]].pop())
        else:
            found.append(open_.pop())
    return found[::-1]


@pytest.fixture
def model(
    tmp_path: Path, cluster: Cluster, namespace: str, build: Callable[[Sequence[str]], None]
) -> Iterator[Model]:
    """A model that nobody has applied, where Argo Rollouts is installed."""
    build(programs.ROLLOUTS)
    with rollouts.running(cluster, namespace, tmp_path) as controller:
        yield Model(tmp_path, namespace, cluster)
        assert controller.is_running, controller.last_words()


def test_no_server_is_lost_between_any_two_ways_of_serving(model: Model) -> None:
    path = tour(WAYS)
    assert len(set(itertools.pairwise(path))) == len(WAYS) * (len(WAYS) - 1)
    for before, after in zip((None, *path), path, strict=False):
        move(model, before, after)


def phase(model: Model) -> str:
    found: str = model.get("rollout").get("status", {}).get("phase", "")
    return found


def promote(model: Model) -> None:
    """As `kubectl argo rollouts promote --full` does."""
    whole = json.dumps({"status": {"promoteFull": True}})
    model.kubectl("patch", "rollout", MODEL, "--type=merge", "--subresource=status", f"--patch={whole}")


def begin(model: Model, after: Way = NEW) -> None:
    """Let a new version take its first step, which waits for ten minutes."""
    assert model.as_served(OLD).run("apply", "--timeout=90s").code == 0
    assert model.as_served(after).apply().code == 0
    eventually(lambda: phase(model) == "Paused", "the canary has a share")
    assert backends(model) == {"stable": 75, "canary": 25}


def test_a_canary_that_has_begun_is_not_ready_and_is_left_alone(model: Model) -> None:
    begin(model)
    project = model.as_served(NEW)
    for _ in range(2):
        done = project.apply()
        assert (done.code, set(done.actions(MODEL).values())) == (0, {"unchanged"})
    assert project.run("drift").code == 0
    begun = project.run("apply", "--timeout=60s")
    (applied,) = begun.document["models"]
    assert (begun.code, applied["ready"], applied["started"]) == (0, False, True)
    waited = project.run("apply", "--wait-canary", "--timeout=2s")
    assert (waited.code, "Paused" in waited.told) == (ExitCode.NOT_READY, True)
    assert health(model, NEW) == "progressing"
    assert backends(model) == {"stable": 75, "canary": 25}


def test_git_goes_back_in_the_middle_of_a_canary(model: Model) -> None:
    begin(model)
    with watched(model) as seen:
        assert model.as_served(OLD).run("apply", "--timeout=90s").code == 0
        eventually(lambda: backends(model) == {"stable": 100, "canary": 0}, "all traffic is back")
    assert seen.fewest >= OLD.least
    assert model.as_served(OLD).run("drift").code == 0


def rolled_back(model: Model) -> RolledBack:
    wanted = Rollback(MODEL, "dev", model.namespace, "wrong predictions", timeout=120)
    return roll_back(connect(model.cluster.kubeconfig), wanted, list[str]().append)


def images(model: Model) -> set[str]:
    pods = model.cluster.objects("pods", model.namespace, f"aimass.dev/model={MODEL}")
    return {
        each["spec"]["containers"][0]["image"] for each in pods if "deletionTimestamp" not in each["metadata"]
    }


@pytest.mark.parametrize("after", [NEW, replace(NEW, timeout="7s")], ids=["image", "image-and-limits"])
def test_a_rollback_at_once_ends_a_canary(model: Model, after: Way) -> None:
    begin(model, after)
    stable = model.get("rollout")["status"]["stableRS"]
    with watched(model) as seen:
        done = rolled_back(model)
    assert seen.fewest >= OLD.least
    assert images(model) == set(done.release.images.values())
    assert (phase(model), backends(model)) == ("Healthy", {"stable": 100, "canary": 0})
    # The servers that ran all the time serve on, where they are what is to run.
    assert (model.get("rollout")["status"]["stableRS"] == stable) == (after == NEW)
    assert model.as_served(after).apply().code == ExitCode.HELD


def test_a_rollback_at_once_after_a_canary_takes_no_steps(model: Model) -> None:
    begin(model, NEW)
    promote(model)
    assert model.as_served(NEW).run("apply", "--wait-canary", "--timeout=90s").code == 0
    done = rolled_back(model)
    assert images(model) == set(done.release.images.values())
    assert phase(model) == "Healthy"
    assert model.as_served(OLD).run("apply", "--wait-canary", "--timeout=90s").code == 0


def test_a_canary_that_took_over_does_not_lock_the_model(model: Model) -> None:
    begin(model)
    promote(model)
    assert model.as_served(NEW).run("apply", "--wait-canary", "--timeout=90s").code == 0
    assert (phase(model), backends(model)) == ("Healthy", {"stable": 100, "canary": 0})
    for way in (NEW, Way(3, 12, has_canary=True, seed=1, timeout="7s")):
        assert model.as_served(way).apply().code == 0
        assert model.as_served(way).apply().code == 0


@pytest.mark.parametrize("way", [Way(3, 3), Way(3, 12, seed=1)], ids=str)
def test_a_canary_is_taken_away_in_its_middle(model: Model, way: Way) -> None:
    begin(model)
    move(model, NEW, way)
