"""Messages of protobuf from what a specification says of them, without generated code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

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


class MessageFile(NamedTuple):
    """A file of messages and enums.

    Of each message the fields in order, numbered from 1: `name` and a type, which is a scalar, a message or
    an enum of the file; `*` before it has many, `@` has one for each string, and `NAME/` one of several.
    A number stands before a name where the one before it is not one less.
    """

    name: str
    package: str
    messages: Mapping[str, Sequence[str]]
    enums: Mapping[str, Sequence[str]] = {}

    def described(self) -> descriptor_pb2.FileDescriptorProto:
        """The file as protobuf describes it."""
        file = descriptor_pb2.FileDescriptorProto(name=self.name, package=self.package, syntax="proto3")
        made: dict[str, Any] = {}
        for name, fields in self.messages.items():
            outer, _, own = name.rpartition(".")
            message = made[outer].nested_type.add() if outer else file.message_type.add()
            message.name, made[name] = own, message
            for number, field in _numbered(fields):
                _add_field(message, number, field, self)
        for name, values in self.enums.items():
            outer, _, own = name.rpartition(".")
            enum = made[outer].enum_type.add(name=own)
            for number, value in enumerate(values):
                enum.value.add(name=value, number=number)
        return file


def pool_of(files: Iterable[descriptor_pb2.FileDescriptorProto]) -> descriptor_pool.DescriptorPool:
    """What knows the messages of these files."""
    pool = descriptor_pool.DescriptorPool()
    for file in files:
        pool.Add(file)
    return pool


def message_class(pool: descriptor_pool.DescriptorPool, name: str) -> Any:
    """The class of a message by its full name."""
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(name))


def _numbered(fields: Sequence[str]) -> Iterator[tuple[int, str]]:
    number = 0
    for field in fields:
        first, _, rest = field.partition(" ")
        number = int(first) if first.isdigit() else number + 1
        yield number, rest if first.isdigit() else field


def _add_field(message: Any, number: int, written: str, written_in: MessageFile) -> None:
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
        _set_type(value, kind[1:], written_in)
        kind = _path_of(message, written_in, entry)
    _set_type(field, kind.lstrip("*"), written_in)


def _path_of(message: Any, written_in: MessageFile, entry: str) -> str:
    outer = next(name for name in written_in.messages if name.rpartition(".")[2] == message.name)
    return f"{outer}.{entry}"


def _set_type(field: Any, kind: str, written_in: MessageFile) -> None:
    if kind in _SCALARS:
        field.type = _SCALARS[kind]
        return
    field.type = _Field.TYPE_ENUM if kind in written_in.enums else _Field.TYPE_MESSAGE
    field.type_name = f".{written_in.package}.{kind}"
