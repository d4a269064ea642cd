"""Budgets by the clock, and what a proxy's header says of a certificate."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimass_compiler.runtime.server.access.budget import DayQuota, RateBucket, budget_of
from aimass_compiler.runtime.server.access.client_certificate import spiffe_id

DAY = 86_400


@given(st.lists(st.floats(0, 5), max_size=60))
def test_no_more_pass_than_the_burst_and_what_time_brought(pauses: list[float]) -> None:
    bucket, now, passed = RateBucket("requests", 2, 1, 5), 0.0, 0
    for pause in pauses:
        now += pause
        if not bucket.wait(now, 0):
            bucket.spend(1, now, 0)
            passed += 1
    assert passed <= 5 + 2 * now + 1e-6


@given(st.integers(1, 50), st.floats(0.01, 100))
def test_who_waits_as_long_as_told_may_ask(spent: int, pace: float) -> None:
    bucket = RateBucket("tokens", pace, 1, 10)
    bucket.spend(10 + spent, 1, 0)
    wait = bucket.wait(1, 0)
    assert wait > 0
    assert bucket.wait(1 + wait + 1e-6, 0) < 1e-6


def test_a_quota_begins_again_at_midnight() -> None:
    quota = DayQuota("requests", 3)
    quota.spend(3, 0, DAY - 10)
    assert quota.wait(0, DAY - 10) == 10
    assert quota.left(0, DAY - 10) == b'"requests-day";r=0;t=10'
    assert quota.wait(0, DAY) == 0
    assert quota.left(0, DAY) == b'"requests-day";r=3;t=86400'


def test_servers_share_what_a_caller_may_ask_and_none_gives_nothing() -> None:
    shared = budget_of({"unit": "requests", "count": 30, "seconds": 1, "burst": 10}, 3)
    shared.spend(10, 0, 0)
    assert shared.wait(0, 0) == pytest.approx(0.1)
    assert budget_of({"unit": "rows", "count": 10}, 3).left(0, 0) == b'"rows-day";r=4;t=86400'
    with pytest.raises(ValueError, match="is none"):
        budget_of({"unit": "requests", "count": 0}, 1)


@pytest.mark.parametrize(
    ("header", "identity"),
    [
        (b"By=spiffe://a/b;Hash=ff;URI=spiffe://example.com/x", "spiffe://example.com/x"),
        (
            b'Hash=ff;Subject="CN=x,O=\\"URI=spiffe://example.com/y\\"";URI=spiffe://example.com/x',
            "spiffe://example.com/x",
        ),
        (b"URI=spiffe://example.com/x,Hash=ff;URI=spiffe://example.com/y", "spiffe://example.com/y"),
        (b"URI=spiffe://example.com/x, Hash=ff", None),
        (b"URI=spiffe://example.com/x;URI=spiffe://example.com/y", None),
        (b'URI="spiffe://example.com/x', None),
        (b"URI=spiffe://example.com/x,", None),
        (b"", None),
        (b"nonsense", None),
    ],
)
def test_only_the_last_proxy_says_whose_certificate_it_was(header: bytes, identity: str | None) -> None:
    assert spiffe_id({b"x-forwarded-client-cert": header}) == identity


@given(st.binary(max_size=80))
def test_any_other_header_says_nothing_and_breaks_nothing(header: bytes) -> None:
    found = spiffe_id({b"x-forwarded-client-cert": header})
    assert found is None or b"uri=" in header.lower()
