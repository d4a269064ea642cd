"""A benchmark that is ended ends what it measures, with all processes of that."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not Path("/proc").is_dir(), reason="there is no /proc to see processes in")

MEASURING = """
import sys
from pathlib import Path
from benchmarks.compile.measure import Call, cost
call = Call(("sh", "-c", "sleep 300 & echo $! $$ > $$.pids; wait"), Path(sys.argv[1]))
cost([call] * 3, at_once=2, limit=300)
"""


def running(folder: Path) -> set[int]:
    """What was started there and still runs, and is not only unburied."""
    started = [int(word) for path in folder.glob("*.pids") for word in path.read_text().split()]
    return {process for process in started if state(process) not in "ZX"}


def state(process: int) -> str:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2][0]
    except (FileNotFoundError, ProcessLookupError):
        return "X"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_what_is_measured_ends_with_the_benchmark(tmp_path: Path, number: signal.Signals) -> None:
    command = [sys.executable, "-c", MEASURING, str(tmp_path)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as benchmark:
        calls = 2
        deadline = time.monotonic() + 30
        while len(running(tmp_path)) < 2 * calls and time.monotonic() < deadline:
            time.sleep(0.05)
        assert len(running(tmp_path)) == 2 * calls
        benchmark.send_signal(number)
        told = benchmark.communicate(timeout=30)[1]
    # A process that was killed may still be seen for a moment.
    while (left := running(tmp_path)) and time.monotonic() < deadline + 30:
        time.sleep(0.05)
    for process in left:
        os.kill(process, signal.SIGKILL)
    assert left == set()
    assert benchmark.returncode == -number
    assert ("KeyboardInterrupt" in told) == (number == signal.SIGINT)
