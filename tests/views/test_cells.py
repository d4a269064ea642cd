"""Text is cut and underlined by the columns that it takes on a terminal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimass_compiler.cli.views.cells import safe, width_of, window

WIDTHS = {
    "": 0,
    "abc": 3,
    "é": 1,
    "e\u0301": 1,
    "名前": 4,
    "😀": 2,
    "\t": 4,
    "a\tb": 5,
    "a\u200db": 2,
    "\x1b": 1,
}


@pytest.mark.parametrize(("text", "width"), WIDTHS.items())
def test_the_width_of(text: str, width: int) -> None:
    assert width_of(text) == width


@given(st.text(), st.integers(0, 40), st.integers(0, 40), st.integers(20, 60))
def test_a_window_fits_and_shows_what_is_marked(line: str, first: int, second: int, width: int) -> None:
    start, end = sorted((min(first, len(line)), min(second, len(line))))
    shown, before, marked = window(line, start, end, width)
    assert width_of(shown) <= width
    assert marked >= 1
    assert before + marked <= width + 1
    if start < len(line) and width_of(line[start]) == 1 and safe(line[start]) == line[start]:
        assert line[start] in shown


@given(st.text())
def test_safe_text_drives_no_terminal(text: str) -> None:
    assert not set(safe(text)) & {chr(code) for code in (*range(32), *range(127, 160))}
