"""A real Prometheus scrapes a training by its rendered PodMonitor, and the alerts of its rules fire.

The clock is faster: see harness/prometheus/clock.py. The patience of a run is divided as the rules are.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from aimass_compiler import training_names as names
from aimass_compiler.programs import kustomize
from aimass_compiler.render.training_monitoring.alerts import FAILED, GONE, STALLED
from pipeline.projects import Project, wait_until
from scripts.cluster.processes import free_ports
from tests.harness.prometheus import server as prometheus
from tests.harness.prometheus.clock import faster, faster_rules
from tests.harness.prometheus.discovery import training_scrape_config
from tests.harness.releases import release

pytestmark = [
    pytest.mark.nightly,
    pytest.mark.pipeline,
    pytest.mark.skipif(
        prometheus.PROGRAM is None, reason="no prometheus: `make nightly` builds it where there is Go"
    ),
]
TIMES = 30
#: The file that lets a training give one account more of its steps.
ALLOWED = "allowed-{}"
EPOCHS = 20
NETWORK = f"""\
model: {{mlp: {{hidden: [4]}}}}
training: {{epochs: {EPOCHS}, early_stopping: {EPOCHS}}}
"""
#: `aimass-runtime` with less patience, whose accounts of progress wait until allowed, and fail where told to.
IMPATIENT = f"""\
import itertools, sys, time
from pathlib import Path
from aimass_compiler.runtime import progress, training_metrics
from aimass_compiler.runtime.__main__ import main

training_metrics._LEAST_PATIENCE /= {TIMES}
tell, accounts = progress.report_step, itertools.count(1)

def tell_when_allowed(*account):
    allowed = Path("{ALLOWED}".format(next(accounts)))
    while not allowed.exists():
        time.sleep(0.1)
    if Path("fails").exists():
        raise RuntimeError("it fails")
    tell(*account)

progress.report_step = tell_when_allowed
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture
def trained(project: Project) -> Project:
    """A project whose rows and features are there, and whose training takes long."""
    project.edit("model:\n  logistic_regression: {l2: 1.0}\n", NETWORK)
    for command in (("compile",), ("run", "churn", "--until", "features")):
        done = project.aimass(*command)
        assert done.code == 0, done.told
    return project


@contextmanager
def training(project: Project, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """The stage `train`, as DVC runs it."""
    with (project.root / "training.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", IMPATIENT, "train", "churn", f"--root={project.root}"],
            cwd=project.root,
            env=project.environment(**{names.VARIABLE_PORT: str(port)}),
            stdout=log,
            stderr=log,
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        sys.stdout.write(project.read("training.log"))  # pytest shows it where the test fails


@contextmanager
def watching(project: Project, port: int, folder: Path) -> Iterator[prometheus.Prometheus]:
    """A Prometheus that has the monitor and the rules of the environment where the model trains."""
    release(project.root, "churn", "dev")
    built = kustomize.find().build(project.root / "generated/churn/overlays/dev")
    objects = [each for each in built if each["metadata"]["name"] == "churn-training"]
    (monitor,) = (each for each in objects if each["kind"] == "PodMonitor")
    (rules,) = (each for each in objects if each["kind"] == "PrometheusRule")
    job = next(yaml.safe_load_all(project.read("generated/churn/train/job.yaml")))
    template = job["spec"]["rayClusterSpec"]["headGroupSpec"]["template"]
    period = faster("30s", TIMES)
    configuration = {
        "global": {"scrape_interval": period, "scrape_timeout": period, "evaluation_interval": period},
        "scrape_configs": [
            training_scrape_config(monitor, template, rules["metadata"]["namespace"], port, TIMES)
        ],
    }
    path = folder / "rules.yaml"
    path.write_text(json.dumps(faster_rules(rules["spec"], TIMES)))
    with prometheus.running(folder, configuration, faster("5m", TIMES)) as found:
        found.follow(path)
        yield found


def raised(watched: prometheus.Prometheus) -> set[str]:
    return {each["labels"]["alertname"] for each in watched.alerts() if each["state"] == "firing"}


def value(watched: prometheus.Prometheus, series: str) -> float:
    found: list[Any] = watched.query(f'{series}{{namespace="ml-dev",model="churn",stage="train"}}')
    return float(found[0]["value"][1]) if found else -1.0


def holds(watched: prometheus.Prometheus, wanted: set[str]) -> Callable[[], bool]:
    return lambda: raised(watched) == wanted


def test_a_training_is_watched_from_its_first_step_to_its_end(trained: Project, tmp_path: Path) -> None:
    (port,) = free_ports(1)
    folder = tmp_path / "watching"
    folder.mkdir()
    with watching(trained, port, folder) as watched:
        trained.write(ALLOWED.format(1), "")
        with training(trained, port) as process:
            wait_until(lambda: value(watched, names.DONE) > 0)
            assert value(watched, names.TOTAL) == EPOCHS
            assert 0 < value(watched, names.SHARE) < 1
            assert value(watched, names.METRIC) > 0
            assert value(watched, names.REMAINING) >= 0
            assert raised(watched) == set()
            wait_until(holds(watched, {STALLED}))
            trained.write(ALLOWED.format(2), "")
            wait_until(holds(watched, set()))
            process.kill()
            wait_until(holds(watched, {GONE}))
        trained.write("fails", "")
        with training(trained, port):
            wait_until(holds(watched, {FAILED}))
