"""The image's build serves a package once: what that loads is listed, and what fails ends the build."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from aimass_compiler import conventions
from aimass_compiler.exit_codes import ExitCode
from server.packages import churn, digits, listed, price


def trace(package: Path, listed: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "aimass_compiler.runtime.server.import_trace", package, listed]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("make", [churn, price, digits], ids=lambda make: make.__name__)
def test_what_serving_loads_is_listed_with_what_it_loads_late(make, tmp_path: Path) -> None:
    done = trace(make(tmp_path / "package"), tmp_path / "listed")
    assert done.returncode == 0, done.stderr
    listed = (tmp_path / "listed").read_text().splitlines()
    assert listed == sorted(set(listed))
    assert all(Path(path).is_file() for path in listed)
    ends = (
        "runtime/server/__main__.py", "httptools_impl.py", "numpy/__init__.py", "asyncio/__init__.py",
        "grpc/aio/__init__.py", "http/trace_exporter/__init__.py",
    )  # fmt: skip
    assert [end for end in ends if not any(path.endswith(end) for path in listed)] == []
    assert not [path for path in listed if path.endswith("import_trace.py")]


def test_a_package_that_cannot_be_served_ends_the_build(tmp_path: Path) -> None:
    package = churn(tmp_path / "package")
    (package / conventions.MODEL_FILE).write_bytes(b"no graph")
    done = trace(package, tmp_path / "listed")
    assert done.returncode == ExitCode.PACKAGE
    assert conventions.MODEL_FILE in done.stderr
    assert not (tmp_path / "listed").exists()


def test_an_example_that_is_refused_ends_the_build(tmp_path: Path) -> None:
    package = churn(tmp_path / "package")
    path = package / conventions.SIGNATURE_FILE
    signature = json.loads(path.read_text())
    path.write_text(json.dumps({**signature, "example": {**signature["example"], "age": 7}}))
    done = trace(listed(package), tmp_path / "listed")
    assert done.returncode == ExitCode.PACKAGE
    assert "`age` must be at least 16" in done.stderr
