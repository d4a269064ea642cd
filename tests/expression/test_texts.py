"""Texts are rewritten alike in both engines, as Unicode's tables and Python's `re` say."""

from __future__ import annotations

import math
import re
import subprocess
import sys
import unicodedata

import polars
import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from aimass_compiler.expression.algebra import Column
from aimass_compiler.expression.column_types import CATEGORY, TEXT
from aimass_compiler.expression.patterns import portable, problem
from aimass_compiler.expression.texts import Decimal, Extracted, Normalized, letters
from tests.expression.both import assert_agree, by_onnx, by_polars, strings

NOTE = Column("note", TEXT)
deliberate = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)
#: Letters in which engines, versions of Unicode and encodings differ.
HOSTILE = "aAbB019_-. \t\n\x00\x1f\x85\u00a0\u2028éÉ\u0301ßſKİıΣς٣５ﬁ中🙂𝔸\U0010ffff"
hostile = st.one_of(strings, st.text(HOSTILE, max_size=12), st.text(max_size=6))
rows = st.lists(hostile, min_size=1, max_size=6).map(lambda texts: polars.DataFrame({"note": texts}, TYPES))
TYPES = {"note": polars.String}

_atoms = st.sampled_from([
    "a", "b", "B", "1", "é", "ß", r"\.", "-", " ", ".", r"\d", r"\w", r"\s", r"\D", r"\W", r"\S", "[ab]",
    "[^a]", "[a-z1]", r"[^\d_]", "[é-ﬁ]", r"[^\W\d]", "\n",
])  # fmt: skip
_patterns = st.recursive(
    _atoms,
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).map("".join),
        st.lists(inner, min_size=2, max_size=3).map(lambda ways: f"(?:{'|'.join(ways)})"),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{1,3}", "{2,}"])).map(
            lambda both: f"(?:{both[0]}){both[1]}"
        ),
    ),
    max_leaves=6,
)
patterns = st.tuples(st.sampled_from(["", "^"]), _patterns, st.sampled_from(["", "$"])).map("".join)


def _texts(texts: list[str | None]) -> polars.DataFrame:
    return polars.DataFrame({"note": texts}, TYPES)


@deliberate
@given(patterns, st.lists(hostile, min_size=1, max_size=6))
@example("[0-9]+", [None, "", "x"])
@example("a$", ["a\n"])
def test_a_pattern_means_the_same_in_both_engines_and_in_python(
    pattern: str, texts: list[str | None]
) -> None:
    assume(problem(pattern) is None)
    expression = Extracted(NOTE, portable(pattern), CATEGORY)
    # Python's `$` also stands before a last line feed.
    known = re.compile(pattern.removesuffix("$") + r"\Z" * pattern.endswith("$"), re.ASCII)
    found = [known.search(text) if text else None for text in texts]
    assert_agree(expression, _texts(texts))
    assert list(by_polars(expression, _texts(texts))) == [match[0] if match else "" for match in found]


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("(", "is no regular expression: missing )"),
        ("(?=a)b", "a look-around"),
        ("a(?<!b)", "a negative look-around"),
        (r"(?P<one>a)(?P=one)", "a group that is remembered"),
        ("a*?b", "as little as it can"),
        ("a++b", "possessive"),
        ("(?>a+)b", "an atomic group"),
        (r"\bfoo", "inside"),
        ("^a|b", "inside"),
        ("(?i)a", "flags"),
        ("(?i:a)", "flags"),
        ("[[:alpha:]]", "a set within a set"),
        (r"[^\s\S]", "a set that no letter is in"),
        ("a*", "matches an empty text"),
        ("(?:a*)+", "repeats what may be empty"),
        ("Mr|Mrs", "matches `Mrs` as a whole or only its beginning"),
        ("[a-z]{1,300}", "too long"),
        ("[ab]*a[ab]{12}x", "too many ways"),
    ],
)
def test_a_pattern_that_engines_read_differently_is_refused_with_its_part(pattern: str, reason: str) -> None:
    assert reason in str(problem(pattern))


@pytest.mark.parametrize("in_lower_case", [True, False])
@pytest.mark.parametrize("without_accents", [True, False])
@deliberate
@given(rows=rows)
@example(
    rows=_texts(
        ["\u00c9 " * 9 + "\u00c9" * 40 + "\ta\x0b\x0c\r\n b" + "\u2028" * 20, "  " * 30, "\u0301" * 33]
    )
)
def test_texts_are_normalised_alike(
    in_lower_case: bool,
    without_accents: bool,
    rows: polars.DataFrame,
) -> None:
    assert_agree(Normalized(NOTE, in_lower_case, without_accents), rows)


def test_a_normalised_text_is_as_unicode_says() -> None:
    texts = [
        "  Ｈéllo\u00a0\t WÖRLD ",
        "ﬁ①ℌ",
        "E\u0301TÉ",
        "İstanbul",
        " \u2003 ",
        "\u0301",
        None,
        "x" * 5000,
    ]
    wanted = ["hello world", "fi1h", "ete", "istanbul", "", "", "", "x" * 5000]
    both = Normalized(NOTE, in_lower_case=True, without_accents=True)
    assert list(by_onnx(both, _texts(texts))) == wanted
    neither = Normalized(NOTE, in_lower_case=False, without_accents=False)
    assert list(by_onnx(neither, _texts(["É  ＡΣ"]))) == ["É AΣ"]


def test_a_long_word_beside_many_is_no_table_of_letters() -> None:
    """Two thousand words as wide as the longest would take 6 GB."""
    words = [f"w{number}" for number in range(2000)] + ["\u00c9" * 100_000]
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))\n"
        "import sys, polars\n"
        "from tests.expression.test_texts import NOTE, Normalized, _texts, by_onnx\n"
        "both = Normalized(NOTE, in_lower_case=True, without_accents=True)\n"
        "sys.stdout.write(by_onnx(both, _texts([sys.stdin.read()]))[0])"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], input=" ".join(words), capture_output=True, text=True, check=True
    )
    assert found.stdout == " ".join(words).lower().replace("\u00e9", "e")


def test_no_letter_beyond_the_planes_that_are_looked_at_would_change() -> None:
    changed = letters(in_lower_case=True, without_accents=True)
    assert max(changed) < 0x30000
    for code in range(0x30000, 0x110000):
        letter = chr(code)
        assert unicodedata.normalize("NFKC", letter).lower() == letter
        assert not unicodedata.combining(letter)
        assert not letter.isspace()


@pytest.mark.parametrize(
    ("text", "number"),
    [("12", 12), ("-0.5", -0.5), ("+7", 7), ("0.1", 0.1), ("1e3", None), ("1.", None), ("٣", None),
     ("9" * 16, None), ("123456789012345.123456789012345", 123456789012345.123456789012345), ("12\n", None),
     ("", None)],
)  # fmt: skip
def test_digits_become_a_number(text: str, number: float | None) -> None:
    expression = Decimal(NOTE)
    assert_agree(expression, _texts([text, None]))
    (found, _) = by_polars(expression, _texts([text, None])).tolist()
    assert (None if math.isnan(found) else found) == number
