"""Tables of public shapes become specs that run and pass their own gates, without an edit."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from aimass_compiler.starter import propose
from tests.starter.projects import compiled, data_of, prepared
from tests.starter.public_tables import MADE, Table

if TYPE_CHECKING:
    from collections.abc import Callable

_SHOWN = 30
_TO_PACKAGE = ("--until", "package")


def written(root: Path, table: Table) -> str:
    """The file in a project; answers its path there."""
    path = root / "data" / table.file
    path.parent.mkdir(parents=True)
    path.write_text(table.text(), encoding="utf-8")
    return f"data/{table.file}"


@pytest.mark.parametrize("name", MADE)
def test_a_public_table_is_understood(tmp_path: Path, name: str) -> None:
    """Its spec predicts what is likely meant, and the rows keep the contract that was read off them."""
    table = MADE[name]
    text, findings, _ = propose(tmp_path / written(tmp_path, table), f"data/{table.file}", "demo")
    assert findings == []
    assert data_of(text)["target"].strip() in table.targets
    prepared(compiled(text), tmp_path)


@pytest.mark.nightly
@pytest.mark.parametrize("name", MADE)
def test_a_public_table_passes_its_own_gates(
    tmp_path: Path, name: str, line_of_table: Callable[..., None]
) -> None:
    """Propose and run, as a user would, without an edit; a missed gate fails.

    How fast the server answers depends on what else the machine does, so the load test is left to its own.
    """
    root, table = tmp_path, MADE[name]
    data, start = written(root, table), time.perf_counter()
    subprocess.run(["git", "init", "--quiet"], cwd=root, check=True)
    proposed, ran = (
        _aimass(root, *words) for words in (("init", "demo", data), ("run", "demo", *_TO_PACKAGE))
    )
    assert proposed.returncode == 0, proposed.stderr
    spec = data_of((root / "specs/demo.yaml").read_text())
    seconds = time.perf_counter() - start
    line_of_table(
        table=table.file,
        rows=table.text().count("\n") - 1,
        columns=len(spec["data"]["columns"]),
        target=spec["target"][:_SHOWN],
        gates=_gates(ran.stdout),
        seconds=f"{seconds:.0f}",
    )
    assert ran.returncode == 0, ran.stdout[-2000:] + ran.stderr[-2000:]


def _aimass(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("aimass")
    return subprocess.run([program, *words], cwd=root, capture_output=True, text=True, check=False)


def _gates(printed: str) -> str:
    """The line with the gates, without what is said of the fit."""
    lines = [line.strip() for line in printed.splitlines() if line.strip().startswith("gates:")]
    return lines[0].removeprefix("gates: ").partition(";")[0] if lines else "-"
