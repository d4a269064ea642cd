"""Sources side by side by their keys, and what is said where keys do not meet."""

from __future__ import annotations

from collections.abc import Mapping

import polars

from aimass_compiler.catalog.source import Rows
from aimass_compiler.expression.plain_name import values_of
from aimass_compiler.pipeline.data import Data, Join
from aimass_compiler.runtime.failure import ExitCode, StageFailure

#: The column that says which row of a source a joined row comes from; no data has such a name.
_ROW_OF = "\0row of "
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


class Joined:
    """The rows of all sources as one table, which knows where each value comes from."""

    def __init__(self, rows: polars.DataFrame, sources: Mapping[str, Rows]) -> None:
        there = set(rows.columns)
        self._sources = {name: source for name, source in sources.items() if _ROW_OF + name in there}
        self._columns = {name: frozenset(source.frame.columns) for name, source in self._sources.items()}
        self._rows = rows
        self.table = rows.drop(polars.selectors.by_name(*(_ROW_OF + name for name in self._sources)))
        self.names = [name for source in self._sources.values() for name in source.names]
        self.mixed = frozenset[str]().union(*(source.mixed for source in self._sources.values()))

    def sources_of(self, column: str) -> list[str]:
        """The names of the sources that have a column."""
        return [name for name, columns in self._columns.items() if column in columns]

    def place(self, column: str, row: int) -> str:
        """Where a row's value in a column stands: `line 7`, and of which source, where there are several."""
        for name, source in self._sources.items():
            if column in self._columns[name]:
                found = self._rows.get_column(_ROW_OF + name)[row]
                if found is None:
                    continue
                beside = f" of `{name}`" if len(self._sources) > 1 else ""
                return source.place(int(found)) + beside
        return f"row {row + 1}"


def joined(data: Data, sources: Mapping[str, Rows]) -> Joined:
    """All sources joined in order; raises StageFailure where keys are missing or never meet."""
    frames = {
        name: source.frame.with_row_index(_ROW_OF + name).select(polars.selectors.all())
        for name, source in sources.items()
    }
    first = data.join[0].left if data.join else next(iter(frames))
    rows = frames[first]
    for join in data.join:
        rows = _joined(data, join, rows, frames[join.right])
    return Joined(rows, sources)


def _joined(data: Data, join: Join, left: polars.DataFrame, right: polars.DataFrame) -> polars.DataFrame:
    keys = list(join.on)
    for side, frame in ((join.left, left), (join.right, right)):
        lacking = [key for key in keys if key not in frame.columns]
        if lacking:
            raise StageFailure(ExitCode.DATA, f"source `{side}` has no column `{lacking[0]}` to join on")
    both = set(left.columns) & set(right.columns) - set(keys)
    twice = [name for name in data.columns if name in both]
    if twice:
        raise StageFailure(
            ExitCode.DATA,
            f"`{join.left}` and `{join.right}` both have a column `{twice[0]}`",
            "rename one of them, or join on it",
        )
    if any(left.schema[key] != right.schema[key] for key in keys):
        left = left.with_columns(_as_keys(left, keys))
        right = right.with_columns(_as_keys(right, keys))
    _tell_strangers(join, left, right)
    # Numbers in the place of the keys' names, which polars could take for patterns.
    on = [polars.selectors.by_name(key) for key in keys]
    return left.join(right, on=on, how=join.how, coalesce=True, maintain_order="left_right")


def _as_keys(frame: polars.DataFrame, keys: list[str]) -> list[polars.Series]:
    """Keys as text; whole numbers and seconds are written alike whatever else their columns could hold."""
    return [_as_key(values_of(frame, key)).alias(key) for key in keys]


def _as_key(column: polars.Series) -> polars.Series:
    text = column.cast(polars.String)
    if isinstance(column.dtype, polars.Datetime):
        return text.str.replace(r"\.0+(\D|$)", "${1}")
    if not column.dtype.is_float():
        return text
    whole = column.cast(polars.Int64, strict=False)
    return text.zip_with(~(whole == column).fill_null(value=False), whole.cast(polars.String))


def _tell_strangers(join: Join, left: polars.DataFrame, right: polars.DataFrame) -> None:
    """Say when few rows of the left meet a partner; raises StageFailure when none does."""
    keys = list(join.on)
    if left.is_empty() or right.is_empty() or join.how == "full":
        return
    mine, others = _keys(left, keys), _keys(right, keys)
    meets = mine.is_in(others.unique().implode()).fill_null(value=False)
    count = int(meets.sum())
    if count >= _FEW * left.height:
        return
    met = "no" if count == 0 else f"only {count:,} of {left.height:,}"
    message = f"{met} `{', '.join(keys)}` of `{join.left}` ({_examples(mine.filter(~meets))}) "
    message += f"{'is' if count <= 1 else 'are'} in `{join.right}` ({_examples(others)})"
    reason, hint = _reason(mine.filter(~meets), others)
    message += f": one of them {reason}" if reason else ""
    if count == 0:
        raise StageFailure(
            ExitCode.DATA, message, hint or "check that `on` names the same thing in both sources"
        )
    print(message + (f"; {hint}" if hint else ""))


def _keys(frame: polars.DataFrame, keys: list[str]) -> polars.Series:
    if len(keys) == 1:
        return frame.get_column(keys[0]).cast(polars.String)
    texts = polars.DataFrame([_as_key(values_of(frame, key)).alias(f"{n}") for n, key in enumerate(keys)])
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
