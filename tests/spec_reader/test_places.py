"""Every path leads to the place where somebody wrote it, or nearly did."""

from __future__ import annotations

import pytest

from aimass_compiler.diagnostics import Path, Place
from aimass_compiler.spec.yaml.reader import parse

SPEC = """\
metadata:
  name: "churn"   # a comment
features:
  - standardize: [tenure, charges]
  - impute: {columns: [tenure], with: median}
  - one_hot: plan
note: |
  two
  lines

empty:
defaults: &defaults {cpu: 1}
serving: *defaults
"""

PLACES: dict[str, tuple[Path, bool, Place]] = {
    "everything": ((), False, Place(1, 1, 13, 19)),
    "a key": (("metadata",), True, Place(1, 1, 1, 9)),
    "a mapping": (("metadata",), False, Place(2, 3, 2, 16)),
    "a quoted value": (("metadata", "name"), False, Place(2, 9, 2, 16)),
    "a nested key": (("metadata", "name"), True, Place(2, 3, 2, 7)),
    "an item of a list": (("features", 0, "standardize", 1), False, Place(4, 27, 4, 34)),
    "a list between brackets": (("features", 0, "standardize"), False, Place(4, 18, 4, 35)),
    "a mapping between braces": (("features", 1, "impute"), False, Place(5, 13, 5, 46)),
    "below a scalar that is a short form": (
        ("features", 2, "one_hot", "columns", 0),
        False,
        Place(6, 14, 6, 18),
    ),
    "below a list that is a short form": (
        ("features", 0, "standardize", "columns", 1),
        False,
        Place(4, 27, 4, 34),
    ),
    "a key below a short form": (("features", 2, "one_hot", "columns"), True, Place(6, 5, 6, 12)),
    "a missing key": (("metadata", "owner"), False, Place(2, 3, 2, 16)),
    "an item beyond the end": (("features", 9), False, Place(4, 3, 6, 18)),
    "a block of text": (("note",), False, Place(7, 7, 9, 8)),
    "no value": (("empty",), False, Place(11, 7, 11, 7)),
    "through an alias": (("serving", "cpu"), False, Place(12, 27, 12, 28)),
}


@pytest.mark.parametrize("name", PLACES)
def test_the_place_of(name: str) -> None:
    path, at_key, place = PLACES[name]
    assert parse(SPEC, "a.yaml")[0].place_of(path, at_key=at_key) == place


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_line_ends_and_marks_move_nothing(ending: str, mark: str) -> None:
    document, findings = parse((mark + SPEC.replace("\n", ending)).encode(), "a.yaml")
    assert findings == []
    for path, at_key, place in PLACES.values():
        assert document.place_of(path, at_key=at_key) == place
    assert document.lines == tuple(SPEC.split("\n"))


def test_columns_count_characters() -> None:
    document, _ = parse("名前: {é: 1, 😀: 2}\n", "a.yaml")
    assert document.place_of(("名前", "😀"), at_key=True) == Place(1, 12, 1, 13)


def test_nothing_read_is_at_the_start() -> None:
    assert parse("", "a.yaml")[0].place_of(("a",)) == Place(1, 1, 1, 1)
