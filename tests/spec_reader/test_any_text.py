"""Whatever the file holds, reading it returns, and every place lies in the text."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from aimass_compiler.spec.yaml.reader import parse
from tests.examples import at_most
from tests.spec_reader.inside import is_inside

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.diagnostics import Path

#: Text that is made of what YAML gives a meaning, so that most examples get far.
YAML_LIKE = st.lists(
    st.sampled_from(
        ["a", "b: ", "- ", "\n", "\n  ", "\n    ", "? ", ": ", "[", "]", "{", "}", ", ", "&x ", "*x",
         "<<: ", "!t ", "!!str ", "'", '"', "|", ">", "#", " ", "\t", "\r\n", "---\n", "...\n", "%", "@",
         "~", "no", "1e999", "é", "\u2028", "\ufeff", "\0", "\\"]
    )
).map("".join)  # fmt: skip
TEXT = st.text(st.characters(exclude_categories=["Cc", "Cs", "Cn", "Zl", "Zp"], exclude_characters="\ufeff"))
DATA = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text("ab:- #", max_size=4), inner, max_size=4)
    ),
    max_leaves=12,
)


def paths_in(data: Any) -> Iterator[Path]:
    yield ()
    below = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for step, value in below:
        yield from ((step, *path) for path in paths_in(value))


@at_most(400)
@given(st.text() | YAML_LIKE | st.binary(), st.data())
def test_reading_returns_and_places_lie_in_the_text(content: str | bytes, data: st.DataObject) -> None:
    document, findings = parse(content, "a.yaml")
    if document.root is None:
        assert any(finding.is_error for finding in findings)
    for finding in findings:
        assert is_inside(document.place_of_finding(finding), document)
        assert all(is_inside(document.place_of_finding(note), document) for note in finding.related)
    strange = tuple(data.draw(st.lists(st.text() | st.integers(), max_size=4)))
    for path in [*paths_in(document.data), strange]:
        assert is_inside(document.place_of(path), document)
        assert is_inside(document.place_of(path, at_key=True), document)


@at_most(150)
@given(st.dictionaries(st.text("ab:- #", max_size=4), DATA, max_size=5), st.booleans())
def test_data_survives_being_written_and_read(data: dict[str, Any], is_block: bool) -> None:
    written = _as_block(data) if is_block and data else json.dumps(data, ensure_ascii=False)
    document, findings = parse(written, "a.yaml")
    assert [finding for finding in findings if finding.is_error] == []
    assert document.data == data


def _as_block(data: Any, indent: str = "") -> str:
    """Block style with every scalar as JSON, which YAML reads the same."""
    if not isinstance(data, (dict, list)) or not data:
        return f"{indent}{json.dumps(data, ensure_ascii=False)}\n"
    if isinstance(data, list):
        return "".join(f"{indent}-\n{_as_block(item, indent + '  ')}" for item in data)
    return "".join(
        f"{indent}{json.dumps(key, ensure_ascii=False)}:\n{_as_block(value, indent + '  ')}"
        for key, value in data.items()
    )


def test_libyaml_is_there_for_its_speed() -> None:
    assert yaml.__with_libyaml__
