"""Tables of Delta Lake and Apache Iceberg: fetched into a snapshot, of one version, and what else is said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars
import pytest
from pydantic import ValidationError

from aimass_compiler.catalog.fetched_source import SourceUnreachableError
from aimass_compiler.catalog.source import UnreadableError
from aimass_compiler.catalog.sources import _lakes
from aimass_compiler.catalog.sources.delta import Delta
from aimass_compiler.catalog.sources.iceberg import Iceberg

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from aimass_compiler.catalog.fetched_source import FetchedSource

deltalake = pytest.importorskip("deltalake", reason="the extra `lakes` is not installed")
pytest.importorskip("pyiceberg", reason="the extra `lakes` is not installed")

SNAPSHOT = "data/orders.parquet"
FIRST = polars.DataFrame({"id": ["3", "1", "2"], "amount": [3.5, None, 2.0], "plan": ["a", "b", None]})
SECOND = polars.DataFrame({"id": ["0"], "amount": [0.5], "plan": ["c"]})


@pytest.fixture
def delta(tmp_path: Path) -> Path:
    """A project with a table of two versions."""
    for part in (FIRST, SECOND):
        deltalake.write_deltalake(str(tmp_path / "lake/orders"), part.to_arrow(), mode="append")
    return tmp_path


@pytest.fixture
def iceberg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a table of two snapshots, in a catalog that is named `shop`."""
    pytest.importorskip("sqlalchemy", reason="catalogs of the tests are SQLite files")
    monkeypatch.setenv("PYICEBERG_CATALOG__SHOP__TYPE", "sql")
    monkeypatch.setenv("PYICEBERG_CATALOG__SHOP__URI", f"sqlite:///{tmp_path}/catalog.db")
    monkeypatch.setenv("PYICEBERG_CATALOG__SHOP__WAREHOUSE", f"file://{tmp_path}/lake")
    from pyiceberg.catalog.sql import SqlCatalog

    catalog = SqlCatalog("shop", uri=f"sqlite:///{tmp_path}/catalog.db", warehouse=f"file://{tmp_path}/lake")
    catalog.create_namespace("sales")
    table = catalog.create_table("sales.orders", schema=FIRST.to_arrow().schema)
    for part in (FIRST, SECOND):
        table.append(part.to_arrow())
    return tmp_path


def delta_table(**keys: Any) -> Delta:
    return Delta.model_validate({"table": "lake/orders", "snapshot": SNAPSHOT, **keys})


def iceberg_table(**keys: Any) -> Iceberg:
    return Iceberg.model_validate({"table": "sales.orders", "catalog": "shop", "snapshot": SNAPSHOT, **keys})


def stored(root: Path, source: FetchedSource) -> polars.DataFrame:
    """What a run reads of the rows that were fetched."""
    path = root / SNAPSHOT
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(source.content(source.fetched(root).rows))
    (frame,) = source.read(root).frames
    return frame.lazy().collect()


def ids(rows: polars.DataFrame) -> list[str]:
    return rows["id"].to_list()


def test_a_delta_table_is_read_in_an_order_of_its_rows(delta: Path) -> None:
    rows = stored(delta, delta_table())
    assert ids(rows) == ["0", "1", "2", "3"]
    assert rows["amount"].to_list() == [0.5, None, 2.0, 3.5]
    assert delta_table().fetched(delta).of == "version 1"


def test_a_version_of_a_delta_table_stays(delta: Path) -> None:
    earlier = delta_table(version=0)
    assert ids(stored(delta, earlier)) == ["1", "2", "3"]
    assert earlier.fetched(delta).of == "version 0"
    assert not earlier.differs_from(delta / SNAPSHOT)
    assert delta_table().differs_from(delta / SNAPSHOT)
    with pytest.raises(UnreadableError, match="answers another query"):
        delta_table().read(delta)


def test_a_table_that_was_written_otherwise_gives_the_same_snapshot(delta: Path) -> None:
    before = delta_table().content(delta_table().fetched(delta).rows)
    deltalake.DeltaTable(str(delta / "lake/orders")).optimize.compact()
    after = delta_table().fetched(delta)
    assert after.of == "version 2"
    assert delta_table().content(after.rows) == before


@pytest.mark.filterwarnings("error")
def test_an_iceberg_table_is_read_by_its_catalog_and_by_its_folder(iceberg: Path) -> None:
    source = iceberg_table()
    assert ids(stored(iceberg, source)) == ["0", "1", "2", "3"]
    folder = iceberg_table(table="lake/sales/orders", catalog=None)
    assert ids(folder.fetched(iceberg).rows) == ["0", "1", "2", "3"]
    assert folder.fetched(iceberg).of == source.fetched(iceberg).of


def test_a_snapshot_of_an_iceberg_table_stays(iceberg: Path) -> None:
    from pyiceberg.catalog import load_catalog

    first = load_catalog("shop").load_table("sales.orders").snapshots()[0].snapshot_id
    source = iceberg_table(at=first)
    assert ids(stored(iceberg, source)) == ["1", "2", "3"]
    assert source.fetched(iceberg).of == f"snapshot {first}"
    assert source.question.endswith(f"at {first}")


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (lambda: delta_table(table="lake/order"), "lake/order is no Delta table"),
        (lambda: delta_table(version=9), "the table lake/orders cannot be read"),
        (lambda: iceberg_table(table="lake/orders", catalog=None), "is no Iceberg table"),
        (lambda: iceberg_table(catalog="absent"), "the catalog absent cannot be opened"),
    ],
)
def test_what_cannot_be_read_is_said(
    made: Callable[[], FetchedSource], told: str, delta: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYICEBERG_HOME", str(delta))
    with pytest.raises(UnreadableError, match=told) as failure:
        made().fetched(delta)
    assert str(delta) not in failure.value.message


def test_an_iceberg_snapshot_that_there_is_not(iceberg: Path) -> None:
    with pytest.raises(UnreadableError, match=r"has no snapshot 7"):
        iceberg_table(at=7).fetched(iceberg)


def test_what_is_not_installed_is_said(delta: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> None:
        raise ModuleNotFoundError(name=name)

    monkeypatch.setattr(_lakes, "import_module", absent)
    with pytest.raises(SourceUnreachableError, match="deltalake is not installed"):
        delta_table().fetched(delta)


@pytest.mark.parametrize("keys", [{"table": "../orders"}, {"snapshot": "data/orders.csv"}, {"version": -1}])
def test_what_leads_out_or_is_no_version_is_refused(keys: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        delta_table(**keys)
