"""YAML is written so that every reader gets back what was meant."""

from __future__ import annotations

import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from aimass_compiler.render.emit import emit, emit_json, inline
from render.models import HOSTILE

#: What YAML can hold at all: no surrogates.
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
DATA = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
)


@given(st.dictionaries(TEXT, DATA))
def test_any_data_comes_back_as_it_was(document: dict[str, object]) -> None:
    assert yaml.safe_load(emit(document, "churn")) == document


@given(DATA)
def test_any_value_on_one_line_comes_back_as_it_was(value: object) -> None:
    text = inline(value)
    assert "\n" not in text
    assert yaml.safe_load(text) == value


@pytest.mark.parametrize(
    "text", [*HOSTILE, "yes", "NO", "on", "~", "1", "1e3", "1_000", "2001-01-01", "0o7", ".inf", "="]
)
def test_text_stays_text_for_readers_of_yaml_1_1_and_1_2(text: str) -> None:
    written = emit({"key": text}, "churn").decode().split("\n", 1)[1]
    assert yaml.safe_load(written) == {"key": text}
    assert written.startswith(("key: '", 'key: "', "key: |"))


def test_keys_keep_their_order_and_nothing_is_shared_by_reference() -> None:
    part = {"b": 1, "a": 2}
    written = emit({"one": part, "two": part}, "churn").decode()
    assert written.split("\n")[1:] == ["one:", "  b: 1", "  a: 2", "two:", "  b: 1", "  a: 2", ""]


def test_a_long_line_is_never_folded() -> None:
    assert emit({"key": "word " * 200 + "end"}, "churn").count(b"\n") == 2


@given(st.dictionaries(st.text(), st.text()))
def test_json_holds_any_text_even_where_it_stands_in_yaml(document: dict[str, str]) -> None:
    written = emit_json(document)
    assert json.loads(written) == document
    assert yaml.safe_load(emit({"file": written.decode()}, "churn"))["file"] == written.decode()
    assert yaml.reader.Reader.NON_PRINTABLE.search(written.decode()) is None


def test_json_is_indented_and_ends_with_a_newline() -> None:
    assert emit_json({"ü": [1]}) == '{\n  "ü": [\n    1\n  ]\n}\n'.encode()
