"""A request's trace is taken up, logged and told again; what is no trace is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from server.packages import CHURN_EXAMPLE

if TYPE_CHECKING:
    from server.serving import Server

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def logged(server: Server, name: str) -> dict[str, object]:
    (line,) = [event for event in server.events() if event.get("id") == name]
    return {key: line[key] for key in ("trace_id", "parent_id") if key in line}


@pytest.mark.parametrize("change", [{}, {"age": 7}], ids=["answered", "refused"])
def test_a_trace_is_logged_and_told(churn: Server, change: dict[str, int]) -> None:
    name, told = f"traced-{len(change)}", f"00-{TRACE}-{PARENT}-01"
    headers = {"traceparent": told, "x-request-id": name}
    reply = churn.ask("POST", "/predict", {**CHURN_EXAMPLE, **change}, headers)
    assert reply.status == (422 if change else 200)
    assert reply.headers["traceparent"] == told
    assert logged(churn, name) == {"trace_id": TRACE, "parent_id": PARENT}


@pytest.mark.parametrize(
    "told",
    [
        "", "x", f"ff-{TRACE}-{PARENT}-01", f"00-{'0' * 32}-{PARENT}-01", f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{PARENT}-01", f"00-{TRACE}-{PARENT}-01-more", "00-" * 9_000,
    ],
    ids=range(8),
)  # fmt: skip
def test_what_is_no_trace_is_none(churn: Server, told: str, request: pytest.FixtureRequest) -> None:
    name = f"none-{request.node.callspec.id}"
    reply = churn.ask("POST", "/predict", CHURN_EXAMPLE, {"traceparent": told, "x-request-id": name})
    assert reply.status == 200
    assert "traceparent" not in reply.headers
    assert logged(churn, name) == {}
