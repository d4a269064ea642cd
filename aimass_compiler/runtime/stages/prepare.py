"""The first stage: collect the sources, join them, hold them to their contract, clean and split."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial, reduce
from typing import TYPE_CHECKING, Any

import polars
from msgspec import Struct

from aimass_compiler.atomic_file import replacing
from aimass_compiler.catalog.cleaning_step import CleaningStep
from aimass_compiler.catalog.forecast import STEP, Forecast
from aimass_compiler.catalog.source import Rows, UnreadableError
from aimass_compiler.catalog.splits.time import Time as TimeSplit
from aimass_compiler.catalog.task import Task
from aimass_compiler.conventions import SPLITS
from aimass_compiler.diagnostics import first_line
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.expression.plain_name import values_of
from aimass_compiler.pipeline.columns import NumberColumn
from aimass_compiler.pipeline.data import Data
from aimass_compiler.runtime import contract
from aimass_compiler.runtime.data_engine import data_engine
from aimass_compiler.runtime.failure import StageFailure
from aimass_compiler.runtime.joined_rows import JoinedRows, joined
from aimass_compiler.runtime.precision import long, rounded
from aimass_compiler.runtime.predictable import require_predictable
from aimass_compiler.runtime.series_rows import series_rows
from aimass_compiler.runtime.workspace import Workspace, write_json
from aimass_compiler.stages import artifacts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from aimass_compiler.engines import Engine, Table

_SHOWN = 3


class Collected(Struct, frozen=True):
    """What one pass over the rows of all sources found: values of other types, and numbers to be rounded."""

    rows: int
    lost: contract.Found
    long: frozenset[str]
    kept: contract.Kept | None
    """What there is of values and gaps, where no cleaning step follows."""

    def and_later(self, others: Collected) -> Collected:
        """What was found of these rows and of later ones."""
        lost = contract.both(self.lost, others.lost)
        kept = self.kept and others.kept and self.kept.and_later(others.kept)
        return Collected(self.rows + others.rows, lost, self.long | others.long, kept)


class Divided(Struct, frozen=True):
    """What was found of rows that are written already, block by block: with their splits and targets."""

    found: list[Collected]
    names: list[polars.Series]
    targets: list[polars.DataFrame]

    def and_later(self, others: Divided) -> Divided:
        """The same of these rows and of later ones."""
        self.found.extend(others.found)
        self.names.extend(others.names)
        self.targets.extend(others.targets)
        return self


class Prepared(Struct, frozen=True):
    """Rows that are written: what was found of them, and the split of each."""

    found: Collected
    kept: contract.Kept
    names: polars.Series
    made: str = ""


def run(data: Data, task: Task, *, workspace: Workspace) -> None:
    """Write train, validation and test rows, and a report of what was found."""
    with data_engine(workspace.folder("prepare")) as engine:
        sources = _collect(data, workspace)
        try:
            _prepare(data, task, joined(data, sources, engine), engine, workspace)
        except polars.exceptions.PolarsError as error:  # a file that was sound where its columns are named
            reason = first_line(error).replace(str(workspace.root), ".")
            raise StageFailure(ExitCode.DATA, f"the rows cannot be read: {reason}") from None


def _prepare(data: Data, task: Task, collected: JoinedRows, engine: Engine, workspace: Workspace) -> None:
    with ExitStack() as stack:
        paths = {
            name: stack.enter_context(replacing(workspace.path(artifacts.rows(name)))) for name in SPLITS
        }
        if _is_by_row(data, task, collected):
            prepared = _in_one_pass(data, task, collected, paths)
        else:
            prepared = _in_steps(data, task, collected, engine, paths)
    found, kept, names = prepared.found, prepared.kept, prepared.names
    counts = {name: int((names == name).sum()) for name in SPLITS}
    report = {
        "rows": {"collected": found.rows, "kept": kept.rows, **counts},
        **_report(data, collected, kept),
    }
    write_json(workspace.path(artifacts.ROWS_REPORT), report)
    shown = ", ".join(f"{count:,} {name}" for name, count in counts.items())
    left_out = len(names) - sum(counts.values())
    aside = f", {left_out:,} in no split" if left_out else ""
    print(f"{found.rows:,} rows collected, {kept.rows:,} after cleaning{prepared.made}: {shown}{aside}")


def _is_by_row(data: Data, task: Task, collected: JoinedRows) -> bool:
    """Whether a row is kept, typed and split by what it holds alone, so that it can be written at once."""
    if data.clean or task.forecast is not None or any(name not in collected.columns for name in data.columns):
        return False
    return data.split.of_rows(polars.DataFrame(schema=dict.fromkeys(data.columns, polars.String))) is not None


def _in_one_pass(data: Data, task: Task, collected: JoinedRows, paths: Mapping[str, Path]) -> Prepared:
    """The rows written as they are read: a broken contract is reported last, and no file is replaced."""
    targets = list(task.targets)

    def divided(block: polars.DataFrame) -> tuple[polars.DataFrame, polars.Series, Divided]:
        rows, found = _typed_block(data, collected, block)
        names = data.split.of_rows(rows)
        assert names is not None  # noqa: S101  # as `_is_by_row` has found
        return rows, names, Divided([found], [names], [rows.select(polars.selectors.by_name(*targets))])

    state = collected.rows.divided(divided, Divided.and_later, paths)
    found = reduce(Collected.and_later, state.found)
    kept = _required(data, task, list(contract.reported(found.lost, data.columns)), found.kept, found)
    _tell_rounded(data, collected, found)
    _require_rows(found.rows)
    names, rows = polars.concat(state.names), polars.concat(state.targets)
    _require_split(data, task, names, lambda name: values_of(rows, name))
    return Prepared(found, kept, names)


def _in_steps(
    data: Data, task: Task, collected: JoinedRows, engine: Engine, paths: Mapping[str, Path]
) -> Prepared:
    """The rows typed and stored, cleaned, split by all of them, and written."""
    typed, found = _typed(data, collected)
    cleaned, kept = _checked(data, task, collected, typed, found)
    _tell_rounded(data, collected, found)
    learned, names, made = cleaned, polars.Series(dtype=polars.String), ""
    if task.forecast is None:
        names = _split(data, task, cleaned)
    else:
        learned, names = _series(data, task, cleaned, engine)
        made = f", as steps ahead of {_origins(learned, task.forecast):,} histories"
    learned.split(names, paths)
    return Prepared(found, kept, names, made)


def _tell_rounded(data: Data, collected: JoinedRows, found: Collected) -> None:
    for message in rounded(collected.rows, [name for name in data.columns if name in found.long]):
        print(f"warning: {message}\n  help: declare it as `id` or `category` if it only names something")


def _series(data: Data, task: Task, rows: Table, engine: Engine) -> tuple[Table, polars.Series]:
    """The rows of a forecast with the name of each one's split; memory holds all series."""
    if not isinstance(data.split, TimeSplit):
        raise StageFailure(
            ExitCode.DATA,
            "a forecast is split by time",
            "write `split: {by: time, column: …}`, or leave it out",
        )
    made, names = series_rows(polars.concat(rows.blocks()), data.columns, task, data.split)
    require_predictable(task, values_of(made, task.truth), names)
    return engine.table([made]), names


