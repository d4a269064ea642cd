"""The signature of a package: what the model accepts and answers, held against itself."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aimass_compiler import conventions
from aimass_compiler.runtime.server.response import shown

#: The tensor that has the columns of each type; an image is a tensor of its own.
_TENSORS = {
    **dict.fromkeys(("number", "time"), conventions.NUMBERS_TENSOR),
    **dict.fromkeys(("category", "text"), conventions.STRINGS_TENSOR),
}
FORECAST = "forecast"
LABELS = "multilabel"
_WRITTEN = ("", "flag", "integer", "float", "text", "mixed", "file")
_VERSION = re.compile(r"[0-9a-f]{12}")


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
    """How the data wrote it where that is more than text: see `rows`."""
    marks: frozenset[str] = frozenset()
    """What the data wrote where a value was missing, beside nothing."""
    pii: str | None = None
    """How a record has it that holds personal data: hashed, or not at all; None where it may be seen."""

    @property
    def is_time(self) -> bool:
        """Whether a request writes a time, of which the model reads the seconds since 1970."""
        return self.type in conventions.WRITTEN_AS_TEXT and self.tensor == conventions.NUMBERS_TENSOR

    @property
    def is_series(self) -> bool:
        """Whether a row may have fewer steps than the shape, [steps, channels], says; NaN fills it up."""
        return self.type == "series"


@dataclass(frozen=True, slots=True)
class LabelDecision:
    """From which probability on a row is given the positive one of two classes."""

    positive: str
    threshold: float


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
    """The classes or labels in the order of `probabilities`; empty for a regression."""
    example: Mapping[str, Any]
    decision: LabelDecision | None = None
    """How the label follows; None where it is the likeliest class."""
    thresholds: tuple[float, ...] = ()
    """Of several labels, the probability from which on each is given."""
    keys: tuple[str, ...] = ()
    """Columns that name a person and that the model does not read: records have their keyed hash."""
    interval: float | None = None
    """The share of true values that the intervals of a forecast or a regression are made to hold."""

    @property
    def fields(self) -> tuple[Field, ...]:
        return self.numbers + self.strings + self.images

    @property
    def horizon(self) -> int | None:
        """How many steps ahead a forecast answers; None where it is none."""
        return self.outputs[0]["shape"][1] if self.task == FORECAST else None

    @property
    def packed(self) -> Mapping[str, tuple[Field, ...]]:
        """The columns of each tensor that has several, by its name and in its order; none that is empty."""
        tensors = {conventions.NUMBERS_TENSOR: self.numbers, conventions.STRINGS_TENSOR: self.strings}
        return {name: fields for name, fields in tensors.items() if fields}

    @property
    def width(self) -> int:
        """How many values one row has, those of its pictures among them."""
        return sum(math.prod(field.shape) for field in self.fields)


def read_signature(document: Mapping[str, Any]) -> Signature:
    """The signature that a document holds.

    Raises KeyError for what it lacks, and ValueError for what contradicts itself or is of another type.
    """
    inputs = _items(document, "inputs", Mapping)
    fields = [_field(column) for column in inputs]
    _require_different([field.name for field in fields], "inputs")
    numbers, strings = (
        _packed(tensor, inputs, fields) for tensor in (conventions.NUMBERS_TENSOR, conventions.STRINGS_TENSOR)
    )
    version = _text(document, "version")
    if not _VERSION.fullmatch(version):
        raise ValueError(f"`version` is {shown(version)}, not 12 digits of a SHA-256")
    labels, is_of_labels = _labels(document), document["task"] == LABELS
    return Signature(
        model=_text(document, "model"),
        version=version,
        task=_text(document, "task"),
        trained_at=_timestamp(_text(document, "trained_at")),
        numbers=numbers,
        strings=strings,
        images=tuple(field for field in fields if field.shape),
        ignored=frozenset(_items(document, "ignored", str) if "ignored" in document else ()),
        outputs=tuple(document["outputs"]),
        labels=labels,
        example=_object(document, "example"),
        decision=_decision(document, labels) if "decision" in document and not is_of_labels else None,
        thresholds=_thresholds(document, labels) if is_of_labels else (),
        interval=_interval(document) if "interval" in document else None,
        keys=tuple(_items(document, "keys", str)) if "keys" in document else (),
    )


def _decision(document: Mapping[str, Any], labels: Sequence[str]) -> LabelDecision:
    written = _object(document, "decision")
    positive, threshold = _text(written, "positive"), written["threshold"]
    if len(labels) != 2 or positive not in labels:  # noqa: PLR2004  # a threshold parts two classes
        raise ValueError(f"`decision` is of {shown(positive)}, which is not one of two classes")
    if not isinstance(threshold, float) or not 0 < threshold < 1:
        raise ValueError(f"the threshold of `decision` is {shown(threshold)}, which is no probability")
    return LabelDecision(positive, threshold)


def _thresholds(document: Mapping[str, Any], labels: Sequence[str]) -> tuple[float, ...]:
    found = _items(_object(document, "decision"), "threshold", float)
    if len(found) != len(labels) or not all(0 < each < 1 for each in found):
        raise ValueError(f"the thresholds of `decision` are {shown(found)}, no probability for each label")
    return tuple(found)


def _interval(document: Mapping[str, Any]) -> float:
    share: Any = document["interval"]
    if not isinstance(share, float) or not 0 < share < 1:
        raise ValueError(f"`interval` is {shown(share)}, which is no share")
    return share


def _packed(tensor: str, inputs: Sequence[Mapping[str, Any]], fields: Sequence[Field]) -> tuple[Field, ...]:
    """The columns of one tensor in the order of their `index`."""
    placed = [
        (column.get("index"), field)
        for column, field in zip(inputs, fields, strict=True)
        if field.tensor == tensor and not field.shape
    ]
    if not all(type(index) is int for index, _ in placed):
        raise ValueError(f"the columns of `{tensor}` are not counted 0, 1, 2")
    placed.sort(key=lambda place: int(place[0] or 0))
    if [index for index, _ in placed] != list(range(len(placed))):
        raise ValueError(f"the columns of `{tensor}` are not counted 0, 1, 2")
    return tuple(field for _, field in placed)


def _field(column: Mapping[str, Any]) -> Field:
    name, kind, tensor = (_text(column, key) for key in ("name", "type", "tensor"))
    if _TENSORS.get(kind, name) != tensor:
        raise ValueError(f"`{name}` is of type {shown(kind)}, but in the tensor {shown(tensor)}")
    shape = tuple(_items(column, "shape", int)) if kind not in _TENSORS else ()
    if kind not in _TENSORS and (not shape or min(shape) < 1):
        raise ValueError(f"`{name}` has the shape {shown(list(shape))}")
    nullable, written = column["nullable"], column.get("written", "")
    if not isinstance(nullable, bool) or written not in _WRITTEN:
        raise ValueError(f"`{name}` is `nullable` {shown(nullable)} and `written` {shown(written)}")
    values = _items(column, "values", str) if column.get("values") is not None else None
    return Field(
        name=name,
        type=kind,
        tensor=tensor,
        nullable=nullable,
        minimum=_bound(column, "min"),
        maximum=_bound(column, "max"),
        unit=column.get("unit") or "",
        values=None if values is None else tuple(values),
        shape=shape,
        written=written,
        marks=frozenset(_items(column, "marks", str) if "marks" in column else ()),
        pii=_pii(column),
    )


def _pii(column: Mapping[str, Any]) -> str | None:
    """A way that is not known is left out, as a newer compiler means to say less and never more."""
    return None if "pii" not in column else _text(column, "pii")


def _labels(document: Mapping[str, Any]) -> tuple[str, ...]:
    """The classes; what is answered follows from them and the task, and must stand there so."""
    outputs, task = _items(document, "outputs", Mapping), document["task"]
    labels: list[str] = []
    wanted: list[dict[str, Any]]
    if task == "regression":
        kind = "FP64" if outputs and outputs[0].get("datatype") == "FP64" else "FP32"
        wanted = [{"name": conventions.PREDICTION_OUTPUT, "datatype": kind, "shape": [-1]}]
        if "interval" in document:
            ends = (conventions.LOWER_OUTPUT, conventions.UPPER_OUTPUT)
            wanted += [{"name": name, "datatype": "FP64", "shape": [-1]} for name in ends]
    elif task == FORECAST:
        shape = outputs[0].get("shape") if outputs else None
        is_horizon = isinstance(shape, list) and [type(size) for size in shape[1:]] == [int]
        shape = shape if is_horizon else [-1, 1]
        names = conventions.FORECAST_OUTPUTS
        wanted = [{"name": name, "datatype": "FP64", "shape": shape} for name in names]
    elif task in ("classification", LABELS):
        labels = _items(outputs[0], "labels", str) if outputs else []
        shape = [-1, len(labels)]
        given: dict[str, Any] = {"name": conventions.LABEL_OUTPUT, "datatype": "BYTES", "shape": [-1]}
        if task == LABELS:
            given = {"name": conventions.LABELS_OUTPUT, "datatype": "BOOL", "shape": shape}
        name = conventions.PROBABILITIES_OUTPUT
        wanted = [{"name": name, "datatype": "FP32", "shape": shape, "labels": labels}, given]
    else:
        known = f"classification, {LABELS}, regression and forecast"
        raise ValueError(f"`task` is {shown(task)}, none of {known}")
    if outputs != wanted:
        raise ValueError(f"the `outputs` of a {task} are {shown(wanted)}, not {shown(outputs)}")
    _require_different(labels, "labels")
    return tuple(labels)


def _require_different(names: Sequence[str], where: str) -> None:
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ValueError(f"duplicate {shown(twice)} in `{where}`")


def _text(document: Mapping[str, Any], key: str) -> str:
    value = document[key]
    if not isinstance(value, str) or not value:
        raise ValueError(f"`{key}` is {shown(value)}, not a string")
    return value


def _items(document: Mapping[str, Any], key: str, kind: type) -> list[Any]:
    value = document[key]
    if not isinstance(value, list) or not all(isinstance(item, kind) for item in value):
        raise ValueError(f"`{key}` is {shown(value)}")
    return value


def _object(document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value: Mapping[str, Any] = document[key]
    if not isinstance(value, Mapping):
        raise ValueError(f"`{key}` is {shown(value)}, not an object")  # noqa: TRY004  # of a document, not of ours
    return value


def _bound(column: Mapping[str, Any], key: str) -> float | None:
    value: float | None = column.get(key)
    if value is not None and type(value) not in (int, float):
        raise ValueError(f"`{key}` of `{column['name']}` is {shown(value)}, not a number")
    return value


def _timestamp(text: str) -> str:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"`trained_at` is `{text}`, not a timestamp") from None
    return text
