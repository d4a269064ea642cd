"""A profile of data: a line for each column and what is suspect, for people, as JSON or as a page."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from aimass_compiler.cli.views.cells import safe, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.engines.table_profile import ColumnProfile, TableProfile

_LONGEST = 44
#: From this share on, percents need no decimals.
_WHOLE_PERCENT = 0.1


def people(name: str, found: TableProfile) -> str:
    """The profile for a terminal."""
    return "".join(f"{line}\n" for line in _lines(name, found))


def document(name: str, found: TableProfile) -> str:
    """The profile as JSON."""
    return json.dumps({"data": name, **found.document()}, indent=2, ensure_ascii=False) + "\n"


def page(name: str, found: TableProfile) -> str:
    """The profile as one HTML page that needs nothing else."""
    from aimass_compiler.cli.pages.blocks import Page, Section
    from aimass_compiler.cli.pages.document import html
    from aimass_compiler.cli.pages.report.data import profile_blocks

    blocks = list(profile_blocks(json.loads(document(name, found))))
    return html(Page(name, "; ".join(_summary(found)), [Section("data", "Data", blocks)]))


def _lines(name: str, found: TableProfile) -> Iterator[str]:
    yield safe(name)
    for line in _summary(found):
        yield f"  {line}"
    yield ""
    yield from table([[safe(cell) for cell in row] for row in _rows(found)])
    if found.suspects:
        yield ""
        yield "look at these before you train:"
        yield from table(
            [[suspect.kind, safe(suspect.column), safe(suspect.reason)] for suspect in found.suspects]
        )


def _summary(found: TableProfile) -> Iterator[str]:
    yield f"{found.rows:,} rows, {len(found.columns)} columns"
    if found.duplicates:
        yield f"{found.duplicates:,} rows ({found.duplicates / found.rows:.1%}) are like an earlier row"
    if found.sampled < found.rows:
        yield f"quantiles, frequent values and the target are those of {found.sampled:,} rows, evenly apart"


def _rows(found: TableProfile) -> list[list[str]]:
    """The head, then each column; what says most about the target comes first."""
    head = ["column", "type", "missing", "distinct", "values"]
    if found.target is not None:
        head += ["alone", "information", "correlation"]
    ranked = sorted(
        found.columns,
        key=lambda column: -(column.association.alone if column.association else -1),
    )
    return [head, *(_row(column, found) for column in (ranked if found.target else found.columns))]


def _row(column: ColumnProfile, found: TableProfile) -> list[str]:
    share = column.missing / max(1, found.rows)
    about = "~" if column.is_estimated else ""
    distinct = "" if column.type == "list" else f"{about}{column.distinct:,}"
    type_ = column.declared or column.type
    row = [column.name, type_, f"{share:.1%}" if column.missing else "", distinct, _values(column)]
    if found.target is None:
        return row
    told = column.association
    if told is None:
        return [*row, "the target" if column.name == found.target else "", "", ""]
    correlation = "" if told.correlation is None else f"{told.correlation:+.2f}"
    return [*row, f"{told.alone:.2f}", f"{told.mutual_information:.3f}", correlation]


def _values(column: ColumnProfile) -> str:
    if column.summary and not (column.frequent and column.distinct <= len(column.frequent)):
        found = column.summary
        return f"{found['min']:.4g} … {found.get('p50', found['mean']):.4g} … {found['max']:.4g}"
    shown = ", ".join(f"{value} {_percent(share)}" for value, share in column.frequent)
    return shown if len(shown) <= _LONGEST else f"{shown[: _LONGEST - 1]}…"


def _percent(share: float) -> str:
    return f"{share:.0%}" if share >= _WHOLE_PERCENT else f"{100 * share:.2g}%"
