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
    from collections.abc import Iterator

_SHOWN = 30


@pytest.fixture(scope="module")
def found() -> Iterator[list[tuple[str, ...]]]:
    """What became of each table, printed at the end of the night."""
    rows: list[tuple[str, ...]] = []
    yield rows
    if rows:
        header = ("table", "rows", "columns", "target", "gates", "seconds")
        widths = [max(len(row[place]) for row in (header, *rows)) for place in range(len(header))]
        print("", *("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
                    for row in (header, *rows)), sep="\n", file=sys.__stdout__)  # fmt: skip


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
def test_a_public_table_passes_its_own_gates(tmp_path: Path, name: str, found: list[tuple[str, ...]]) -> None:
    passed(tmp_path, MADE[name], found)


@pytest.mark.slow
def test_one_of_them_passes_its_own_gates_by_day(tmp_path: Path) -> None:
    passed(tmp_path, MADE["penguins"], [])


def passed(root: Path, table: Table, found: list[tuple[str, ...]]) -> None:
    """Propose and run, as a user would; a missed gate fails, and the row tells what came of it."""
    data, start = written(root, table), time.perf_counter()
    subprocess.run(["git", "init", "--quiet"], cwd=root, check=True)
    ends = []
    for command in (["init", "demo", data], ["run", "demo"]):
        done = subprocess.run(
            [Path(sys.executable).with_name("aimass"), *command],
            cwd=root,
            capture_output=True,
            text=True,
            check=False,
        )
        ends.append(done)
    spec = data_of((root / "specs/demo.yaml").read_text())
    gates = next(
        (line.strip() for line in ends[-1].stdout.splitlines() if line.strip().startswith("gates:")), "-"
    )
    rows = str(table.text().count("\n") - 1)
    found.append((table.file, rows, str(len(spec["data"]["columns"])), spec["target"][:_SHOWN], gates,
                  f"{time.perf_counter() - start:.0f}"))  # fmt: skip
    assert [end.returncode for end in ends] == [0, 0], ends[-1].stdout[-2000:] + ends[-1].stderr[-2000:]
