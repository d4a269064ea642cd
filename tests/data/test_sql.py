"""Rows of a database: fetched into a snapshot, read from it, and what is said where that cannot be."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from aimass_compiler.catalog.fetched_source import SourceUnreachableError
from aimass_compiler.catalog.source import UnreadableError
from aimass_compiler.catalog.sources import _database
from aimass_compiler.catalog.sources.sql import Sql
from tests.data.projects import refused, together

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("adbc_driver_sqlite", reason="the extra `sql` is not installed")

COLUMNS = {"id": "id", "a": {"type": "text", "missing": 1}, "y": {"type": "number", "missing": 0}}
SNAPSHOT = "data/rows.parquet"
QUERY = "SELECT id, a, y FROM shop"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a database of three rows, whose address is in DATABASE_URL."""
    (tmp_path / "data").mkdir()
    change(tmp_path, "CREATE TABLE shop (id TEXT, a TEXT, y REAL, internal TEXT)")
    change(tmp_path, "INSERT INTO shop VALUES ('3', 'z', 3, 'q'), ('1', 'x', 1, 'q'), ('2', NULL, 2, 'q')")
    monkeypatch.setenv("DATABASE_URL", "sqlite:///data/shop.db")
    return tmp_path


def change(root: Path, statement: str) -> None:
    with closing(sqlite3.connect(root / "data/shop.db")) as database:
        database.execute(statement)
        database.commit()


def sql(**keys: str) -> Sql:
    return Sql.model_validate({"snapshot": SNAPSHOT, **keys})


def fetched(root: Path, source: Sql) -> bytes:
    content = source.content(source.fetched(root).rows)
    (root / SNAPSHOT).write_bytes(content)
    return content


def data(source: Sql) -> dict[str, Any]:
    return {"sources": {"rows": {"sql": source.model_dump()}}, "columns": COLUMNS}


@pytest.mark.parametrize("keys", [{"query": f"{QUERY};\n"}, {"table": "shop"}, {"table": "main.shop"}])
def test_a_snapshot_is_read(root: Path, keys: dict[str, str]) -> None:
    source = sql(**keys)
    fetched(root, source)
    assert together(root, data(source)).rows() == [("1", "x", 1.0), ("2", None, 2.0), ("3", "z", 3.0)]


def test_the_same_rows_are_the_same_bytes_in_any_order(root: Path) -> None:
    source = sql(query=QUERY)
    before = fetched(root, source)
    change(root, "UPDATE shop SET rowid = 10 - rowid")
    assert fetched(root, source) == before
    change(root, "UPDATE shop SET y = 4 WHERE id = '3'")
    assert fetched(root, source) != before


def test_the_type_of_a_column_whose_first_rows_are_empty(root: Path) -> None:
    query = """
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
        SELECT i, CASE WHEN i = 3000 THEN 'x' END AS late FROM n
    """
    rows = sql(query=query).fetched(root).rows
    assert rows["late"].drop_nulls().to_list() == ["x"]


def test_a_snapshot_of_another_query_is_not_read(root: Path) -> None:
    fetched(root, sql(query=QUERY))
    said = refused(root, data(sql(query=f"{QUERY} WHERE y > 1")))
    assert f"{SNAPSHOT} answers another query than this one\n`aimass fetch`" in said


def test_a_column_that_the_query_lacks_breaks_the_contract(root: Path) -> None:
    source = sql(query="SELECT id, y FROM shop")
    fetched(root, source)
    assert "`a` is declared but the data has no such column" in refused(root, data(source))


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("SELECT nope FROM shop", "the database refuses the query: no such column: nope"),
        ("SELECT * FROM nowhere", "no such table: nowhere"),
        ("SELEC id FROM shop", "syntax error"),
    ],
)
def test_a_query_that_cannot_be_answered(root: Path, query: str, said: str) -> None:
    with pytest.raises(UnreadableError) as failure:
        sql(query=query).fetched(root)
    assert not isinstance(failure.value, SourceUnreachableError)
    assert said in failure.value.message
    assert "\n" not in failure.value.message


def test_a_query_writes_nothing(root: Path) -> None:
    with pytest.raises(UnreadableError, match="readonly"):
        sql(query="DELETE FROM shop RETURNING id").fetched(root)
    assert sql(table="shop").fetched(root).rows.height == 3


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("", "the environment variable DATABASE_URL is not set"),
        ("mysql://u:hunter2@h/d", "DATABASE_URL holds no address of a known database"),
        ("sqlite:///data/other.db", "the file of the SQLite database does not exist"),
    ],
)
def test_a_database_that_is_not_there(
    root: Path, monkeypatch: pytest.MonkeyPatch, address: str, said: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", address)
    with pytest.raises(SourceUnreachableError, match=said) as failure:
        sql(table="shop").fetched(root)
    assert "hunter2" not in failure.value.message + failure.value.hint
    assert not (root / "data/other.db").exists()


def test_what_does_not_answer_is_asked_again_and_its_password_never_told(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(_database.time, "sleep", waits.append)
    monkeypatch.setenv("DATABASE_URL", "postgresql:/u:hun%40ter2@127.0.0.1:1/d")
    with pytest.raises(SourceUnreachableError, match="cannot be reached") as failure:
        sql(table="shop").fetched(root)
    assert "ter2" not in failure.value.message + failure.value.hint
    assert waits == [1.0, 2.0]


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({}, "needs `query` or `table`"),
        ({"query": QUERY, "table": "shop"}, "takes `query` or `table`, not both"),
        ({"table": "shop", "connection": "postgresql://h/d"}, "is the name of an environment variable"),
        ({"table": "shop", "snapshot": "data/rows.csv"}, "is no Parquet file of the project"),
        ({"table": "shop", "snapshot": "../rows.parquet"}, "leads out of the project"),
    ],
)
def test_what_a_spec_cannot_say(keys: dict[str, str], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        sql(**keys)
