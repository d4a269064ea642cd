"""What a real Prometheus has of two weeks says what servers should ask for."""

from __future__ import annotations

import math
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from aimass_compiler.delivery.measured_use import MeasuredUse, by_prometheus
from tests.harness.prometheus import server as prometheus

pytestmark = pytest.mark.skipif(
    prometheus.PROGRAM is None, reason="no prometheus: `make nightly` builds it where there is Go"
)
DAY, STEP = 86_400, 60
MIB = 2**20


def written(now: int) -> str:
    """A day of two servers as OpenMetrics has it, one with a busy hour, and of those of another model."""
    names = {"container_memory_working_set_bytes": "gauge", "container_cpu_usage_seconds_total": "counter"}
    lines = {name: [f"# TYPE {name.removesuffix('_total')} {kind}"] for name, kind in names.items()}
    up = ["# TYPE up gauge"]
    for model, base in (("churn", 200), ("churn-eu", 900)):
        for server in range(2):
            pod = f'namespace="ml-prod",pod="{model}-{server}"'
            seconds = 0.0
            for moment in range(now - DAY, now, STEP):
                is_busy = server == 0 and now - 7200 <= moment < now - 3600
                seconds += STEP * (0.9 if is_busy else 0.1)
                held = (base + 100 * is_busy) * MIB
                own = f'{{{pod},container="server"}}'
                lines["container_memory_working_set_bytes"].append(
                    f"container_memory_working_set_bytes{own} {held} {moment}"
                )
                lines["container_cpu_usage_seconds_total"].append(
                    f"container_cpu_usage_seconds_total{own} {seconds:.0f} {moment}"
                )
                up.append(f'up{{{pod},job="{model}"}} 1 {moment}')
    return "\n".join([*up, *(line for each in lines.values() for line in each), "# EOF\n"])


def test_the_busiest_server_of_the_model_counts(tmp_path: Path) -> None:
    now = math.floor(time.time() / STEP) * STEP
    (tmp_path / "metrics").write_text(written(now), encoding="utf-8")
    promtool = shutil.which("promtool")
    assert promtool is not None
    blocks = [promtool, "tsdb", "create-blocks-from", "openmetrics", "metrics", "data"]
    subprocess.run(blocks, cwd=tmp_path, check=True, capture_output=True)
    with prometheus.running(tmp_path, {"scrape_configs": []}, "5m") as running:
        used = by_prometheus(running.address, None, "churn", "ml-prod", DAY)
        assert by_prometheus(running.address, None, "none", "ml-prod", DAY) is None
    assert isinstance(used, MeasuredUse)
    assert (used.memory.p95, used.memory.max) == (200 * MIB, 300 * MIB)
    assert used.cpu.max == pytest.approx(0.9, abs=0.05)
    assert used.cpu.p95 == pytest.approx(0.1, abs=0.05)
    assert used.share > 0.9
