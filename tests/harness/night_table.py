"""A table at the end of a run: a line for each test that recorded one, in the order of the tests.

A pytest plugin. A test that takes the fixture `line_of_table` calls it with its cells, by their headings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

_KEY = "line of the table"


@pytest.fixture
def line_of_table(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Records a line; it travels with the test's report, also from a worker of xdist."""

    def record(**cells: Any) -> None:
        request.node.user_properties.append((_KEY, {name: str(cell) for name, cell in cells.items()}))

    return record


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Draw the table where a test recorded a line."""
    reports = [*terminalreporter.stats.get("passed", []), *terminalreporter.stats.get("failed", [])]
    found = [cells for report in sorted(reports, key=lambda report: report.location)
             for key, cells in report.user_properties if key == _KEY and report.when == "call"]  # fmt: skip
    if not found:
        return
    terminalreporter.section("what became of each")
    rows = [list(found[0]), *([cells.get(name, "") for name in found[0]] for cells in found)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        terminalreporter.write_line("  ".join(cells).rstrip())
