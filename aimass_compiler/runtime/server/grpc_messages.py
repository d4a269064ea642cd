"""The messages of the Open Inference Protocol, of health checks and of reflection, as protobuf has them.

Written after the public specifications, so that no generated code must fit the installed protobuf:
https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/open_inference_grpc.proto,
https://github.com/grpc/grpc/blob/master/doc/health-checking.md and
https://github.com/grpc/grpc/blob/master/doc/server-reflection.md
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_Field = descriptor_pb2.FieldDescriptorProto
_SCALARS = {
    "bool": _Field.TYPE_BOOL,
    "bytes": _Field.TYPE_BYTES,
    "double": _Field.TYPE_DOUBLE,
    "float": _Field.TYPE_FLOAT,
    "int32": _Field.TYPE_INT32,
    "int64": _Field.TYPE_INT64,
    "string": _Field.TYPE_STRING,
    "uint32": _Field.TYPE_UINT32,
    "uint64": _Field.TYPE_UINT64,
}


class Method(NamedTuple):
    """One procedure: the messages that it takes and gives, and whether each is a stream of them."""

    name: str
    takes: str
    gives: str
    takes_many: bool = False
    gives_many: bool = False


class Protocol(NamedTuple):
    """One file of procedures and messages.

    Of each message the fields in order, numbered from 1: `name` and a type, which is a scalar, a message or
    an enum of the file; `*` before it has many, `@` has one for each string, and `NAME/` one of several.
    A number stands before a name where the one before it is not one less.
    """

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
        pool = descriptor_pool.DescriptorPool()
        self.files = {protocol.full_name: _file(protocol) for protocol in PROTOCOLS}
        for file in self.files.values():
            pool.Add(file)
        self._pool = pool

    def of(self, protocol: Protocol, name: str) -> Any:
        """The class of a message."""
        found = self._pool.FindMessageTypeByName(f"{protocol.package}.{name}")
        return message_factory.GetMessageClass(found)

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
    file = descriptor_pb2.FileDescriptorProto(
        name=f"{protocol.full_name}.proto", package=protocol.package, syntax="proto3"
    )
    made: dict[str, Any] = {}
    for name, fields in protocol.messages.items():
        outer, _, own = name.rpartition(".")
        message = made[outer].nested_type.add() if outer else file.message_type.add()
        message.name, made[name] = own, message
        for number, field in _numbered(fields):
            _add_field(message, number, field, f".{protocol.package}", protocol)
    for name, values in protocol.enums.items():
        outer, _, own = name.rpartition(".")
        enum = made[outer].enum_type.add(name=own)
        for number, value in enumerate(values):
            enum.value.add(name=value, number=number)
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


def _numbered(fields: Sequence[str]) -> Iterator[tuple[int, str]]:
    number = 0
    for field in fields:
        first, _, rest = field.partition(" ")
        number = int(first) if first.isdigit() else number + 1
        yield number, rest if first.isdigit() else field


def _add_field(message: Any, number: int, written: str, package: str, protocol: Protocol) -> None:
    name, _, kind = written.partition(" ")
    oneof, _, name = name.rpartition("/")
    field = message.field.add(name=name, number=number)
    field.label = _Field.LABEL_REPEATED if kind[0] in "*@" else _Field.LABEL_OPTIONAL
    if oneof:
        if oneof not in [each.name for each in message.oneof_decl]:
            message.oneof_decl.add(name=oneof)
        field.oneof_index = len(message.oneof_decl) - 1
    if kind[0] == "@":
        entry = f"{name.title()}Entry"
        pair = message.nested_type.add(name=entry)
        pair.options.map_entry = True
        pair.field.add(name="key", number=1, type=_Field.TYPE_STRING, label=_Field.LABEL_OPTIONAL)
        value = pair.field.add(name="value", number=2, label=_Field.LABEL_OPTIONAL)
        _set_type(value, kind[1:], package, protocol)
        kind = _path_of(message, protocol, entry)
    _set_type(field, kind.lstrip("*"), package, protocol)


def _path_of(message: Any, protocol: Protocol, entry: str) -> str:
    outer = next(name for name in protocol.messages if name.rpartition(".")[2] == message.name)
    return f"{outer}.{entry}"


def _set_type(field: Any, kind: str, package: str, protocol: Protocol) -> None:
    if kind in _SCALARS:
        field.type = _SCALARS[kind]
        return
    field.type = _Field.TYPE_ENUM if kind in protocol.enums else _Field.TYPE_MESSAGE
    field.type_name = f"{package}.{kind}"
