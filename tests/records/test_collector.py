"""The OpenTelemetry Collector itself, with the configuration that nodes get, brings what servers record."""

from __future__ import annotations

import os
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from server import packages
from server.packages import CHURN_EXAMPLE
from server.serving import serving

from aimass_compiler import record_names
from aimass_compiler.cli import main
from aimass_compiler.fleet.logs import collector
from aimass_compiler.records.compaction import compact
from aimass_compiler.records.query import RecordsWanted, ask
from records.stored import NOW, url_of
from scripts.cluster import programs

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.nightly
_SPEC = """
apiVersion: aimass/v1
kind: Model
metadata: {name: churn, owner: growth@example.com}
data: {sources: {rows: data/rows.csv}, columns: {x: number, "y": {type: category, values: [a, b]}}}
target: "y"
model: logistic_regression
serving: {logs: {predictions: {sample: 1, retention: 30d}}}
"""


@pytest.fixture
def node(tmp_path: Path) -> Path:
    """The root of a node, and the configuration of its collector as it is compiled, but for that root."""
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs/churn.yaml").write_text(_SPEC)
    (tmp_path / "aimass.yaml").write_text(f"logs: {{store: 'file://{tmp_path}/store'}}\n")
    assert main(["compile", "--root", str(tmp_path)]) == 0
    text = (tmp_path / "generated/fleet/logs/collector.yaml").read_text()
    for folder in (collector.PODS_FOLDER, collector.STATE_FOLDER):
        text = text.replace(folder, f"{tmp_path}/node{folder}")
        (tmp_path / f"node{folder}").mkdir(parents=True)
    text = text.replace("30s", "500ms")
    (tmp_path / "collector.yaml").write_text(text)
    assert yaml.safe_load(text)["exporters"]["file"]
    return tmp_path


@contextmanager
def collecting(node: Path) -> Iterator[None]:
    command = [programs.program("otelcol"), f"--config={node / 'collector.yaml'}"]
    with (node / "collector.log").open("ab") as log:
        process = subprocess.Popen(
            command, env={**os.environ, "AIMASS_NODE": "node-1"}, stdout=log, stderr=log
        )
    try:
        yield
    finally:
        process.terminate()
        assert process.wait(30) == 0, (node / "collector.log").read_text()


def gathered(node: Path, count: int) -> list[str]:
    """The requests of all records in the store, as soon as there are so many."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        found = ask(url_of(node / "store"), RecordsWanted(model="churn"))
        if found.num_rows >= count:
            break
        time.sleep(0.2)
    return sorted(found.column("request_id").to_pylist())


def test_every_record_reaches_the_tables_once_though_the_collector_starts_again(node: Path) -> None:
    pod = (
        node / f"node{collector.PODS_FOLDER}/uid/volumes/kubernetes.io~empty-dir/{record_names.RECORD_VOLUME}"
    )
    options = ("--prediction-sample", "1", "--record-folder", str(pod))
    with serving(packages.churn(node / "package"), *options) as running:

        def predict(*numbers: int) -> list[str]:
            names = [f"request-{number}" for number in numbers]
            for name in names:
                running.ask("POST", "/predict", CHURN_EXAMPLE, {"x-request-id": name})
            return names

        with collecting(node):
            wanted = predict(*range(10, 60))
            assert gathered(node, 50) == wanted
            compact(url_of(node / "store"), {}, NOW)
            wanted += predict(*range(60, 90))
        wanted += predict(*range(90, 95))  # while none collects
        with collecting(node):
            assert gathered(node, 85) == wanted
            compact(url_of(node / "store"), {}, NOW)
        assert gathered(node, 85) == wanted
