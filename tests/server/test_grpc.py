"""gRPC of the Open Inference Protocol: the same answers, refusals and counts as over HTTP."""

from __future__ import annotations

import struct
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import grpc
import pytest

from aimass_compiler.runtime.server.grpc_messages import HEALTH, INFERENCE, REFLECTIONS, Messages, Protocol
from server import packages
from server.packages import CHURN_EXAMPLE
from server.serving import HOST, Server, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MESSAGES = Messages()
CODE = grpc.StatusCode


def listed(name: str, datatype: str, *values: Any) -> dict[str, Any]:
    part = {"FP64": "fp64_contents", "INT64": "int64_contents", "BYTES": "bytes_contents"}[datatype]
    return {"name": name, "datatype": datatype, "shape": [len(values), 1], "contents": {part: values}}


EXAMPLE = [
    listed("tenure", "FP64", 3.0),
    listed("age", "INT64", 40),
    listed("plan", "BYTES", b"basic"),
    listed("note", "BYTES", b"hello"),
]
RAW = [struct.pack("<d", 3.0), struct.pack("<q", 40), b"\5\0\0\0basic", b"\5\0\0\0hello"]


class Caller:
    """Calls procedures with messages made of their fields."""

    def __init__(self, port: int) -> None:
        self.channel = grpc.insecure_channel(f"{HOST}:{port}")
        self.trailers: dict[str, str] = {}

    def ask(self, procedure: str, protocol: Protocol = INFERENCE, seconds: float = 20, **fields: Any) -> Any:
        metadata = fields.pop("metadata", ())
        (method,) = [each for each in protocol.methods if each.name == procedure]
        call = self.channel.unary_unary(
            f"/{protocol.full_name}/{procedure}",
            lambda message: message.SerializeToString(),
            MESSAGES.of(protocol, method.gives).FromString,
        )
        message = MESSAGES.of(protocol, method.takes)(**fields)
        answer, done = call.with_call(message, timeout=seconds, metadata=metadata)
        self.trailers = dict(done.trailing_metadata())
        return answer

    def refusal(self, procedure: str, **fields: Any) -> tuple[grpc.StatusCode, str]:
        with pytest.raises(grpc.RpcError) as refused:
            self.ask(procedure, **fields)
        error: Any = refused.value
        return error.code(), error.details()


def grpc_port(server: Server) -> int:
    (ready,) = [event for event in server.events() if event["event"] == "ready"]
    return int(ready["grpc_port"])


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(packages.churn(tmp_path_factory.mktemp("grpc") / "churn"), "--grpc-port=0") as server:
        yield server


@pytest.fixture(scope="module")
def caller(served: Server) -> Caller:
    return Caller(grpc_port(served))


def test_it_says_the_same_of_itself(served: Server, caller: Caller) -> None:
    assert caller.ask("ServerLive").live
    assert caller.ask("ServerReady").ready
    assert caller.ask("ModelReady", name="churn").ready
    told, over_http = caller.ask("ModelMetadata", name="churn"), served.get("/v2/models/churn").json
    assert [(each.name, each.datatype, list(each.shape)) for each in told.inputs] == [
        (each["name"], each["datatype"], each["shape"]) for each in over_http["inputs"]
    ]
    assert list(told.versions) == over_http["versions"]
    assert caller.ask("ModelReady", name="churn", version=told.versions[0]).ready
    assert list(caller.ask("ServerMetadata").extensions) == ["binary_tensor_data"]


@pytest.mark.parametrize("is_raw", [True, False], ids=["raw", "listed"])
def test_it_answers_as_http_does(served: Server, caller: Caller, *, is_raw: bool) -> None:
    inputs = [{**each, "contents": None} for each in EXAMPLE] if is_raw else EXAMPLE
    asked = {"model_name": "churn", "id": "mine", "inputs": inputs, "raw_input_contents": RAW * is_raw}
    answer = caller.ask("ModelInfer", **asked, metadata=(("x-request-id", f"raw-{is_raw}"),))
    (wanted,) = served.predict(CHURN_EXAMPLE).json["predictions"]
    shares, label = answer.outputs
    assert (answer.model_name, answer.id, list(shares.shape)) == ("churn", "mine", [1, 2])
    if is_raw:
        found, given = struct.unpack("<2f", answer.raw_output_contents[0]), answer.raw_output_contents[1][4:]
    else:
        found, given = tuple(shares.contents.fp32_contents), label.contents.bytes_contents[0]
    assert found == pytest.approx(tuple(wanted["probabilities"].values()), abs=1e-7)
    assert given.decode() == wanted["label"]
    assert caller.trailers["x-request-id"] == f"raw-{is_raw}"
    (line,) = [event for event in served.events() if event.get("id") == f"raw-{is_raw}"]
    assert (line["path"], line["code"], line["rows"]) == ("/v2/models/churn/ModelInfer", 200, 1)