def _origins(rows: Table, forecast: Forecast) -> int:
    first = rows.select([STEP]).column(lambda block: values_of(block, STEP))
    return int((first == forecast.horizon).sum())


def _collect(data: Data, workspace: Workspace) -> dict[str, Rows]:
    """The rows of each source, with the columns that are declared or joined on; the others are not read."""
    found = {}
    # What joins compare and count is taken as it is written.
    joined_on = {name for join in data.join for name in (*join.columns_of_left(), *join.columns_read())}
    numbers = [
        name
        for name, column in data.columns.items()
        if isinstance(column, NumberColumn) and name not in joined_on
    ]
    for name, source in data.sources.items():
        try:
            found[name] = source.reading_numbers(numbers).read(workspace.root, data.wanted(name))
        except UnreadableError as error:
            raise StageFailure(ExitCode.DATA, f"source `{name}`: {error.message}", error.hint) from None
        except (OSError, ValueError, polars.exceptions.PolarsError) as error:
            reason = first_line(error).replace(str(workspace.root), ".")
            message = f"source `{name}`: {source.shown} cannot be read as {source.kind}: {reason}"
            raise StageFailure(ExitCode.DATA, message) from None
    return found


def _typed(data: Data, collected: JoinedRows) -> tuple[Table, Collected]:
    """The declared columns in their types, beside what says where a row comes from."""

    def typed(block: polars.DataFrame) -> tuple[polars.DataFrame, Collected]:
        rows, found = _typed_block(data, collected, block)
        return rows.hstack(block.select(polars.selectors.by_name(*collected.places))), found

    return collected.rows.mapped(typed, Collected.and_later)


def _typed_block(
    data: Data, collected: JoinedRows, block: polars.DataFrame
) -> tuple[polars.DataFrame, Collected]:
    place = collected.place(block)
    rows, lost = contract.typed(block, data.columns, place)
    kept = None if data.clean else contract.kept(rows, data.columns, place)
    return rows, Collected(block.height, lost, long(block, data.columns), kept)


