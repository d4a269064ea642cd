"""The rows that a run prepared: how many, what each column holds, and how they differ from the run before."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from aimass_compiler.catalog.forecast import OWN
from aimass_compiler.cli.pages.blocks import Block, Cell, Grid, Pairs, StatusSentence, StatusText, number
from aimass_compiler.cli.pages.report.run_results import RunResults
from aimass_compiler.stages import artifacts

_LONGEST = 60
_MANY_MISSING = 0.2


def blocks(results: RunResults) -> Iterator[Block]:
    """Counts, changes, suspects, and a row for each column."""
    counted = results.document(artifacts.ROWS_REPORT).get("rows", {})
    if counted:
        yield Pairs(
            [
                (f"rows {name}" if name in ("collected", "kept") else f"{name} split", f"{count:,}")
                for name, count in counted.items()
            ]
        )
    profile = results.document(artifacts.PROFILE)
    yield from profile_blocks(profile, results.personal)


def profile_blocks(profile: dict[str, Any], personal: frozenset[str] = frozenset()) -> Iterator[Block]:
    """What a profile of rows says: suspects first, then each column, first what predicts the target best.

    Of `personal` columns no values are shown.
    """
    if not profile:
        return
    rows = max(1, profile["rows"])
    is_flat = all(column["type"] != "list" for column in profile["columns"])
    if profile["duplicates"] and is_flat:  # of nested values nothing is compared
        yield StatusSentence(
            f"{profile['duplicates']:,} rows are like an earlier one in every column.", "doubtful"
        )
    for suspect in profile["suspects"]:
        yield StatusSentence(f"{suspect['column']} ({suspect['kind']}): {suspect['reason']}", "doubtful")
    has_target = profile["target"] is not None
    head = ["column", "type", "missing", "distinct", "values", *(["alone"] if has_target else [])]
    columns = [each for each in profile["columns"] if not each["name"].startswith(OWN)]
    if has_target:
        columns.sort(key=_told)
    grid = [
        [*_column(column, rows, personal), *([_alone(column, profile["target"])] if has_target else [])]
        for column in columns
    ]
    about = "; `alone` is how much of a guesser's error a column by itself removes" if has_target else ""
    yield Grid(f"Columns of {rows:,} rows{about}", head, grid, frozenset({2, 3, 5}))


def _told(column: dict[str, Any]) -> float:
    return -(column["association"]["alone"] if column["association"] else -1)


def _column(column: dict[str, Any], rows: int, personal: frozenset[str]) -> list[Cell]:
    share = column["missing"] / rows
    missing: Cell = StatusText(f"{share:.1%}", "doubtful" if share > _MANY_MISSING else "") if share else "–"
    about = "~" if column["is_estimated"] else ""
    distinct = "–" if column["type"] == "list" else f"{about}{column['distinct']:,}"
    values = "personal" if column["name"] in personal else _values(column)
    return [column["name"], column.get("declared") or column["type"], missing, distinct, values]


def _values(column: dict[str, Any]) -> str:
    found, frequent = column["summary"], column["frequent"]
    if found and not (frequent and column["distinct"] <= len(frequent)):
        middle = found.get("p50", found["mean"])
        return f"{number(found['min'])} … {number(middle)} … {number(found['max'])}"
    shown = ", ".join(f"{value} {share:.0%}" for value, share in frequent)
    return shown if len(shown) <= _LONGEST else f"{shown[: _LONGEST - 1]}…"


def _alone(column: dict[str, Any], target: str) -> str:
    told = column["association"]
    return f"{told['alone']:.2f}" if told else "target" if column["name"] == target else "–"
