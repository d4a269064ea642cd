"""Plain scalars mean what YAML 1.2's core schema says, not what YAML 1.1 said."""

from __future__ import annotations

import math

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from aimass_compiler.spec.yaml.flow_style import written
from aimass_compiler.spec.yaml.reader import parse
from aimass_compiler.spec.yaml.scalars import resolved

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


ELSEWHERE = {
    "yes": "true", "Yes": "true", "YES": "true", "no": "false", "on": "true", "off": "false", "OFF": "false",
    "007": None, "010": "the number 8", "-012": "the number -10",
    "08": "text",
    "12:30": "the number 750", "1:30": "the number 90", "12:30:45": "the number 45045",
    "24:00": "the number 1440",
    "1:30.5": "the number 90.5", "1_000": "the number 1000", "0b11": "the number 3",
    "1_0.5": "the number 10.5",
    "0o17": "text", "1e3": "text", "1e-3": "text", "-.5": "text", "1.5E3": "text",
    "2024-01-01": "a date", "2001-12-14t21:59:43.10-05:00": "a date", "2024-01-01 10:00:00": "a date",
    "=": "a default value, which few can read",
    "y": None, "n": None, "0x1F": None, ".inf": None, "-.INF": None, ".nan": None, "+12": None, "1.": None,
    "1.5e-3": None, "2024-1": None, "1:60": None, "0:30": None, "nO": None, "50ms": None, "~": None, "": None,
}  # fmt: skip


@pytest.mark.parametrize(("text", "other"), ELSEWHERE.items())
def test_a_value_that_yaml_1_1_reads_differently_is_warned_about(text: str, other: str | None) -> None:
    for line in (f"a: {text}\n", f"a: [{text}]\n", f"- {text}\n", f"{text}: a\n"):
        found = [finding for finding in parse(line, "a.yaml")[1] if not finding.is_error]
        assert [finding.code for finding in found] == ["AM018"] * bool(other)
        assert all(finding.message.endswith(f" read it as {other}") for finding in found)


@given(
    st.text("0123456789:-+._eExob", max_size=10)
    | st.sampled_from(["yes", "no", "on", "off", "true", "null", "~", "y"])
    | st.dates().map(str)
    | st.floats(allow_nan=False).map(repr)
)
def test_nothing_is_read_otherwise_in_silence(text: str) -> None:
    try:
        there = yaml.safe_load(f"a: [{text}]")
        document, findings = parse(f"a: [{text}]", "a.yaml")
    except (yaml.YAMLError, ValueError):
        return
    assert findings or document.data == there or ".nan" in text.lower()


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_is_written_for_every_tool(number: float) -> None:
    assert yaml.safe_load(written(number)) == number == resolved(written(number))


@pytest.mark.parametrize(
    "written",
    ["'on': x", '"no": x', "a: y", "a: [Y, n]", "a: 'no'", "a: !!str no", "a: nO", "a: 0.5", "a: 0"],
)
def test_keys_and_quoted_values_are_not_warned_about(written: str) -> None:
    assert parse(written, "a.yaml")[1] == []