def _checked(
    data: Data, task: Task, collected: JoinedRows, typed: Table, found: Collected
) -> tuple[Table, contract.Kept]:
    """The rows that stay, typed. Raises StageFailure with everything that breaks the contract."""
    violations = list(contract.absent(data.columns, list(collected.columns), collected.names))
    violations += contract.reported(found.lost, data.columns)
    declared = [name for name in data.columns if name in typed.schema]

    def kept(block: polars.DataFrame) -> contract.Kept:
        return contract.kept(block, data.columns, collected.place(block))

    cleaned, state = typed, found.kept
    if data.clean and all(name in typed.schema for step in data.clean for name in step.columns_read()):
        cleaned, emptied = _cleaned(data.clean, typed, declared)
        violations += emptied
        state = cleaned.fold(kept, contract.Kept.and_later)
    return cleaned.select(declared), _required(data, task, violations, state, found)


def _required(
    data: Data,
    task: Task,
    violations: list[contract.Violation],
    state: contract.Kept | None,
    found: Collected,
) -> contract.Kept:
    """What was found of rows that keep their contract. Raises StageFailure."""
    if state is not None:
        violations += contract.broken(state, data.columns, task.targets, found.lost)
    if violations or state is None:
        raise StageFailure(
            ExitCode.DATA,
            "the data breaks its contract:\n" + "\n".join(f"  {violation}" for violation in violations),
            "fix the data, or change `data.columns` in the spec if the contract is out of date",
        )
    return state


def _cleaned(
    steps: tuple[CleaningStep, ...], rows: Table, columns: list[str]
) -> tuple[Table, list[contract.Violation]]:
    """The rows that every step keeps, and which step keeps none, if there is one."""
    kept = rows
    for step in steps:
        kept = step.keep(kept, columns)
    kept = kept.stored()
    if kept.height or not rows.height:
        return kept, []
    for step in steps:
        last, rows = rows, step.keep(rows, columns).stored()
        if not rows.height:
            message = f"leaves no row: `{step.kind}` removes the last {last.height:,}"
            return rows, [contract.Violation(name, message, last.height) for name in step.columns_read()]
    return kept, []


def _split(data: Data, task: Task, rows: Table) -> polars.Series:
    """The name of each row's split. Raises StageFailure where nothing could be learned or measured."""
    _require_rows(rows.height)
    names = data.split.assign(rows)
    _require_split(data, task, names, partial(_column, rows))
    return names


def _require_rows(count: int) -> None:
    if not count:
        raise StageFailure(
            ExitCode.DATA, "no row is left to split", "look at the sources and at `data.clean`"
        )


def _require_split(
    data: Data, task: Task, names: polars.Series, column: Callable[[str], polars.Series]
) -> None:
    """Raises StageFailure where nothing could be learned or measured."""
    _require_places(data, names)
    empty = [name for name in SPLITS if not (names == name).any()]
    if empty:
        raise StageFailure(
            ExitCode.DATA,
            f"the {empty[0]} split is empty: {len(names):,} rows were split by {data.split.kind}",
            "give it a larger share, or split another way",
        )
    for own in task.each_target if not task.is_written else ():
        require_predictable(own, column(own.target), names)


def _column(rows: Table, name: str) -> polars.Series:
    return rows.select([name]).column(lambda block: values_of(block, name))


def _require_places(data: Data, names: polars.Series) -> None:
    lost = names.is_null().arg_true()
    if len(lost):
        columns = ", ".join(f"`{name}`" for name in data.split.columns_read())
        shown = ", ".join(f"row {place + 1}" for place in lost.head(_SHOWN))
        raise StageFailure(
            ExitCode.DATA,
            f"{len(lost):,} rows cannot be split by {data.split.kind}, because {columns} is missing: {shown}",
            "drop them with `clean: [drop_missing]`, or split another way",
        )


def _report(data: Data, collected: JoinedRows, kept: contract.Kept) -> dict[str, Any]:
    return {
        "missing": {name: kept.missing[name] / kept.rows for name in data.columns},
        "written": _written(data, collected),
        "marks": _marks(data, collected),
        "undeclared": [name for name in dict.fromkeys(collected.names) if name not in data.columns],
    }


def _written(data: Data, collected: JoinedRows) -> dict[str, str]:
    """How the sources write each column: the server reads rows as the sources are read.

    CSV has one way for all values, so that text there tells nothing.
    """
    has_types = any(part.has_types for source in data.sources.values() for _, part in source.parts())
    kinds = {**collected.columns, **dict.fromkeys(collected.parsed, polars.String())}
    written = {
        name: "mixed" if name in collected.mixed else contract.written(kinds[name]) for name in data.columns
    }
    return {name: how for name, how in written.items() if how and (has_types or how != "text")}


def _marks(data: Data, collected: JoinedRows) -> dict[str, list[str]]:
    """What stands for a missing value in each column: the server reads it so, too."""
    found = {
        name: sorted(
            frozenset[str]().union(
                *(data.sources[source].marks_of(name) for source in collected.sources_of(name))
            )
        )
        for name in data.columns
    }
    return {name: marks for name, marks in found.items() if marks}
