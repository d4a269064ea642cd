"""Sources side by side by their keys, and what is said where keys do not meet."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import polars

from aimass_compiler.diagnostics import did_you_mean
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.expression.plain_name import values_of
from aimass_compiler.pipeline.data import Data
from aimass_compiler.pipeline.joins import Join
from aimass_compiler.runtime.failure import StageFailure
from aimass_compiler.runtime.history_join import with_history

if TYPE_CHECKING:
    from aimass_compiler.catalog.source import Rows
    from aimass_compiler.engines import Engine, Table
    from aimass_compiler.runtime.contract import Place

#: The column that says which row of a source a joined row comes from; no data has such a name.
_ROW_OF = "\x01row of "
_SHOWN = 3
_FEW = 0.5
#: What makes keys unlike that mean the same, and how that is said.
_DIFFERENCES = (
    ("has surrounding spaces", r"^\s+|\s+$", "strip them with `strip: true` in the `csv` source"),
    (
        "writes whole numbers as decimals (`7.0`)",
        r"^(?P<rest>[-+]?[0-9]+)\.0+$",
        "write them as whole numbers in both files",
    ),
    (
        "writes days with an hour, such as `2024-05-01 00:00:00`",
        r"^(?P<rest>[0-9]{4}-[0-9]{2}-[0-9]{2})[T ]00:00(?::00(?:\.0+)?)?Z?$",
        "write them alike in both files",
    ),
    (
        "has a `T` between day and hour",
        r"^(?P<rest>[0-9]{4}-[0-9]{2}-[0-9]{2})[T ]",
        "write them alike in both files",
    ),
    ("has leading zeros, such as `007`", r"^0+(?P<rest>.)", "write them alike in both files"),
)


class JoinedRows:
    """The rows of all sources as one table, which knows where each value comes from."""

    def __init__(self, rows: Table, sources: Mapping[str, Rows]) -> None:
        self.rows = rows
        self._sources = {name: source for name, source in sources.items() if _ROW_OF + name in rows.schema}
        self._columns = {name: frozenset(source.empty.columns) for name, source in self._sources.items()}
        self.names = [name for source in self._sources.values() for name in source.names]
        self.mixed = frozenset[str]().union(*(source.mixed for source in self._sources.values()))
        self.parsed = frozenset[str]().union(*(source.parsed for source in self._sources.values()))

    @property
    def places(self) -> list[str]:
        """The columns that say which rows of the sources a row is made of."""
        return [_ROW_OF + name for name in self._sources]

    @property
    def columns(self) -> dict[str, polars.DataType]:
        """The columns of the data and how they were read."""
        return {name: kind for name, kind in self.rows.schema.items() if not name.startswith(_ROW_OF)}

    def sources_of(self, column: str) -> list[str]:
        """The names of the sources that have a column."""
        return [name for name, columns in self._columns.items() if column in columns]

    def place(self, block: polars.DataFrame) -> Place:
        """Where a value of these rows stands: `line 7`, and of which source, where there are several."""

        def place(column: str, row: int) -> str:
            for name in self.sources_of(column):
                found = block.get_column(_ROW_OF + name)[row]
                if found is None:
                    continue
                beside = f" of `{name}`" if len(self._sources) > 1 else ""
                return self._sources[name].place(int(found)) + beside
            return f"row {row + 1}"

        return place


def joined(data: Data, sources: Mapping[str, Rows], engine: Engine) -> JoinedRows:
    """All sources joined in order; raises StageFailure where keys are missing or never meet."""
    tables = {name: engine.table(source.frames).numbered(_ROW_OF + name) for name, source in sources.items()}
    rows = tables[data.join[0].left if data.join else next(iter(tables))]
    for join in data.join:
        _require_columns(join, rows, tables[join.right], sources)
        rows = _joined(
            data, join, rows, tables[join.right], partial(_place_of, join.right, sources[join.right])
        )
    return JoinedRows(rows.stored() if data.join else rows, sources)


def _place_of(name: str, rows: Rows, block: polars.DataFrame, column: str, row: int) -> str:
    """Where a value of one source stands, which a join reads by itself."""
    del column
    return f"{rows.place(int(block.get_column(_ROW_OF + name)[row]))} of `{name}`"


def _joined(data: Data, join: Join, left: Table, right: Table, place: Callable[..., str]) -> Table:
    keys = list(join.on)
    _require_unlike(data, join, left, right)
    if any(left.schema[key] != right.schema[key] for key in keys):
        left, right = (side.with_columns(partial(_with_keys_as_text, keys=keys)) for side in (left, right))
    _report_strangers(join, left, right)
    return (
        with_history(data, join, left, right, place) if join.is_by_row else left.join(right, keys, join.how)
    )


def _require_columns(join: Join, left: Table, right: Table, sources: Mapping[str, Rows]) -> None:
    """Raises StageFailure for a column that a join reads and that is not there."""
    for side, table, names in (
        (join.left, left, join.columns_of_left()),
        (join.right, right, join.columns_read()),
    ):
        lacking = [name for name in names if name not in table.schema]
        if lacking:
            use = "join on" if lacking[0] in join.on else "read in this join"
            message = f"source `{side}` has no column `{lacking[0]}` to {use}"
            known = [*sources[side].names, *(name for name in table.schema if not name.startswith(_ROW_OF))]
            raise StageFailure(ExitCode.DATA, message, did_you_mean(lacking[0], dict.fromkeys(known)))


def _require_unlike(data: Data, join: Join, left: Table, right: Table) -> None:
    """Raises StageFailure for a declared column of both sides, or one that an aggregation would replace."""
    both = set(left.schema) & set(join.aggregate or ())
    if both:
        message = f"`{join.left}` has a column `{min(both)}` already"
        raise StageFailure(ExitCode.DATA, message, "give the aggregation another name")
    keys = {*join.on, *([join.time.left] if join.time and join.time.left == join.time.right else [])}
    both = set(left.schema) & set(() if join.aggregate else right.schema) - keys
    twice = [name for name in data.columns if name in both]
    if twice:
        raise StageFailure(
            ExitCode.DATA,
            f"`{join.left}` and `{join.right}` both have a column `{twice[0]}`",
            "rename one of them, or join on it",
        )


def _with_keys_as_text(block: polars.DataFrame, keys: list[str]) -> polars.DataFrame:
    """Keys as text; whole numbers and seconds are written alike whatever else their columns could hold."""
    return block.with_columns([_as_key(values_of(block, key)).alias(key) for key in keys])


def _as_key(column: polars.Series) -> polars.Series:
    text = column.cast(polars.String)
    if isinstance(column.dtype, polars.Datetime):
        return text.str.replace(r"\.0+(\D|$)", "${1}")
    if not column.dtype.is_float():
        return text
    whole = column.cast(polars.Int64, strict=False)
    return text.zip_with(~(whole == column).fill_null(value=False), whole.cast(polars.String))


def _report_strangers(join: Join, left: Table, right: Table) -> None:
    """Say when few rows of the left meet a partner; raises StageFailure when none does."""
    if join.how == "full" or not left.height or not right.height:
        return
    others = right.column(partial(_keys, keys=join.on)).unique(maintain_order=True)
    partners = others.implode()

    def met(block: polars.DataFrame) -> int:
        return int(_keys(block, join.on).is_in(partners).sum())

    count = left.fold(met, int.__add__)
    if count >= _FEW * left.height:
        return
    met_by = "no" if count == 0 else f"only {count:,} of {left.height:,}"
    mine = left.column(partial(_keys, keys=join.on)).unique(maintain_order=True)
    mine = mine.filter(~mine.is_in(partners).fill_null(value=False))
    message = f"{met_by} `{', '.join(join.on)}` of `{join.left}` ({_examples(mine)}) "
    message += f"{'is' if count <= 1 else 'are'} in `{join.right}` ({_examples(others)})"
    reason, hint = _reason(mine, others)
    message += f": one of them {reason}" if reason else ""
    if count == 0:
        raise StageFailure(
            ExitCode.DATA, message, hint or "check that `on` names the same thing in both sources"
        )
    print(message + (f"; {hint}" if hint else ""))


def _keys(block: polars.DataFrame, keys: Sequence[str]) -> polars.Series:
    if len(keys) == 1:
        return block.get_column(keys[0]).cast(polars.String)
    texts = polars.DataFrame([_as_key(values_of(block, key)).alias(f"{n}") for n, key in enumerate(keys)])
    return texts.select(key=polars.concat_str(polars.all(), separator=", ")).to_series()


def _examples(keys: polars.Series) -> str:
    shown = keys.drop_nulls().unique(maintain_order=True).head(_SHOWN + 1).to_list()
    texts = [text if text.strip() == text else repr(text) for text in map(str, shown[:_SHOWN])]
    return ", ".join(texts) + (", …" if len(shown) > _SHOWN else "")


def _reason(mine: polars.Series, others: polars.Series) -> tuple[str, str]:
    """What keeps keys apart that are else the same, and how that is changed."""
    mine, others = mine.drop_nulls().unique(), others.drop_nulls().unique()
    for reason, pattern, hint in _DIFFERENCES:
        bare = [
            keys.str.replace_all(pattern, "${rest}" if "rest" in pattern else "") for keys in (mine, others)
        ]
        if bare[0].is_in(bare[1].implode()).any():
            return reason, hint
    lower = [keys.str.to_lowercase() for keys in (mine, others)]
    if lower[0].is_in(lower[1].implode()).any():
        return "is in another case", "write them in the same case in both files"
    return "", ""