@pytest.mark.parametrize(
    ("change", "code", "told"),
    [
        ({"model_name": "other"}, CODE.NOT_FOUND, "no model `other` is served here"),
        ({"model_version": "x"}, CODE.NOT_FOUND, "no model `churn` is served here in the version `x`"),
        ({"inputs": EXAMPLE[:1]}, CODE.INVALID_ARGUMENT, "the input `age` is missing"),
        ({"inputs": []}, CODE.INVALID_ARGUMENT, "at least one tensor"),
        ({"raw_input_contents": RAW[:2]}, CODE.INVALID_ARGUMENT, "has 2 parts for 4 inputs"),
        ({"raw_input_contents": RAW}, CODE.INVALID_ARGUMENT, "`tenure` has both `contents` and"),
        (
            {"inputs": [*EXAMPLE[:3], listed("note", "BYTES", b"\xff")]},
            CODE.INVALID_ARGUMENT, "`note` is not UTF-8",
        ),
        (
            {"inputs": [{**EXAMPLE[1], "datatype": "FP16"}]},
            CODE.INVALID_ARGUMENT, "FP16, must be in `raw_input_contents`",
        ),
        (
            {"inputs": [{**EXAMPLE[1], "datatype": "FP64"}]},
            CODE.INVALID_ARGUMENT, "FP64, must be in `fp64_contents`, not in `int64_contents`",
        ),
        (
            {"inputs": [*EXAMPLE[:2], listed("plan", "BYTES", b"pr")]},
            CODE.INVALID_ARGUMENT, "row 0: `plan`",
        ),
        ({"outputs": [{"name": "probabilty"}]}, CODE.INVALID_ARGUMENT, "there is no output"),
        (
            {"outputs": [{"name": "label", "parameters": {"classification": {"int64_param": 2}}}]},
            CODE.INVALID_ARGUMENT, "`classification` of `label` is not supported",
        ),
        (
            {"inputs": [*EXAMPLE[:3], listed("note", "BYTES", b"x" * (1 << 20))]},
            CODE.RESOURCE_EXHAUSTED, "larger than 1048576 bytes",
        ),
        (
            {"inputs": [*EXAMPLE[:3], listed("note", "BYTES", b"x" * (2 << 20))]},
            CODE.RESOURCE_EXHAUSTED, "larger than max",
        ),
    ],
    ids=range(14),
)  # fmt: skip
def test_what_is_refused_over_http_is_refused(
    caller: Caller, change: dict[str, Any], code: grpc.StatusCode, told: str
) -> None:
    found, message = caller.refusal("ModelInfer", **{"model_name": "churn", "inputs": EXAMPLE, **change})
    assert found is code
    assert told in message


def test_a_message_that_is_none_is_refused(caller: Caller) -> None:
    call = caller.channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")
    with pytest.raises(grpc.RpcError) as refused:
        call(b"\xff\xff", timeout=20)
    error: Any = refused.value
    assert (error.code(), error.details()) == (
        CODE.INVALID_ARGUMENT, "the message is no ModelInferRequest",
    )  # fmt: skip


def test_requests_are_counted_by_the_codes_of_http(served: Server, caller: Caller) -> None:
    before = served.metric("aimass_requests_total", code="200"), served.metric("aimass_rejected_total")
    with ThreadPoolExecutor(8) as threads:
        asked = [
            threads.submit(caller.ask, "ModelInfer", model_name="churn", inputs=EXAMPLE) for _ in range(64)
        ]
        assert {len(each.result().outputs) for each in asked} == {2}
    assert served.metric("aimass_requests_total", code="200") == before[0] + 64
    assert served.metric("aimass_requests_in_flight") == 0


def test_health_and_reflection_are_answered(caller: Caller) -> None:
    for service in ("", INFERENCE.full_name):
        assert caller.ask("Check", HEALTH, service=service).status == 1
    with pytest.raises(grpc.RpcError, match="there is no service"):
        caller.ask("Check", HEALTH, service="other")
    for protocol in REFLECTIONS:
        asked = [
            {"list_services": ""},
            {"file_containing_symbol": INFERENCE.full_name},
            {"file_by_filename": "x"},
        ]
        request = MESSAGES.of(protocol, "ServerReflectionRequest")
        call = caller.channel.stream_stream(
            f"/{protocol.full_name}/ServerReflectionInfo",
            lambda message: message.SerializeToString(),
            MESSAGES.of(protocol, "ServerReflectionResponse").FromString,
        )
        services, file, none = call(iter([request(**each) for each in asked]), timeout=20)
        assert INFERENCE.full_name in [each.name for each in services.list_services_response.service]
        (described,) = file.file_descriptor_response.file_descriptor_proto
        assert described == MESSAGES.files[INFERENCE.full_name].SerializeToString()
        assert none.error_response.error_code == CODE.NOT_FOUND.value[0]


def test_what_runs_is_finished_and_then_callers_go_elsewhere(tmp_path: Path) -> None:
    with serving(packages.churn(tmp_path / "churn"), "--grpc-port=0", "--stay-seconds=0.3") as server:
        caller = Caller(grpc_port(server))
        watch = caller.channel.unary_stream(
            f"/{HEALTH.full_name}/Watch",
            lambda message: message.SerializeToString(),
            MESSAGES.of(HEALTH, "HealthCheckResponse").FromString,
        )(MESSAGES.of(HEALTH, "HealthCheckRequest")(), timeout=20)
        assert next(watch).status == 1
        assert server.stop() == 0
        with pytest.raises(grpc.RpcError):
            list(watch)
        assert caller.refusal("ServerReady", seconds=2)[0] in (CODE.UNAVAILABLE, CODE.DEADLINE_EXCEEDED)
    assert server.events()[-1]["unfinished"] == 0


def test_a_port_in_use_ends_it_with_one_line(served: Server, tmp_path: Path) -> None:
    with (
        pytest.raises(AssertionError, match="--grpc-port"),
        serving(packages.churn(tmp_path / "churn"), f"--grpc-port={grpc_port(served)}"),
    ):
        pass
