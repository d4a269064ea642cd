"""Warnings are accepted with a reason, errors never, and a waiver that accepts nothing is told."""

from __future__ import annotations

import pytest

from tests.cases.front_end import base, told

UNREAD = "features: [standardize: tenure]\n"


def codes(change: str, settings: str = "") -> list[str]:
    return [finding.code for finding in told(base(change), settings)]


def test_a_warning_is_told_until_it_is_accepted() -> None:
    assert codes(UNREAD) == ["AM216"]
    assert codes(UNREAD + "waivers: [{code: AM216, reason: later}]") == []
    assert codes(UNREAD, "waivers: [{code: AM216, reason: our models are young}]") == []


@pytest.mark.parametrize(
    ("at", "left"),
    [
        ("data.columns.plan", []),
        ("data.columns", []),
        ("data", []),
        ("data.columns.charges", ["AM216", "AM257"]),
        ("data.columns.pla", ["AM216", "AM257"]),
    ],
)
def test_a_waiver_for_a_place_holds_there_and_below(at: str, left: list[str]) -> None:
    assert codes(f"{UNREAD}waivers: [{{code: AM216, at: {at}, reason: later}}]") == left


def test_an_error_cannot_be_accepted() -> None:
    change = "features: [standardize: tenur, one_hot: plan]\nwaivers: [{code: AM210, reason: so what}]"
    assert codes(change) == ["AM210", "AM257"]
    assert "is an error here" in told(base(change))[1].message


def test_a_waiver_of_the_settings_need_not_meet_a_warning_of_every_spec() -> None:
    assert codes("", "waivers: [{code: AM216, reason: our models are young}]") == []


def test_where_there_are_errors_no_waiver_is_called_idle() -> None:
    change = "features: [standardize: tenur, one_hot: plan]\nwaivers: [{code: AM216, reason: later}]"
    assert codes(change) == ["AM210"]


def test_what_scanners_find_is_accepted_too_and_never_called_idle() -> None:
    assert codes("waivers: [{code: CKV_K8S_11, at: serving, reason: limits stall}]") == []
    assert codes("waivers: [{code: kube-score/pod-probes, at: environments.dev, reason: why not}]") == []
    assert codes("waivers: [{code: CKV_K8S_11, at: features.1, reason: nothing}]") == ["AM100"]


def test_a_waiver_has_a_code_and_a_reason() -> None:
    assert codes("waivers: [{code: AM216}]") == ["AM101"]
    assert codes("waivers: [{code: AM216, reason: ''}]") == ["AM107"]
    assert codes("waivers: [{code: unused, reason: later}]") == ["AM100"]
