"""What tables of Delta Lake and Apache Iceberg hold, of one version, in an order of rows of our own.

Sources: https://delta-io.github.io/delta-rs/ and https://py.iceberg.apache.org/api/
"""

from __future__ import annotations

import re
import warnings
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aimass_compiler.catalog.fetched_source import FetchedRows, SourceUnreachableError, in_order
from aimass_compiler.catalog.source import UnreadableError
from aimass_compiler.diagnostics import first_line

if TYPE_CHECKING:
    from collections.abc import Callable


_INSTALL = "`pip install 'aimass-compiler[lakes]'` brings what reads these tables"
_METADATA = "metadata/*.metadata.json"
_NUMBER = re.compile(r"\d+")


def of_delta(table: str, version: int | None, root: Path) -> FetchedRows:
    """The rows of a Delta table. Raises UnreadableError and SourceUnreachableError."""
    deltalake = _imported("deltalake")
    place = _place(table, root)
    if "://" not in table and not (Path(place) / "_delta_log").is_dir():
        raise UnreadableError(f"{table} is no Delta table: it has no folder _delta_log", _there(root, table))

    def read() -> FetchedRows:
        import polars

        found = deltalake.DeltaTable(place, version=version)
        rows = polars.scan_delta(found).collect(engine="streaming")
        return FetchedRows(in_order(rows), f"version {found.version()}")

    hint = "does it have this version? `version` is the number of an entry in its log"
    return _asked(read, table, root, hint if version is not None else "")


def of_iceberg(table: str, catalog: str | None, at: int | None, root: Path) -> FetchedRows:
    """The rows of an Iceberg table. Raises UnreadableError and SourceUnreachableError."""
    _imported("pyiceberg")

    def read() -> FetchedRows:
        import polars

        found = _static_table(table, root) if catalog is None else _of_catalog(table, catalog)
        current = found.current_snapshot()
        number = at if at is not None else None if current is None else current.snapshot_id
        if at is not None and found.snapshot_by_id(at) is None:
            known = ", ".join(str(each.snapshot_id) for each in found.snapshots())
            raise UnreadableError(f"the table {table} has no snapshot {at}", f"it has {known or 'none'}")
        with warnings.catch_warnings():
            # That another library would plan a scan sooner.
            warnings.simplefilter("ignore", polars.exceptions.PerformanceWarning)
            rows = polars.scan_iceberg(found, snapshot_id=number).collect(engine="streaming")
        return FetchedRows(in_order(rows), "an empty table" if number is None else f"snapshot {number}")

    return _asked(read, table, root, "")


def _static_table(table: str, root: Path) -> Any:
    """A table without a catalog: its latest metadata file, or the one that is named."""
    place = _place(table, root)
    if "://" not in table and Path(place).is_dir():
        files = sorted(Path(place).glob(_METADATA), key=_in_order_of_writing)
        if not files:
            raise UnreadableError(f"{table} is no Iceberg table: it has no {_METADATA}", _there(root, table))
        place = str(files[-1])
    return import_module("pyiceberg.table").StaticTable.from_metadata(place)


def _in_order_of_writing(path: Path) -> tuple[int, str]:
    """`00012-….metadata.json` and `v12.metadata.json` are the twelfth ones."""
    number = _NUMBER.search(path.name)
    return (int(number[0]) if number else 0), path.name


def _of_catalog(table: str, catalog: str) -> Any:
    try:
        return import_module("pyiceberg.catalog").load_catalog(catalog).load_table(table)
    except ValueError as error:  # no catalog of this name, or none that it can open
        hint = (
            f"pyiceberg's configuration names catalogs: PYICEBERG_CATALOG__{catalog.upper()}__URI and so on"
        )
        raise SourceUnreachableError(
            f"the catalog {catalog} cannot be opened: {first_line(error)}", hint
        ) from None


def _asked(read: Callable[[], FetchedRows], table: str, root: Path, hint: str) -> FetchedRows:
    """What reading gives; whatever the readers raise is reported in one line."""
    try:
        return read()
    except UnreadableError:
        raise
    except Exception as error:  # noqa: BLE001  # of four libraries, each with classes of its own
        reason = first_line(error).replace(str(root), ".")
        if "://" in table and isinstance(error, OSError):
            raise SourceUnreachableError(
                f"the table {table} cannot be reached: {reason}", "is the address right, and may you read it?"
            ) from None
        raise UnreadableError(f"the table {table} cannot be read: {reason}", hint) from None


def _imported(name: str) -> Any:
    try:
        return import_module(name)
    except ModuleNotFoundError as missing:
        raise SourceUnreachableError(f"{missing.name} is not installed", _INSTALL) from None


def _place(table: str, root: Path) -> str:
    return table if "://" in table else str(root / table)


def _there(root: Path, table: str) -> str:
    return "" if (root / table).exists() else "paths start at the project's root"
