"""Differences of objects by field, and who manages them, without a cluster."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimass_compiler import conventions
from aimass_compiler.kubernetes.object_diff import NOTHING, SECRET, additions, changes, shown
from tests.examples import at_most

US, ANNA = conventions.MANAGER, "anna"


def managed_by(name: str, fields: dict[str, Any], operation: str = "Update", **more: str) -> dict[str, Any]:
    entry = {"manager": name, "operation": operation, "time": "2026-11-26T14:57:40Z", "fieldsV1": fields}
    return entry | more


def an_object(*managers: dict[str, Any], kind: str = "ConfigMap", **parts: Any) -> dict[str, Any]:
    return {"kind": kind, "metadata": {"name": "a", "managedFields": list(managers)}, **parts}


def told(live: dict[str, Any], wanted: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    return {shown(change.path): (change.live, change.wanted) for change in changes(live, wanted)}


PORTS = {"f:ports": {'k:{"port":80,"protocol":"TCP"}': {".": {}, "f:port": {}}}, "f:words": {'v:"a"': {}}}
LISTS = managed_by(US, {"f:spec": PORTS}, "Apply")


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (
            {"ports": [{"port": 80, "protocol": "TCP", "name": "x"}]},
            {"ports": [{"port": 80, "protocol": "TCP", "name": "y"}]},
            {"spec.ports[port=80,protocol=TCP].name": ("x", "y")},
        ),
        (
            {"ports": [{"port": 80, "protocol": "TCP"}, {"port": 81, "protocol": "TCP"}]},
            {"ports": [{"port": 81, "protocol": "TCP"}, {"port": 80, "protocol": "TCP"}]},
            {},
        ),
        ({"words": ["a", "b"]}, {"words": ["b"]}, {"spec.words[a]": ("a", NOTHING)}),
        ({"free": [{"x": 1}]}, {"free": [{"x": 2}]}, {"spec.free[0].x": (1, 2)}),
        ({"free": [1]}, {"free": [1, 2]}, {"spec.free": ([1], [1, 2])}),
        ({"a": None}, {}, {"spec.a": (None, NOTHING)}),
        ({"a": {"b.c/d": "x"}}, {"a": {"b.c/d": "y"}}, {"spec.a[b.c/d]": ("x", "y")}),
    ],
)
def test_lists_are_compared_as_the_server_merges_them(
    before: dict[str, Any], after: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert told(an_object(LISTS, spec=before), an_object(LISTS, spec=after)) == expected


def test_what_the_server_keeps_for_itself_is_no_difference() -> None:
    live = an_object(status={"replicas": 1})
    wanted = an_object(status={"replicas": 2})
    live["metadata"] |= {"resourceVersion": "1", "generation": 1, "uid": "a"}
    wanted["metadata"] |= {"resourceVersion": "2", "generation": 2, "uid": "b"}
    assert told(live, wanted) == {}


def test_a_field_is_told_with_those_who_manage_it_or_what_it_is_part_of() -> None:
    live = an_object(
        managed_by(US, {"f:spec": {"f:a": {}, "f:c": {}}}, "Apply"),
        managed_by(ANNA, {"f:spec": {"f:b": {}}}),
        spec={"a": 1, "b": {"deep": [1]}, "c": 1},
    )
    found = changes(live, an_object(spec={"a": 2, "b": {"deep": [2]}, "c": 1}))
    assert [(shown(each.path), [manager.name for manager in each.managers]) for each in found] == [
        ("spec.a", [US]),
        ("spec.b.deep[0]", [ANNA]),
    ]
    assert [[manager.name for manager in each.others] for each in found] == [[], [ANNA]]


def test_secrets_are_marked_where_they_are_compared() -> None:
    copy = {"kubectl.kubernetes.io/last-applied-configuration": "hunter2"}
    live = an_object(kind="Secret", data={"a": "hunter2", "b": "same"})
    wanted = an_object(kind="Secret", data={"a": "hunter3", "b": "same", "c": "hunter4"})
    assert told(live, wanted) == {"data.a": (SECRET, SECRET), "data.c": (NOTHING, SECRET)}
    live["metadata"]["annotations"] = copy
    assert "hunter" not in str(told(live, an_object(kind="Secret")))
    wanted["metadata"]["annotations"] = {next(iter(copy)): "hunter5"}
    assert "hunter" not in str(told(live, wanted))


def test_what_others_put_beside_ours_is_told_once_and_not_what_goes_through_a_subresource() -> None:
    ours = managed_by(US, {"f:spec": {"f:a": {}}}, "Apply")
    theirs = {
        "f:spec": {"f:a": {}, "f:b": {"f:c": {}, "f:d": {}}},
        "f:metadata": {"f:labels": {"f:example.com/x": {}}},
    }
    live = an_object(
        ours, managed_by(ANNA, theirs), managed_by("kcm", {"f:status": {}}, subresource="status")
    )
    found = additions(live, an_object(ours))
    assert [(shown(each.path), each.manager.name) for each in found] == [
        ("metadata.labels[example.com/x]", ANNA),
        ("spec.b", ANNA),
    ]


_SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(before=_VALUES, after=_VALUES)
@at_most(200)
def test_there_are_changes_exactly_where_values_differ(before: Any, after: Any) -> None:
    found = told(an_object(spec=before), an_object(spec=after))
    assert (found == {}) == (before == after)
    assert all(path.startswith("spec") for path in found)
