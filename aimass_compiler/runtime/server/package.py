"""A package folder, read and held against itself before anything is served from it."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import orjson

from aimass_compiler import conventions
from aimass_compiler.runtime.server.failure import ExitCode, ServerFailure

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_PACKED = (conventions.NUMBERS_TENSOR, conventions.STRINGS_TENSOR)


@dataclass(frozen=True, slots=True)
class Field:
    """One column that a request carries."""

    name: str
    type: str
    tensor: str
    nullable: bool
    minimum: float | None = None
    maximum: float | None = None
    unit: str = ""
    values: tuple[str, ...] | None = None
    shape: tuple[int, ...] = ()
    written: str = ""
    """How the data wrote it where that is more than text: see `values`."""


@dataclass(frozen=True, slots=True)
class Signature:
    """What the model accepts and answers."""

    model: str
    version: str
    task: str
    trained_at: str
    numbers: tuple[Field, ...]
    """The columns of the tensor `numbers`, in its order."""
    strings: tuple[Field, ...]
    """The columns of the tensor `strings`, in its order."""
    images: tuple[Field, ...]
    ignored: frozenset[str]
    outputs: tuple[Mapping[str, Any], ...]
    """Tensors as the Open Inference Protocol lists them."""
    labels: tuple[str, ...]
    """The classes in the order of `probabilities`; empty for a regression."""
    example: Mapping[str, Any]

    @property
    def fields(self) -> tuple[Field, ...]:
        return self.numbers + self.strings + self.images

    @property
    def width(self) -> int:
        """How many values one row has, those of its pictures among them."""
        return sum(math.prod(field.shape) for field in self.fields)


@dataclass(frozen=True, slots=True)
class Package:
    """What training handed over."""

    signature: Signature
    reference: Mapping[str, Any]
    """How inputs and predictions were distributed in training."""
    model: bytes
    """The ONNX graph."""


def read_package(folder: Path) -> Package:
    """Read the three files of a package.

    Raises ServerFailure when one is missing, is not what it should be, or when the signature is
    not that of this very model.
    """
    signature = _read_document(folder / conventions.SIGNATURE_FILE, conventions.PACKAGE_FORMAT)
    reference = _read_document(folder / conventions.REFERENCE_FILE, conventions.REFERENCE_FORMAT)
    model = _read(folder / conventions.MODEL_FILE)
    digest = hashlib.sha256(model).hexdigest()
    path = folder / conventions.SIGNATURE_FILE
    try:
        read = _signature(signature)
    except (KeyError, TypeError, ValueError) as error:
        told = f"lacks {error}" if isinstance(error, KeyError) else f"does not fit: {error}"
        raise _damaged(f"{path} {told}") from error
    if not read.version or not digest.startswith(read.version):
        told = f"is version {digest[:12]}, but {path} describes version {read.version}"
        raise _damaged(f"{folder / conventions.MODEL_FILE} {told}")
    return Package(read, reference, model)


def _damaged(what: str) -> ServerFailure:
    return ServerFailure(ExitCode.PACKAGE, f"{what}; package the model again")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ServerFailure(ExitCode.PACKAGE, f"{path} cannot be read: {error.strerror}") from error


def _read_document(path: Path, written_as: str) -> dict[str, Any]:
    try:
        document = orjson.loads(_read(path))
    except orjson.JSONDecodeError as error:
        raise _damaged(f"{path} is not JSON: {error}") from error
    found = document.get("format") if isinstance(document, dict) else None
    if found != written_as:
        raise _damaged(f"{path} has the format `{found}`, and this server reads `{written_as}`")
    read: dict[str, Any] = document
    return read


def _signature(document: Mapping[str, Any]) -> Signature:
    inputs = document["inputs"]
    packed: dict[str, list[Mapping[str, Any]]] = {tensor: [] for tensor in _PACKED}
    for column in inputs:
        if "index" in column:
            packed[column["tensor"]].append(column)
    for tensor, columns in packed.items():
        columns.sort(key=lambda column: int(column["index"]))
        if [column["index"] for column in columns] != list(range(len(columns))):
            raise ValueError(f"the columns of `{tensor}` are not counted 0, 1, 2")
    outputs = tuple(document["outputs"])
    return Signature(
        model=document["model"],
        version=document["version"],
        task=document["task"],
        trained_at=_moment(document["trained_at"]),
        numbers=tuple(_field(column) for column in packed[conventions.NUMBERS_TENSOR]),
        strings=tuple(_field(column) for column in packed[conventions.STRINGS_TENSOR]),
        images=tuple(_field(column) for column in inputs if "index" not in column),
        ignored=frozenset(document.get("ignored", ())),
        outputs=outputs,
        labels=tuple(label for output in outputs for label in output.get("labels", ())),
        example=document["example"],
    )


def _moment(text: str) -> str:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"`trained_at` is `{text}`, which is no moment") from None
    return text


def _field(column: Mapping[str, Any]) -> Field:
    values = column.get("values")
    return Field(
        name=column["name"],
        type=column["type"],
        tensor=column["tensor"],
        nullable=column["nullable"],
        minimum=column.get("min"),
        maximum=column.get("max"),
        unit=column.get("unit") or "",
        values=None if values is None else tuple(values),
        shape=tuple(column.get("shape", ())),
        written=column.get("written", ""),
    )
