"""YAML is written so that every reader gets back what was meant."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from aimass_compiler.render.emit import emit, emit_all, emit_json, inline
from render.models import HOSTILE
from tests.examples import at_most

#: What YAML can hold at all: no surrogates. The second kind looks like YAML, or like the PromQL in alerts.
TEXT = st.text(st.characters(exclude_categories=["Cs"])) | st.text(
    "ab01 \n\t:#-'\"{}[]&*!|>%@`,?=~\\ü\x85", max_size=40
)
DATA = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=15,
)


def read_1_2(text: str | bytes) -> object:
    """What a parser of YAML 1.2 makes of it."""
    return YAML(typ="safe", pure=True).load(text)


@pytest.mark.parametrize("reads", [yaml.safe_load, read_1_2])
@at_most(200)
@given(document=st.dictionaries(TEXT, DATA, max_size=3))
def test_any_data_comes_back_as_it_was(reads: Callable[[bytes], object], document: dict[str, object]) -> None:
    assert reads(emit(document, "churn")) == document


@pytest.mark.parametrize("reads", [yaml.safe_load, read_1_2])
@at_most(200)
@given(value=DATA)
def test_any_value_on_one_line_comes_back_as_it_was(reads: Callable[[str], object], value: object) -> None:
    text = inline(value)
    assert "\n" not in text
    assert reads(text) == value


@given(st.lists(st.dictionaries(TEXT, DATA, max_size=2), min_size=1, max_size=3))
def test_several_documents_come_back_one_by_one(documents: list[dict[str, object]]) -> None:
    assert list(yaml.safe_load_all(emit_all(documents, "churn"))) == documents


def test_a_key_that_is_longer_than_any_parser_looks_is_still_one() -> None:
    document = {"list": [{"k" * 2000: {"x": "y"}, "j" * 2000: [1]}]}
    assert yaml.safe_load(emit(document, "churn")) == document


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
