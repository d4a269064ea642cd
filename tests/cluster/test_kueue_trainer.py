"""Kueue and Kubeflow Trainer, both themselves: a TrainJob waits, is admitted, loses its place, and ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from scripts.cluster import background, kubeflow_trainer, kueue, programs
from scripts.cluster.cluster import Cluster
from tests.cluster.test_kubeflow_trainer import SEARCH, TARGET, end, first, pods
from tests.cluster.test_kueue import (
    COVERED,
    NAMESPACE,
    QUEUE,
    around,
    cluster_queue,
    is_finished,
    placed,
    status,
)
from tests.cluster.test_training_there import Place, until

pytestmark = [pytest.mark.cluster, pytest.mark.nightly]


@pytest.fixture
def queued(tmp_path: Path, built: None, build: Callable[[Sequence[str]], None]) -> Iterator[Place]:
    build((*programs.KUBEFLOW_TRAINER, *programs.KUEUE))
    with background.running(tmp_path / "cluster") as plane:
        cluster = Cluster(plane.kubeconfig, programs.program("kubectl"), tmp_path)
        cluster.namespaces(NAMESPACE)
        with (
            kubeflow_trainer.running(cluster, NAMESPACE, tmp_path) as trainer,
            kueue.running(cluster, tmp_path / "kueue", kueue.TRAINER) as controller,
        ):
            yield placed(tmp_path, cluster, TARGET.format(), "trainjobs", SEARCH)
            assert controller.is_running, controller.last_words()
            assert trainer.trainer.is_running, trainer.last_words


def test_a_job_waits_for_its_queue_runs_loses_its_place_and_ends(queued: Place) -> None:
    place, cluster = queued, queued.cluster
    run = place.start("--timeout=15m")
    job = place.job(run)
    assert job["spec"]["suspend"], "Kueue's webhook"
    until(
        run, f"TrainJob {job['metadata']['name']}: it waits in the queue {QUEUE}: LocalQueue {QUEUE} doesn't"
    )
    cluster.apply(around(cluster_queue("1", *COVERED)))
    until(run, "insufficient quota for cpu in flavor usual")
    assert not pods(place, job)
    assert f"it waits in the queue {QUEUE}: couldn't assign" in status(place)
    cluster.apply([cluster_queue("16", *COVERED)])
    until(run, "it runs")
    assert len(pods(place, job)) == job["spec"]["trainer"]["numNodes"] == 2
    cluster.apply([cluster_queue("16", *COVERED, stopPolicy="HoldAndDrain")])
    until(run, "The ClusterQueue is stopped")
    place.awaited(lambda: not pods(place, job), "its pods are gone")
    cluster.apply([cluster_queue("16", *COVERED, stopPolicy="None")])
    until(run, "it runs")
    place.run_entrypoint(job)
    end(place, first(place, job), 0)
    out, said = run.communicate()
    assert run.returncode == 0, out + said
    place.awaited(lambda: is_finished(place), "Kueue gives its room to others")
