"""Joins in time: beside each row what its key's earlier rows of another source say."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import polars

from aimass_compiler.engines.block_size import rows_of_a_block
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.expression.plain_name import values_of
from aimass_compiler.pipeline.columns import Column, NumberColumn, SeriesColumn, TimeColumn
from aimass_compiler.pipeline.joins import READS_NUMBERS
from aimass_compiler.runtime import contract
from aimass_compiler.runtime.failure import StageFailure
from aimass_compiler.runtime.point_in_time import History, is_order_of_numbers, read_order, read_times

if TYPE_CHECKING:
    from aimass_compiler.engines import Block, Table
    from aimass_compiler.pipeline.data import Data
    from aimass_compiler.pipeline.joins import Join


def with_history(data: Data, join: Join, left: Table, right: Table, place: Callable[..., str]) -> Table:
    """The left side's rows, one for one, with the latest earlier row of the right side, or with aggregations.

    Memory holds the right side. Raises StageFailure for values of it that are no numbers or times.
    """
    series = {
        name: column
        for name in join.aggregate or ()
        if isinstance(column := data.columns.get(name), SeriesColumn)
    }
    lengths = {name: column.length for name, column in series.items()}
    history = History(_readable(join, right, place), join, lengths)
    if join.aggregate is None:
        names = [name for name in right.schema if name not in {*join.on, *left.schema}]
        added = partial(history.latest, names=names)
    else:
        added = history.aggregated  # type: ignore[assignment]  # both answer a block for a block
    time = join.time and join.time.left

    def beside(block: Block) -> Block:
        if time and time not in data.columns:
            _require_times(block, time, contract.counted)
        return block.hstack(added(block))

    if series:
        wide = {name: column.column_type.dtype for name, column in series.items()}
        left = left.in_blocks_of(rows_of_a_block({**left.schema, **wide}))
    return left.with_columns(beside)


def _readable(join: Join, right: Table, place: Callable[..., str]) -> Block:
    """The rows of the right side, in memory, with the numbers that are aggregated as numbers."""
    rows = polars.concat(right.blocks())
    if join.time:
        _require_times(rows, join.time.right, partial(place, rows))
    if join.order_by:
        _require_order(rows, join.order_by, partial(place, rows))
    read = [(each.function in READS_NUMBERS, each.read) for each in (join.aggregate or {}).values()]
    numbers: dict[str, Column] = {
        name: NumberColumn(type="number", missing=1)
        for is_number, names in read
        if is_number
        for name in names
    }
    typed, lost = contract.typed(rows, numbers, partial(place, rows))
    _require_none(lost, numbers)
    others = {name for _, names in read for name in names if name not in numbers}
    values = {name: values_of(rows, name) for name in sorted(others)}
    known = [each.set(contract.is_blank(each), None).alias(name) for name, each in values.items()]
    return rows.with_columns(*typed.get_columns(), *known)


def _require_times(rows: Block, name: str, place: contract.Place) -> None:
    """Raises StageFailure for values that are no dates or timestamps."""
    raw = values_of(rows, name)
    if read_times(raw).null_count() > raw.null_count():
        _require(TimeColumn(type="time", missing=1), rows, name, place)


def _require_order(rows: Block, name: str, place: contract.Place) -> None:
    """Raises StageFailure for values that are no numbers, or no times, as the first one is."""
    raw = values_of(rows, name)
    if read_order(raw).null_count() > raw.null_count():
        number = NumberColumn(type="number", missing=1)
        _require(
            number if is_order_of_numbers(raw) else TimeColumn(type="time", missing=1), rows, name, place
        )


def _require(column: Column, rows: Block, name: str, place: contract.Place) -> None:
    _require_none(contract.typed(rows, {name: column}, place)[1], {name: column})


def _require_none(lost: contract.Found, columns: dict[str, Column]) -> None:
    violations = list(contract.reported(lost, columns))
    if violations:
        lines = "\n".join(f"  {violation}" for violation in violations)
        raise StageFailure(ExitCode.DATA, f"a join reads values of the wrong type:\n{lines}", "fix the data")
