"""A model of a database: its rows are fetched once, and again when somebody asks or the query changes."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from aimass_compiler.exit_codes import ExitCode
from tests.pipeline.projects import MODEL, SPEC, Project, customers

pytest.importorskip("adbc_driver_sqlite", reason="the extra `sql` is not installed")

pytestmark = pytest.mark.pipeline

SNAPSHOT = "data/customers.parquet"
SOURCE = "{sql: {query: SELECT * FROM customers, connection: SHOP, snapshot: data/customers.parquet}}"
SHOP = {"SHOP": "sqlite:///data/shop.db"}


def ask(root: Path, *statements: str) -> None:
    with closing(sqlite3.connect(root / "data/shop.db")) as database:
        for statement in statements:
            database.execute(statement)
        database.commit()


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project whose rows are in a database."""
    project = Project(tmp_path)
    project.write(f"specs/{MODEL}.yaml", SPEC.replace("data/customers.csv", SOURCE))
    (tmp_path / "data").mkdir()
    header, *rows = [line.split(",") for line in customers(60).splitlines()]
    kinds = ", ".join(f"{name} {'REAL' if name in ('age', 'charges') else 'TEXT'}" for name in header)
    with closing(sqlite3.connect(tmp_path / "data/shop.db")) as database:
        database.execute(f"CREATE TABLE customers ({kinds})")
        marks = ", ".join("?" * len(header))
        database.executemany(f"INSERT INTO customers VALUES ({marks})", rows)  # noqa: S608  # question marks
        database.commit()
    return project


def test_rows_are_fetched_before_the_first_run_and_then_on_demand(project: Project) -> None:
    prepare = ("run", MODEL, "--until", "prepare")
    unset = project.aimass(*prepare)
    assert unset.code == ExitCode.DISK
    assert "the environment variable SHOP is not set" in unset.err

    first = project.aimass(*prepare, variables=SHOP)
    assert first.code == 0, first.told
    assert f"`customers`: 60 rows of 4 columns, in {SNAPSHOT}" in first.out
    assert first.stages == ["prepare"]
    assert f"path: {SNAPSHOT}" in project.read(f"generated/{MODEL}/dvc.lock")

    ask(project.root, "INSERT INTO customers SELECT * FROM customers LIMIT 1")
    again = project.aimass(*prepare)  # needs no database
    assert again.stages == [], again.told

    assert "61 rows" in project.aimass("fetch", variables=SHOP).out
    assert "61 rows of 4 columns, the same as before" in project.aimass("fetch", MODEL, variables=SHOP).out
    assert f"prepare runs again: {SNAPSHOT} changed since the last run" in project.aimass("plan").out

    project.edit("FROM customers,", "FROM customers WHERE age > 20,")
    changed = project.aimass(*prepare, variables=SHOP)
    assert f"in {SNAPSHOT}" in changed.out
    assert changed.stages == ["prepare"]

    project.edit("WHERE age > 20", "WHERE aeg > 20")
    wrong = project.aimass("fetch", variables=SHOP)
    assert wrong.code == ExitCode.DATA
    assert wrong.err.startswith(
        "error: source `customers`: the database refuses the query: no such column: aeg"
    )
    assert "shop.db" not in "".join(
        path.read_text() for path in project.root.glob(f"generated/{MODEL}/**/*") if path.is_file()
    )
