"""One server asked by the protocol's own clients; run by the Python that has them, with the server's address.

Every row is asked in every datatype that a client has for it; what differs from double precision is printed.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import numpy
import pandas
import tritonclient.http as triton
from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig

MODEL = "churn"
ROWS = pandas.DataFrame(
    {
        "tenure": [3.5, 0.7, 119.99, 12.0, 71.283, 0.0],
        "age": [40.0, 16.1, 33.3, 64.0, 99.9, 120.0],
        "plan": ["basic", "pro", "plus", "basic", "pro", "plus"],
        "note": ["hello", "größer", "日本", "", "x" * 300, "a\nb"],
    }
)
WHOLE = pandas.DataFrame({**ROWS, "tenure": [3, 0, 119, 12, 71, 0], "age": [40, 16, 33, 64, 99, 120]})
NUMPY = {
    "FP64": "float64", "FP32": "float32", "INT64": "int64", "INT32": "int32", "INT16": "int16",
    "INT8": "int8",
    "UINT64": "uint64", "UINT32": "uint32", "UINT16": "uint16", "UINT8": "uint8",
}  # fmt: skip


def values_of(rows: pandas.DataFrame, name: str, datatype: str) -> tuple[Any, str]:
    if name in ("plan", "note"):
        return rows[name].to_numpy(dtype=object)[:, None], "BYTES"
    return rows[name].to_numpy(dtype=NUMPY[datatype])[:, None], datatype


def by_triton(address: str, rows: pandas.DataFrame, datatype: str, *, binary: bool) -> Any:
    client = triton.InferenceServerClient(address)
    inputs = []
    for name in rows:
        values, kind = values_of(rows, name, datatype)
        inputs.append(triton.InferInput(name, list(values.shape), kind))
        inputs[-1].set_data_from_numpy(values, binary_data=binary)
    outputs = [triton.InferRequestedOutput(name, binary_data=binary) for name in ("probabilities", "label")]
    answer = client.infer(MODEL, inputs, outputs=outputs, request_id="mine")
    assert answer.get_response()["id"] == "mine"
    labels = [label.decode() if isinstance(label, bytes) else label for label in answer.as_numpy("label")]
    shares = answer.as_numpy("probabilities")
    assert labels == [("no", "yes")[place] for place in shares.argmax(axis=1)]
    return shares


def by_kserve(address: str, rows: pandas.DataFrame, datatype: str, *, binary: bool) -> Any:
    async def ask() -> Any:
        client = InferenceRESTClient(RESTConfig(protocol="v2"))
        inputs = []
        for name in rows:
            values, kind = values_of(rows, name, datatype)
            inputs.append(InferInput(name, list(values.shape), kind))
            inputs[-1].set_data_from_numpy(values, binary_data=binary)
        assert await client.is_server_ready(f"http://{address}")
        assert await client.is_server_live(f"http://{address}")
        assert await client.is_model_ready(f"http://{address}", MODEL)
        request = InferRequest(MODEL, inputs, request_id="mine")
        answer = await client.infer(f"http://{address}", request, model_name=MODEL)
        assert answer.id == "mine"
        (shares,) = [output for output in answer.outputs if output.name == "probabilities"]
        return shares.as_numpy().reshape(-1, 2)

    return asyncio.run(ask())


def by_frame(address: str) -> None:
    """A data frame with gaps, as kserve's users send it."""

    async def ask() -> Any:
        client = InferenceRESTClient(RESTConfig(protocol="v2"))
        gaps = ROWS.assign(tenure=[None, *ROWS["tenure"][1:]], note=[None, *ROWS["note"][1:]])
        inputs = [
            InferInput(name, [len(gaps), 1], values_of(ROWS, name, "FP64")[1], data=column.tolist())
            for name, column in gaps.where(gaps.notna(), None).items()
        ]
        answer = await client.infer(f"http://{address}", InferRequest(MODEL, inputs), model_name=MODEL)
        return answer.outputs[0].as_numpy().reshape(-1, 2)

    found = asyncio.run(ask())
    assert found.shape == (len(ROWS), 2)


def metadata(address: str) -> None:
    client = triton.InferenceServerClient(address)
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready(MODEL)
    described = client.get_model_metadata(MODEL)
    assert [column["name"] for column in described["inputs"]] == ["tenure", "age", "plan", "note"]
    assert client.is_model_ready(MODEL, described["versions"][0])
    assert not client.is_model_ready(MODEL, "other")
    assert "binary_tensor_data" in client.get_server_metadata()["extensions"]


def refused(address: str) -> None:
    """What would change the meaning is refused and not ignored."""
    client = triton.InferenceServerClient(address)
    values = numpy.array([[40.0]])
    age = triton.InferInput("age", [1, 1], "FP64")
    age.set_data_from_numpy(values)
    classes = triton.InferRequestedOutput("probabilities", class_count=2)
    assert "classification" in refusal(client, [age], [classes])
    flag = triton.InferInput("age", [1, 1], "BOOL")
    flag.set_data_from_numpy(values > 0)
    assert "must have the datatype FP64" in refusal(client, [flag])


def refusal(client: Any, inputs: list[Any], outputs: list[Any] | None = None) -> str:
    try:
        client.infer(MODEL, inputs, outputs=outputs)
    except triton.InferenceServerException as error:
        return str(error)
    return "it was answered"


def main(address: str) -> None:
    metadata(address)
    refused(address)
    by_frame(address)
    for ask in (by_triton, by_kserve):
        for binary in (True, False):
            exact = ask(address, ROWS, "FP64", binary=binary)
            whole = ask(address, WHOLE, "FP64", binary=binary)
            for datatype in NUMPY:
                is_float = datatype.startswith("FP")
                found = ask(address, ROWS if is_float else WHOLE, datatype, binary=binary)
                wanted = exact if is_float else whole
                apart = float(numpy.abs(found - wanted).max())
                print(f"{ask.__name__} {'binary' if binary else 'JSON'} {datatype}: {apart:g} apart")
                assert apart <= 1e-7


if __name__ == "__main__":
    main(sys.argv[1])
