"""Text is cut and underlined by the columns that it takes on a terminal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimass_compiler.cli.views.cells import safe, width_of, window, wrapped

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
    seen = window(line, start, width)
    shown, (before, marked) = seen.text, seen.columns(start, end)
    assert width_of(shown) <= width
    assert marked >= 1
    assert before + marked <= width + 1
    if start < len(line) and width_of(line[start]) == 1 and safe(line[start]) == line[start]:
        assert line[start] in shown


@given(st.text())
def test_safe_text_drives_no_terminal(text: str) -> None:
    assert not set(safe(text)) & {chr(code) for code in (*range(32), *range(127, 160))}


@given(st.text(), st.integers(0, 60), st.integers(0, 60), st.integers(20, 60))
def test_every_mark_of_a_line_has_its_columns(line: str, first: int, second: int, width: int) -> None:
    start, end = sorted((min(first, len(line)), min(second, len(line))))
    before, marked = window(line, 0, width).columns(start, end)
    assert 0 <= before <= width
    assert marked >= 1
    assert before + marked <= width + 1


@given(st.lists(st.text(st.characters(categories=["L", "P"]), min_size=1, max_size=9)), st.integers(20, 60))
def test_wrapped_prose_fits_and_keeps_its_words(words: list[str], width: int) -> None:
    lines = wrapped(" ".join(words), width)
    assert " ".join(lines) == " ".join(safe(word) for word in words)
    assert all(width_of(line) <= width for line in lines)


def test_prose_without_a_width_is_one_line() -> None:
    assert wrapped("word " * 99, None) == [("word " * 99)]
