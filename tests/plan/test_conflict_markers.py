"""What git leaves where it could not merge: markers, the two sides, and what of dvc.lock stays."""

from __future__ import annotations

import pytest

from aimass_compiler.conflict_markers import first_marker, is_conflicted, sides, without_stages_in_conflict
from aimass_compiler.plan.inventory import Inventory, from_bytes

DIFF3 = b"a\n<<<<<<< HEAD\nours\n||||||| 1234567\nbase\n=======\ntheirs\n>>>>>>> other\nz\n"


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
def test_the_sides_of_a_conflict(line_end: bytes) -> None:
    ours, theirs = sides(DIFF3.replace(b"\n", line_end))
    assert (ours.split(), theirs.split()) == ([b"a", b"ours", b"z"], [b"a", b"theirs", b"z"])


@pytest.mark.parametrize(
    "content", [DIFF3, b"<<<<<<< HEAD\nschema: 1\n", b"a\r\n>>>>>>> b\r\n", b"<<<<<<<\n"]
)
def test_markers_are_found_even_one_alone(content: bytes) -> None:
    assert is_conflicted(content)
    assert first_marker(content.decode())


@pytest.mark.parametrize(
    "content", [b"Title\n=======\ntext\n", b"  <<<<<<< HEAD\n", b"a <<<<<<< b\n", b"<<<<<<<< eight\n", b""]
)
def test_what_is_no_marker(content: bytes) -> None:
    assert not is_conflicted(content)
    assert first_marker(content.decode()) is None


def test_a_place_counts_characters() -> None:
    assert first_marker("é: ü\n<<<<<<< HEAD\n") == (5, 17)


LOCK = b"""\
schema: '2.0'
stages:
  prepare:
    cmd: aimass-runtime prepare t
  train:
    cmd: aimass-runtime train t
    params:
      l2: 3
    outs:
<<<<<<< HEAD
    - md5: aaa
=======
    - md5: bbb
>>>>>>> a
  package:
    cmd: aimass-runtime package t
"""


def test_a_stage_that_both_sides_changed_is_taken_out_of_a_lock() -> None:
    rest, stages = without_stages_in_conflict(LOCK)
    assert stages == ("train",)
    assert rest.decode().splitlines() == [
        "schema: '2.0'",
        "stages:",
        "  prepare:",
        "    cmd: aimass-runtime prepare t",
        "  package:",
        "    cmd: aimass-runtime package t",
    ]


def test_a_conflict_across_stages_takes_all_of_them_out() -> None:
    torn = LOCK.replace(b"=======\n", b"  evaluate:\n    cmd: e\n=======\n")
    rest, stages = without_stages_in_conflict(torn)
    assert set(stages) == {"train", "evaluate"}
    assert b"md5" not in rest
    assert b"package" in rest


@pytest.mark.parametrize("lock", [b"<<<<<<< HEAD\n" + LOCK, b"<<<<<<< a\nschema: 1\n=======\n>>>>>>> b\n"])
def test_nothing_is_left_of_a_lock_that_is_all_conflict(lock: bytes) -> None:
    assert without_stages_in_conflict(lock)[0] == b""


def test_both_sides_of_an_inventory_count() -> None:
    inventory = (
        b'{"files": {\n<<<<<<< HEAD\n "a": "1",\n "b": "2",\n=======\n "a": "3",\n>>>>>>> x\n "c": "4"},\n'
        b' "format": "aimass.inventory/v1"}\n'
    )
    found = from_bytes("churn", inventory)
    assert found == Inventory({"a": "1", "b": "2", "c": "4"}, {"a": "3", "c": "4"}, is_merged=True)
    assert found.wrote("a", b"what git merged of both")
    assert not found.wrote("b", b"an edit of somebody")
    assert not found.wrote("c", b"an edit of somebody")
