"""Whatever is sent, the server answers with what was wrong about it, never with a failure of its own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.packages import CHURN_EXAMPLE
from tests.examples import at_most

if TYPE_CHECKING:
    from server.serving import Server

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
NAMES = st.sampled_from([*CHURN_EXAMPLE, "customer_id", "numbers", "strings"]) | st.text()
ROWS = st.dictionaries(NAMES, VALUES, max_size=5) | st.fixed_dictionaries(
    {name: st.just(value) | VALUES for name, value in CHURN_EXAMPLE.items()}
)
TENSORS = st.fixed_dictionaries(
    {},
    optional={
        "name": NAMES | VALUES,
        "datatype": st.sampled_from(["FP64", "FP32", "INT64", "UINT8", "BYTES", "BOOL"]) | VALUES,
        "shape": st.lists(st.integers(-1, 3), max_size=3) | VALUES,
        "data": st.lists(VALUES, max_size=4) | VALUES,
        "parameters": st.dictionaries(st.just("binary_data_size"), st.integers(-1, 40)) | VALUES,
    },
)
REQUESTS = st.fixed_dictionaries(
    {"inputs": st.lists(TENSORS, max_size=4) | VALUES},
    optional={
        "id": VALUES,
        "outputs": st.lists(st.dictionaries(st.sampled_from(["name", "parameters"]), VALUES)) | VALUES,
        "parameters": VALUES,
    },
)
STATUSES = {200, 400, 422}
#: The server is one for all examples: none of them may change it.
quickly = settings(at_most(120), suppress_health_check=[HealthCheck.function_scoped_fixture])


def as_json(value: Any) -> bytes:
    return json.dumps(value).encode("utf-8", errors="surrogatepass")


@quickly
@given(body=st.binary(max_size=60) | VALUES.map(as_json) | ROWS.map(as_json))
def test_any_body_of_predict_is_answered(churn: Server, body: bytes) -> None:
    assert churn.ask("POST", "/predict", body).status in STATUSES


@quickly
@given(rows=st.lists(ROWS, min_size=1, max_size=3))
def test_any_rows_are_answered_all_or_none(churn: Server, rows: list[dict[str, Any]]) -> None:
    reply = churn.predict(*rows)
    assert reply.status in STATUSES
    if reply.status == 200:
        assert len(reply.json["predictions"]) == len(rows)
    else:
        assert reply.json["error"]


@quickly
@given(picture=VALUES | st.lists(st.lists(st.lists(st.floats(), max_size=3), max_size=3), max_size=2))
def test_any_picture_is_answered(digits: Server, picture: Any) -> None:
    assert digits.predict({"picture": picture}).status in STATUSES


@quickly
@given(request=REQUESTS, tail=st.binary(max_size=40), length=st.none() | st.integers(-3, 3))
def test_any_tensors_are_answered(churn: Server, request: Any, tail: bytes, length: int | None) -> None:
    head = as_json(request)
    headers = {} if length is None else {"Inference-Header-Content-Length": str(len(head) + length)}
    reply = churn.ask("POST", "/v2/models/churn/infer", head + (b"" if length is None else tail), headers)
    assert reply.status in STATUSES


def test_the_server_answers_rightly_after_all_of_this(churn: Server) -> None:
    assert churn.predict(CHURN_EXAMPLE).status == 200
