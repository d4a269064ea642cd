"""One server asked over gRPC by one of the protocol's own clients; run by the Python that has them.

Arguments are the client, the server's address over HTTP, and that over gRPC. Each client has its own
generated messages of the same names, so that a process can load only one of them.
"""

from __future__ import annotations

import asyncio
import json
import sys
import urllib.request
from typing import Any

import numpy

MODEL = "churn"
COLUMNS: dict[str, list[Any]] = {
    "tenure": [3, 0, 119, 12, 71, 0],
    "age": [40, 16, 33, 64, 99, 120],
    "plan": ["basic", "pro", "plus", "basic", "pro", "plus"],
    "note": ["hello", "größer", "日本", "", "x" * 300, "a\nb"],
}
NUMPY = {
    "FP64": "float64", "FP32": "float32", "FP16": "float16", "INT64": "int64", "INT32": "int32",
    "INT16": "int16", "INT8": "int8", "UINT64": "uint64", "UINT32": "uint32", "UINT16": "uint16",
    "UINT8": "uint8",
}  # fmt: skip


def values_of(name: str, datatype: str) -> tuple[Any, str]:
    if name in ("plan", "note"):
        return numpy.array(COLUMNS[name], dtype=object)[:, None], "BYTES"
    return numpy.array(COLUMNS[name], dtype=NUMPY[datatype])[:, None], datatype


def over_http(address: str) -> Any:
    """The probabilities that /predict answers."""
    rows = [dict(zip(COLUMNS, row, strict=True)) for row in zip(*COLUMNS.values(), strict=True)]
    body = json.dumps({"rows": rows}).encode()
    request = urllib.request.Request(f"http://{address}/predict", body)  # a server of the tests
    with urllib.request.urlopen(request) as answer:  # noqa: S310  # a server of the tests
        found = json.load(answer)["predictions"]
    return numpy.array([[each["probabilities"][label] for label in ("no", "yes")] for each in found])


def by_triton(address: str, datatype: str) -> Any:
    import tritonclient.grpc as triton

    client = triton.InferenceServerClient(address)
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready(MODEL)
    described = client.get_model_metadata(MODEL)
    assert [column.name for column in described.inputs] == list(COLUMNS)
    assert list(client.get_server_metadata().extensions) == ["binary_tensor_data"]
    inputs = []
    for name in COLUMNS:
        values, kind = values_of(name, datatype)
        inputs.append(triton.InferInput(name, list(values.shape), kind))
        inputs[-1].set_data_from_numpy(values)
    outputs = [triton.InferRequestedOutput(name) for name in ("probabilities", "label")]
    answer = client.infer(MODEL, inputs, outputs=outputs, request_id="mine", client_timeout=20)
    assert answer.get_response().id == "mine"
    shares = answer.as_numpy("probabilities")
    labels = [label.decode() for label in answer.as_numpy("label")]
    assert labels == [("no", "yes")[place] for place in shares.argmax(axis=1)]
    assert refusal(client, inputs[:1]) == (
        "StatusCode.INVALID_ARGUMENT", "the input `age` is missing, and the model needs it",
    )  # fmt: skip
    return shares


def refusal(client: Any, inputs: list[Any]) -> tuple[str, str]:
    import tritonclient.grpc as triton

    try:
        client.infer(MODEL, inputs)
    except triton.InferenceServerException as error:
        return error.status(), error.message()
    return "", "it was answered"


def by_kserve(address: str, datatype: str, *, raw: bool) -> Any:
    from kserve import InferenceGRPCClient, InferInput, InferRequest

    async def ask() -> Any:
        async with InferenceGRPCClient(address) as client:
            assert await client.is_server_live()
            assert await client.is_server_ready()
            assert await client.is_model_ready(MODEL)
            inputs = []
            for name in COLUMNS:
                values, kind = values_of(name, datatype)
                inputs.append(InferInput(name, list(values.shape), kind))
                inputs[-1].set_data_from_numpy(values, binary_data=raw)
            request = InferRequest(MODEL, inputs, request_id="mine")
            answer = await client.infer(request, timeout=20)
            assert answer.id == "mine"
            (shares,) = [output for output in answer.outputs if output.name == "probabilities"]
            return shares.as_numpy().reshape(-1, 2)

    return asyncio.run(ask())


def main(client: str, http: str, address: str) -> None:
    wanted = over_http(http)
    for datatype in NUMPY:
        if client == "triton":
            answers = [by_triton(address, datatype)]
        else:  # half precision has no list
            answers = [
                by_kserve(address, datatype, raw=raw) for raw in (True, False) if raw or datatype != "FP16"
            ]
        for found in answers:
            apart = float(numpy.abs(found - wanted).max())
            print(f"{client} {datatype}: {apart:g} apart")
            assert apart <= 1e-7


if __name__ == "__main__":
    main(*sys.argv[1:])
