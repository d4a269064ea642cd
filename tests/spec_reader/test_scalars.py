"""Plain scalars mean what YAML 1.2's core schema says, not what YAML 1.1 said."""

from __future__ import annotations

import math

import pytest

from aimass_compiler.spec.reader import parse
from aimass_compiler.spec.scalars import resolved

MEANINGS = {
    "": None, "~": None, "null": None, "NULL": None, "nUll": "nUll",
    "true": True, "FALSE": False, "tRue": "tRue",
    "yes": "yes", "no": "no", "on": "on", "Off": "Off", "y": "y",
    "0": 0, "-12": -12, "+7": 7, "0o17": 15, "0x1F": 31, "017": 17, "08": 8, "-0o7": "-0o7",
    "1_000": "1_000", "1:30": "1:30", "2024-01-01": "2024-01-01", "0b11": "0b11",
    "1.5": 1.5, ".5": 0.5, "5.": 5.0, "1e3": 1000.0, "-1.5E-3": -0.0015, "1e": "1e", ".": ".",
    ".inf": math.inf, "-.INF": -math.inf, "inf": "inf", "nan": "nan",
    "70%": "70%", "500m": "500m", "1١": "1١",
}  # fmt: skip


@pytest.mark.parametrize(("text", "meaning"), MEANINGS.items())
def test_a_plain_scalar_means(text: str, meaning: object) -> None:
    value = resolved(text)
    assert (value, type(value)) == (meaning, type(meaning))


def test_not_a_number_is_one() -> None:
    assert math.isnan(float(str(resolved(".nan"))))


def test_quotes_and_blocks_make_text() -> None:
    document, findings = parse("a: 'no'\nb: \"5\"\nc: |\n  yes\nd: !!str 5\ne: ! 5\nf: !!float 5\n", "a.yaml")
    assert document.data == {"a": "no", "b": "5", "c": "yes\n", "d": "5", "e": "5", "f": 5}
    assert findings == []


@pytest.mark.parametrize("number", ["1e309", "-1e999", "1" * 301, "0x" + "f" * 301])
def test_a_number_that_cannot_be_held_is_told_and_kept_as_text(number: str) -> None:
    document, findings = parse(f"a: {number}\n", "a.yaml")
    assert [finding.code for finding in findings] == ["AM017"]
    assert document.data == {"a": number}


@pytest.mark.parametrize("text", ["yes", "Yes", "YES", "no", "on", "off", "OFF", "007"])
def test_a_value_that_yaml_1_1_reads_differently_is_warned_about(text: str) -> None:
    for written in (f"a: {text}\n", f"a: [{text}]\n", f"- {text}\n"):
        warnings = [finding for finding in parse(written, "a.yaml")[1] if not finding.is_error]
        assert [finding.code for finding in warnings] == ["AM018"]


@pytest.mark.parametrize(
    "written", ["on: x", "no: x", "a: y", "a: [Y, n]", "a: 'no'", "a: !!str no", "a: nO", "a: 0.5", "a: 0"]
)
def test_keys_and_quoted_values_are_not_warned_about(written: str) -> None:
    assert parse(written, "a.yaml")[1] == []
