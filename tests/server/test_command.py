"""`aimass serve` and `aimass predict` on a package: what is started ends with the command."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from server.packages import churn

AIMASS = Path(sys.executable).with_name("aimass")
ROW = {"tenure": 3, "age": 40, "plan": "basic"}


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_the_command_ends_the_server(tmp_path: Path, end: signal.Signals) -> None:
    package = churn(tmp_path / "churn")
    command = [AIMASS, "serve", package, "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        events = (json.loads(line) for line in process.stdout if line.startswith("{"))
        port = next(event["port"] for event in events if event["event"] == "ready")
        process.send_signal(end)
        assert process.wait(timeout=30) == 0
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(f"http://127.0.0.1:{port}/v2/health/live", timeout=5)


def test_a_prediction_starts_a_server_for_itself(tmp_path: Path) -> None:
    package = churn(tmp_path / "churn")
    asked = [AIMASS, "predict", package, "--row", json.dumps(ROW)]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert set(json.loads(done.stdout)) == {"label", "probabilities"}


def test_a_refused_row_is_told_with_the_servers_own_words(tmp_path: Path) -> None:
    package = churn(tmp_path / "churn")
    asked = [AIMASS, "predict", package, "--row", json.dumps({**ROW, "plan": "gold"})]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "plan" in done.stderr
    assert "Traceback" not in done.stderr
