"""Rows of text in columns that line up."""

from __future__ import annotations

from collections.abc import Sequence

from aimass_compiler.cli.views.cells import safe, width_of


def table(rows: Sequence[Sequence[str]], indent: str = "  ") -> list[str]:
    """The rows as lines, the first column flush left and numbers flush right."""
    cells = [[safe(cell) for cell in row] for row in rows]
    widths = [max(width_of(row[place]) for row in cells) for place in range(len(cells[0]))] if cells else []
    return [
        f"{indent}{'  '.join(_padded(cell, width) for cell, width in zip(row, widths, strict=True))}".rstrip()
        for row in cells
    ]


def _padded(cell: str, width: int) -> str:
    space = " " * (width - width_of(cell))
    is_number = cell[:1].isdigit() or cell[:2] in {"-0", "-1"} or cell[:1] == "-"
    return space + cell if is_number else cell + space
