"""What holds of every place in a text."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aimass_compiler.diagnostics import Place
    from aimass_compiler.spec.yaml.document import Document


def is_inside(place: Place, document: Document) -> bool:
    """Whether a place lies in the text."""
    start, end = (place.line, place.column), (place.end_line, place.end_column)
    lines = document.lines
    return (
        (1, 1) <= start <= end
        and place.end_line <= len(lines)
        and place.column <= len(lines[place.line - 1]) + 1
        and place.end_column <= len(lines[place.end_line - 1]) + 1
    )
