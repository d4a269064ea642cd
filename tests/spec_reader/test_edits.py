"""Edits of a spec change what they name and leave every other character as it was."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from aimass_compiler.diagnostics import Assign, Edit, Fix, Place, Quote, Remove, Rename, Rewrite
from aimass_compiler.spec.edits.replacements import applied, replacements
from aimass_compiler.spec.yaml.flow_style import written
from aimass_compiler.spec.yaml.reader import parse

#: What is tried, the text, the edit, and the text after it.
EDITS: dict[str, tuple[str, Edit, str]] = {
    "a value": ("a: 1 # why\n", Assign(("a",), 2), "a: 2 # why\n"),
    "a value with an anchor": ("a: &x 1\nb: *x\n", Assign(("a",), 2), "a: &x 2\nb: *x\n"),
    "a value in its quotes": ("a: 'x'\n", Assign(("a",), "y"), "a: 'y'\n"),
    "a value where none is": ("a:\nb: 1\n", Assign(("a",), 2), "a: 2\nb: 1\n"),
    "an item": ("a: [x, y]\n", Assign(("a", 1), "z"), "a: [x, z]\n"),
    "the item in short": ("- one_hot: x\n", Assign((0, "one_hot", "columns", 0), "w"), "- one_hot: w\n"),
    "an item of a list in short": (
        "- one_hot: [x, z]\n",
        Assign((0, "one_hot", "columns", 1), "w"),
        "- one_hot: [x, w]\n",
    ),
    "a key beside others": (
        "a:\n  b: 1 # one\n  # about c\n  c: 2 # two\nd: 3\n",
        Assign(("a", "e"), 4),
        "a:\n  b: 1 # one\n  # about c\n  c: 2 # two\n  e: 4\nd: 3\n",
    ),
    "a key in brackets": ("a: {b: 1}\n", Assign(("a", "c", "d"), 2), "a: {b: 1, c: {d: 2}}\n"),
    "a key in empty brackets": ("a: {}\n", Assign(("a", "c"), 2), "a: {c: 2}\n"),
    "a key of an item": ("a:\n- b: 1\n", Assign(("a", 0, "c"), "no"), 'a:\n- b: 1\n  c: "no"\n'),
    "a first key": ("# a\nkind: b\n", Assign(("apiVersion",), "v"), "# a\napiVersion: v\nkind: b\n"),
    "a key of a bare kind": (
        "model: xgboost\n",
        Assign(("model", "xgboost", "max_depth"), 3),
        "model: {xgboost: {max_depth: 3}}\n",
    ),
    "a key of a column in short": (
        "data: {columns: {age: number}}\n",
        Assign(("data", "columns", "age", "min"), 0),
        "data: {columns: {age: {type: number, min: 0}}}\n",
    ),
    "a key of a transform in short": (
        "features:\n  - bucket: age\n",
        Assign(("features", 0, "bucket", "count"), 5),
        "features:\n  - bucket: {column: age, count: 5}\n",
    ),
    "another key": ("a: {bb: 1}\n", Rename(("a", "bb"), "b"), "a: {b: 1}\n"),
    "no entry": ("a: 1\nb:\n  - 2\n  # three\n  - 3\nc: 4\n", Remove(("b",)), "a: 1\nc: 4\n"),
    "no last entry": ("a: 1\nb: 2", Remove(("b",)), "a: 1\n"),
    "no only entry": ("a:\n  b: 1\nc: 2\n", Remove(("a", "b")), "a:\n  {}\nc: 2\n"),
    "no first entry in brackets": ("{a: 1, b: 2}\n", Remove(("a",)), "{b: 2}\n"),
    "no last entry in brackets": ("{a: 1, b: 2}\n", Remove(("b",)), "{a: 1}\n"),
    "no item": ("- a # one\n- b # two\n- c\n", Remove((1,)), "- a # one\n- c\n"),
    "no first key of an item": ("- a: 1\n  b: 2\n", Remove((0, "a")), "- b: 2\n"),
    "no item in brackets": ("[a, b, c]\n", Remove((1,)), "[a, c]\n"),
    "quotes": ("a: 010\n", Quote(("a",)), 'a: "010"\n'),
    "text": ("a: 1\nb: 2\n", Rewrite(Place(1, 4, 2, 2), "3\nc"), "a: 3\nc: 2\n"),
    "a windows line": ("a: 1\r\nb: 2\r\n", Assign(("c",), 3), "a: 1\r\nb: 2\r\nc: 3\r\n"),
}  # fmt: skip


def below_root(text: str) -> str:
    return "root:\n  " + text.replace("\n", "\n  ").rstrip(" ")


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_leaves(name: str) -> None:
    text, edit, after = EDITS[name]
    if text[0] in "-[":
        assert not isinstance(edit, Rewrite)
        below = replace(edit, path=("root", *edit.path))
        text, edit, after = below_root(text), below, below_root(after)
    document, _ = parse(text, "x")
    found = replacements(document, Fix("", (edit,)))
    assert found is not None
    assert applied(text, found) == after


#: What cannot be said as a change of this text.
IMPOSSIBLE: dict[str, tuple[str, Edit]] = {
    "what an alias brought": ("a: &x {b: 1}\nc: *x\n", Assign(("c", "b"), 2)),
    "the same item again": ("a: [&x b, *x]\n", Assign(("a", 1), 2)),
    "what was merged": ("a: &x {b: 1}\nc: {<<: *x, d: 1}\n", Rename(("c", "b"), "e")),
    "a key that is not there": ("a: 1\n", Rename(("b",), "c")),
    "everything": ("a: 1\n", Remove(())),
    "an item beyond a list": ("a: [1]\n", Assign(("a", 3), 2)),
    "a block of text": ("a: |\n  b\n", Quote(("a",))),
    "what a bare value stands for": ("a: 1\n", Assign(("a", "b"), 2)),
}


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_no_edit_is_made_of(name: str) -> None:
    text, edit = IMPOSSIBLE[name]
    assert replacements(parse(text, "x")[0], Fix("", (edit,))) is None


def test_edits_in_each_others_way_are_not_made() -> None:
    document, _ = parse("a: {b: 1}\n", "x")
    assert replacements(document, Fix("", (Remove(("a",)), Assign(("a", "b"), 2)))) is None


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)


@given(
    st.recursive(
        SCALARS,
        lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(), below, max_size=3),
        max_leaves=9,
    )
)
def test_what_is_written_is_read_again(value: object) -> None:
    document, findings = parse(f"a: {written(value)}\n", "x")
    assert document.data == {"a": value}
    assert findings == []
