"""Fixes of text that the YAML parser cannot read, where it can be read in one way only."""

from __future__ import annotations

import re
from collections.abc import Callable

from aimass_compiler.diagnostics import Finding, Fix, Place, Rewrite
from aimass_compiler.spec.yaml.document import Document, Node, value_of

#: What reads the nodes of a text, or finds why there are none.
Compose = Callable[[Document], tuple[Node | None, list[Finding]]]

_INDENTATION = re.compile(r"[ \t]*\t[ \t]*")
#: How wide people's editors show a tab.
_TAB_WIDTHS = (2, 4, 8)
#: What would make it unclear where unquoted text ends.
_UNCLEAR = re.compile(r"[\"\\,\[\]{}]| #|: |\t")


def spaces_for_tabs(document: Document, compose: Compose) -> Fix | None:
    """Spaces for the tabs that lines begin with, if the text means one thing however wide they are."""
    if not any(_INDENTATION.match(line) for line in document.lines):
        return None
    meanings = []
    for width in _TAB_WIDTHS:
        lines = [_with_spaces(line, width) for line in document.lines]
        root, findings = compose(Document(document.file, "\n".join(lines)))
        if root is not None and not any(finding.code in {"AM005", "AM006"} for finding in findings):
            meanings.append((value_of(root), width))
    if not meanings or any(meaning != meanings[0][0] for meaning, _ in meanings):
        return None
    width = meanings[0][1]
    edits = tuple(
        Rewrite(Place(number, 1, number, found.end() + 1), found.group().expandtabs(width))
        for number, line in enumerate(document.lines, start=1)
        if (found := _INDENTATION.match(line)) and line.strip()
    )
    return Fix("indent with spaces", edits)


def _with_spaces(line: str, width: int) -> str:
    found = _INDENTATION.match(line)
    return found.group().expandtabs(width) + line[found.end() :] if found else line


def quoted_rest(document: Document, index: int) -> Fix | None:
    """Quotes around the rest of a line, which starts with a character that no value can start with."""
    place = document.place_between(index, index)
    line = document.lines[place.line - 1]
    rest = line[place.column - 1 :].rstrip()
    if _UNCLEAR.search(rest) or re.search(r"[\[{]", line[: place.column - 1]):
        return None
    end = place.column + len(rest)
    where = Place(place.line, place.column, place.line, end)
    return Fix("put it in quotes", (Rewrite(where, f'"{rest}"'),))
