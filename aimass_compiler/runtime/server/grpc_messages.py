"""The messages of the Open Inference Protocol, of health checks and of reflection, as protobuf has them.

Written after the public specifications, so that no generated code must fit the installed protobuf:
https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/open_inference_grpc.proto,
https://github.com/grpc/grpc/blob/master/doc/health-checking.md and
https://github.com/grpc/grpc/blob/master/doc/server-reflection.md
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from aimass_compiler.runtime.server.protobuf_messages import MessageFile, message_class, pool_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from google.protobuf import descriptor_pb2


class Method(NamedTuple):
    """One procedure: the messages that it takes and gives, and whether each is a stream of them."""

    name: str
    takes: str
    gives: str
    takes_many: bool = False
    gives_many: bool = False


class Protocol(NamedTuple):
    """One file of procedures and messages, both written as `MessageFile` reads them."""

    package: str
    service: str
    methods: tuple[Method, ...]
    messages: Mapping[str, Sequence[str]]
    enums: Mapping[str, Sequence[str]] = {}

    @property
    def full_name(self) -> str:
        """The service as a call's path names it."""
        return f"{self.package}.{self.service}"


_NAME_AND_VERSION = ("name string", "version string")
_ASKED = tuple(
    Method(name, f"{name}Request", f"{name}Response")
    for name in ("ServerLive", "ServerReady", "ModelReady", "ServerMetadata", "ModelMetadata", "ModelInfer")
)
_PARAMETERS = "parameters @InferParameter"
_TENSOR = ("name string", "datatype string", "shape *int64")
INFERENCE = Protocol(
    "inference",
    "GRPCInferenceService",
    _ASKED,
    {
        "ServerLiveRequest": (),
        "ServerLiveResponse": ("live bool",),
        "ServerReadyRequest": (),
        "ServerReadyResponse": ("ready bool",),
        "ModelReadyRequest": _NAME_AND_VERSION,
        "ModelReadyResponse": ("ready bool",),
        "ServerMetadataRequest": (),
        "ServerMetadataResponse": (*_NAME_AND_VERSION, "extensions *string"),
        "ModelMetadataRequest": _NAME_AND_VERSION,
        "ModelMetadataResponse": (
            "name string",
            "versions *string",
            "platform string",
            "inputs *ModelMetadataResponse.TensorMetadata",
            "outputs *ModelMetadataResponse.TensorMetadata",
        ),
        "ModelMetadataResponse.TensorMetadata": _TENSOR,
        "ModelInferRequest": (
            "model_name string",
            "model_version string",
            "id string",
            _PARAMETERS,
            "inputs *ModelInferRequest.InferInputTensor",
            "outputs *ModelInferRequest.InferRequestedOutputTensor",
            "raw_input_contents *bytes",
        ),
        "ModelInferRequest.InferInputTensor": (*_TENSOR, _PARAMETERS, "contents InferTensorContents"),
        "ModelInferRequest.InferRequestedOutputTensor": ("name string", _PARAMETERS),
        "ModelInferResponse": (
            "model_name string",
            "model_version string",
            "id string",
            _PARAMETERS,
            "outputs *ModelInferResponse.InferOutputTensor",
            "raw_output_contents *bytes",
        ),
        "ModelInferResponse.InferOutputTensor": (*_TENSOR, _PARAMETERS, "contents InferTensorContents"),
        "InferParameter": (
            "parameter_choice/bool_param bool",
            "parameter_choice/int64_param int64",
            "parameter_choice/string_param string",
            "parameter_choice/double_param double",
            "parameter_choice/uint64_param uint64",
        ),
        "InferTensorContents": (
            "bool_contents *bool",
            "int_contents *int32",
            "int64_contents *int64",
            "uint_contents *uint32",
            "uint64_contents *uint64",
            "fp32_contents *float",
            "fp64_contents *double",
            "bytes_contents *bytes",
        ),
    },
)
_STATUS = "HealthCheckResponse.ServingStatus"
HEALTH = Protocol(
    "grpc.health.v1",
    "Health",
    (
        Method("Check", "HealthCheckRequest", "HealthCheckResponse"),
        Method("Watch", "HealthCheckRequest", "HealthCheckResponse", gives_many=True),
    ),
    {"HealthCheckRequest": ("service string",), "HealthCheckResponse": (f"status {_STATUS}",)},
    {_STATUS: ("UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN")},
)


def _reflection(package: str) -> Protocol:
    asked, answered = "message_request/", "message_response/"
    stream = Method("ServerReflectionInfo", "ServerReflectionRequest", "ServerReflectionResponse", True, True)
    return Protocol(
        package,
        "ServerReflection",
        (stream,),
        {
            "ServerReflectionRequest": (
                "host string",
                f"3 {asked}file_by_filename string",
                f"{asked}file_containing_symbol string",
                f"{asked}file_containing_extension ExtensionRequest",
                f"{asked}all_extension_numbers_of_type string",
                f"{asked}list_services string",
            ),
            "ExtensionRequest": ("containing_type string", "extension_number int32"),
            "ServerReflectionResponse": (
                "valid_host string",
                "original_request ServerReflectionRequest",
                f"4 {answered}file_descriptor_response FileDescriptorResponse",
                f"6 {answered}list_services_response ListServiceResponse",
                f"{answered}error_response ErrorResponse",
            ),
            "FileDescriptorResponse": ("file_descriptor_proto *bytes",),
            "ListServiceResponse": ("service *ServiceResponse",),
            "ServiceResponse": ("name string",),
            "ErrorResponse": ("error_code int32", "error_message string"),
        },
    )


#: Clients ask by the newer name, and then by the older.
REFLECTIONS = (_reflection("grpc.reflection.v1"), _reflection("grpc.reflection.v1alpha"))
PROTOCOLS = (INFERENCE, HEALTH, *REFLECTIONS)


class Messages:
    """The classes of all messages, and the files that describe them."""

    def __init__(self) -> None:
        self.files = {protocol.full_name: _file(protocol) for protocol in PROTOCOLS}
        self._pool = pool_of(self.files.values())

    def of(self, protocol: Protocol, name: str) -> Any:
        """The class of a message."""
        return message_class(self._pool, f"{protocol.package}.{name}")

    def file_of(self, name: str) -> bytes | None:
        """The file that describes a symbol, or of this name; None where there is none."""
        for service, file in self.files.items():
            package = service.rpartition(".")[0]
            first = name.removeprefix(f"{package}.").split(".")[0]
            known = {file.service[0].name, *(message.name for message in file.message_type)}
            if name == file.name or (name.startswith(f"{package}.") and first in known):
                return bytes(file.SerializeToString())
        return None


def _file(protocol: Protocol) -> descriptor_pb2.FileDescriptorProto:
    name = f"{protocol.full_name}.proto"
    file = MessageFile(name, protocol.package, protocol.messages, protocol.enums).described()
    service = file.service.add(name=protocol.service)
    for method in protocol.methods:
        service.method.add(
            name=method.name,
            input_type=f".{protocol.package}.{method.takes}",
            output_type=f".{protocol.package}.{method.gives}",
            client_streaming=method.takes_many,
            server_streaming=method.gives_many,
        )
    return file
