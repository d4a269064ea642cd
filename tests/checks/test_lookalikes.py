"""Where two names look the same, what nobody can see is named."""

from __future__ import annotations

import pytest

from aimass_compiler.diagnostics import did_you_mean


@pytest.mark.parametrize(
    ("strange", "what"),
    [
        ("n\N{NO-BREAK SPACE}age", "holds NO-BREAK SPACE (U+00A0)"),
        ("n ag\N{ZERO WIDTH SPACE}e", "holds ZERO WIDTH SPACE (U+200B)"),
        ("\N{ZERO WIDTH NO-BREAK SPACE}n age", "holds ZERO WIDTH NO-BREAK SPACE (U+FEFF)"),
        ("n a\N{SOFT HYPHEN}ge", "holds SOFT HYPHEN (U+00AD)"),
        ("n age\N{RIGHT-TO-LEFT MARK}", "holds RIGHT-TO-LEFT MARK (U+200F)"),
        ("n age ", "has a blank at its end"),
        (" n age", "has a blank at its start"),
        (" n age ", "has a blank at its start and at its end"),
        ("n age\t", "has a tab at its end"),
        ("n\tage", "holds TAB (U+0009)"),
        ("n  age", "has two blanks in a row"),
        ("n \N{CYRILLIC SMALL LETTER A}ge", "holds CYRILLIC SMALL LETTER A (U+0430)"),
        ("n a\N{FULLWIDTH LATIN SMALL LETTER G}e", "holds FULLWIDTH LATIN SMALL LETTER G (U+FF47)"),
        ("n\N{NON-BREAKING HYPHEN}age", "holds NON-BREAKING HYPHEN (U+2011)"),
    ],
)
def test_whichever_side_has_it(strange: str, what: str) -> None:
    assert did_you_mean(strange, ["n age"]) == f"did you mean `n age`? what is written {what}"
    assert did_you_mean("n age", [strange]) == f"did you mean `{strange}`? the latter {what}"


def test_letters_in_one_piece_or_two() -> None:
    composed, decomposed = "gr\N{LATIN SMALL LETTER O WITH DIAERESIS}sse", "gro\N{COMBINING DIAERESIS}sse"
    for word, other in ((composed, decomposed), (decomposed, composed)):
        hint = did_you_mean(word, [other])
        assert "COMBINING DIAERESIS (U+0308)" in hint
        assert "LATIN SMALL LETTER O WITH DIAERESIS (U+00F6)" in hint


@pytest.mark.parametrize(
    ("word", "meant"), [("agee", "age"), ("größe", "große"), ("возрастт", "возраст"), ("年齢1", "年齢2")]
)
def test_what_can_be_seen_needs_no_name(word: str, meant: str) -> None:
    assert did_you_mean(word, [meant]) == f"did you mean `{meant}`?"
