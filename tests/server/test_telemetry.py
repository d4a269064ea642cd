"""Nothing about a served model is reported to the makers of a library."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from server.packages import churn

LOADS = "import onnxruntime, sys; onnxruntime.InferenceSession(sys.argv[1])"


def left_at_home(program: str, home: Path, model: Path) -> set[str]:
    """The names of the files that a Python leaves in its user's home when it loads a model.

    In CI, which it knows by a variable, onnxruntime reports nothing anyway.
    """
    home.mkdir()
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    command = [sys.executable, "-c", program, str(model)]
    subprocess.run(command, env={**kept, "HOME": str(home)}, check=True, capture_output=True)
    return {path.name for path in home.rglob("*") if path.is_file()}


def test_what_we_run_has_no_identity_for_reports_where_onnxruntime_alone_makes_one(tmp_path: Path) -> None:
    model = churn(tmp_path / "churn") / "model.onnx"
    assert "deviceid" in left_at_home(LOADS, tmp_path / "alone", model)
    assert left_at_home(f"import aimass_compiler.runtime; {LOADS}", tmp_path / "ours", model) == set()
