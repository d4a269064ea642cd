"""What a column holds while it flows through the transforms: a closed set of types, asked and never compared.

Those of `DECLARED` can stand in a spec; the others only arise on the way. To add one is to add a class here.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar, Literal

from msgspec import Struct

from aimass_compiler import conventions

if TYPE_CHECKING:
    import polars

DriftBins = Literal["number", "category", "text", "image", "series", ""]


class ColumnType(Struct, frozen=True):
    """The type of a column, and all that depends on it."""

    #: What a spec, features.json and signature.json call it.
    name: ClassVar[str]
    #: What messages call a column of this type.
    noun: ClassVar[str]
    #: Whether transforms may read it; the others only join, order and split rows.
    is_for_transforms: ClassVar[bool] = True
    #: Whether a model of tables can read it as it is.
    is_feature: ClassVar[bool] = False
    #: The transform that turns it into numbers where a spec writes no features.
    encoder: ClassVar[str] = ""
    #: Whether a row holds one value, not several.
    is_single: ClassVar[bool] = True
    #: Whether a row holds a string: `""` and null both mean that the value is missing.
    is_string: ClassVar[bool] = False
    #: What a tensor holds where the value is missing.
    missing: ClassVar[float | str] = math.nan
    #: Whether it may be NaN, which transforms pass on: a missing string becomes a code, or zeros.
    may_be_nan: ClassVar[bool] = False
    #: The tensor of the serving graph that its columns share; empty where each is a tensor by itself.
    tensor: ClassVar[str] = ""
    #: Its values in the serving graph, by their name in ONNX.
    onnx_type: ClassVar[str] = "DOUBLE"
    #: How the data usually writes it: see `runtime.contract.written`.
    usually_written: ClassVar[tuple[str, ...]] = ()
    #: The bins in which its drift is watched; empty where it is not.
    drift_bins: ClassVar[DriftBins] = ""

    def __str__(self) -> str:
        return self.noun

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of what a row holds; empty for one value and where only training knows it."""
        return ()

    @property
    def components(self) -> int | None:
        """How many values a row holds; None where only training knows it."""
        return 1

    @property
    def codes(self) -> int | None:
        """How many codes an index has; None for what is none, and where only training knows it."""
        return None

    def read(self, column: polars.Expr) -> polars.Expr:
        """What expressions compute with, of a column as the rows hold it."""
        return column

    @property
    def dtype(self) -> polars.DataType:
        """What polars keeps it as."""
        import polars

        plain = {"DOUBLE": polars.Float64, "INT64": polars.Int64, "BOOL": polars.Boolean}
        return plain.get(self.onnx_type, polars.String)()


#: Types of which a column must be one.
Accepted = tuple[type[ColumnType], ...]


def nouns(accepted: Accepted) -> list[str]:
    """What messages call these types, in the order of their names."""
    return [kind.noun for kind in sorted(accepted, key=lambda kind: kind.name)]


class Number(ColumnType, frozen=True):
    """A float64."""

    name: ClassVar[str] = "number"
    noun: ClassVar[str] = "a number"
    is_feature: ClassVar[bool] = True
    may_be_nan: ClassVar[bool] = True
    tensor: ClassVar[str] = conventions.NUMBERS_TENSOR
    usually_written: ClassVar[tuple[str, ...]] = ("integer", "float")
    drift_bins: ClassVar[DriftBins] = "number"


class _String(ColumnType, frozen=True):
    """What every string has."""

    is_string: ClassVar[bool] = True
    missing: ClassVar[float | str] = ""
    tensor: ClassVar[str] = conventions.STRINGS_TENSOR
    onnx_type: ClassVar[str] = "STRING"
    usually_written: ClassVar[tuple[str, ...]] = ("text",)

    def read(self, column: polars.Expr) -> polars.Expr:
        import polars

        return polars.when(column != "").then(column)


class Category(_String, frozen=True):
    """One of a few values."""

    name: ClassVar[str] = "category"
    noun: ClassVar[str] = "a category"
    encoder: ClassVar[str] = "one_hot"
    drift_bins: ClassVar[DriftBins] = "category"


class Text(_String, frozen=True):
    """Words."""

    name: ClassVar[str] = "text"
    noun: ClassVar[str] = "text"
    encoder: ClassVar[str] = "hash_text"
    drift_bins: ClassVar[DriftBins] = "text"


class Id(_String, frozen=True):
    """A key that says which row this is."""

    name: ClassVar[str] = "id"
    noun: ClassVar[str] = "an id"
    is_for_transforms: ClassVar[bool] = False


class Time(ColumnType, frozen=True):
    """A timestamp: in ISO 8601 in rows and requests, computed with as seconds since 1970 in UTC."""

    name: ClassVar[str] = "time"
    noun: ClassVar[str] = "a time"
    may_be_nan: ClassVar[bool] = True
    tensor: ClassVar[str] = conventions.NUMBERS_TENSOR
    usually_written: ClassVar[tuple[str, ...]] = ("text",)

    def read(self, column: polars.Expr) -> polars.Expr:
        import polars

        from aimass_compiler.expression.timestamp_columns import seconds

        return column.map_batches(seconds, return_dtype=polars.Float64(), is_elementwise=True)


class _Floats(ColumnType, frozen=True):
    """Several float32 numbers a row."""

    is_single: ClassVar[bool] = False
    may_be_nan: ClassVar[bool] = True
    onnx_type: ClassVar[str] = "FLOAT"

    @property
    def components(self) -> int | None:
        return math.prod(self.shape)

    @property
    def dtype(self) -> polars.DataType:
        import polars

        return polars.Array(polars.Float32, math.prod(self.shape))


class Image(_Floats, frozen=True):
    """A float32 array (channels, height, width) a row."""

    name: ClassVar[str] = "image"
    noun: ClassVar[str] = "an image"
    drift_bins: ClassVar[DriftBins] = "image"

    shape: tuple[int, ...]


class NumberSeries(_Floats, frozen=True):
    """A float32 array (steps, channels) a row, with NaN behind the last step of a shorter one."""

    name: ClassVar[str] = "series"
    noun: ClassVar[str] = "a series"
    drift_bins: ClassVar[DriftBins] = "series"

    shape: tuple[int, ...]


class Chat(ColumnType, frozen=True):
    """The turns of a conversation, each with a role and what was said; no transform reads it."""

    name: ClassVar[str] = "chat"
    noun: ClassVar[str] = "a conversation"
    is_single: ClassVar[bool] = False
    onnx_type: ClassVar[str] = "STRING"

    @property
    def dtype(self) -> polars.DataType:
        import polars

        return polars.List(polars.Struct({"role": polars.String, "content": polars.String}))


class PastValues(_Floats, frozen=True):
    """The last values of a series, the latest at the end: float32 (steps), none of them missing."""

    name: ClassVar[str] = "history"
    noun: ClassVar[str] = "a history"

    shape: tuple[int, ...]


class ValuesAhead(_Floats, frozen=True):
    """A number that is known ahead, for each step of a horizon: float32 (steps); only requests hold it."""

    name: ClassVar[str] = "future"
    noun: ClassVar[str] = "numbers of the steps ahead"

    shape: tuple[int, ...]


class Vector(_Floats, frozen=True):
    """A float32 vector a row; `size` is None where only training knows it."""

    name: ClassVar[str] = "vector"
    noun: ClassVar[str] = "a vector"
    is_feature: ClassVar[bool] = True

    size: int | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        return () if self.size is None else (self.size,)

    @property
    def components(self) -> int | None:
        return self.size


class Index(ColumnType, frozen=True):
    """Codes from 0 to size - 1, and -1 for a missing or unseen value; None where only training knows it."""

    name: ClassVar[str] = "index"
    noun: ClassVar[str] = "a bucket or code"
    is_feature: ClassVar[bool] = True
    missing: ClassVar[float | str] = -1
    onnx_type: ClassVar[str] = "INT64"

    codes: int | None = None


class Sequence(ColumnType, frozen=True):
    """The codes of a text's first words, int64 [length]: 0 is padding, 1 a word that training does not know.

    `codes` is how many there are, those two among them; None where only training knows it.
    """

    name: ClassVar[str] = "sequence"
    noun: ClassVar[str] = "a sequence"
    is_single: ClassVar[bool] = False
    onnx_type: ClassVar[str] = "INT64"

    length: int
    codes: int | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.length,)

    @property
    def components(self) -> int | None:
        return self.length

    @property
    def dtype(self) -> polars.DataType:
        import polars

        return polars.Array(polars.Int64, self.length)


class Boolean(ColumnType, frozen=True):
    """True or false, never missing."""

    name: ClassVar[str] = "boolean"
    noun: ClassVar[str] = "a boolean"
    onnx_type: ClassVar[str] = "BOOL"


class Tokens(ColumnType, frozen=True):
    """A list of words a row."""

    name: ClassVar[str] = "tokens"
    noun: ClassVar[str] = "words"
    is_single: ClassVar[bool] = False
    onnx_type: ClassVar[str] = "STRING"


class Unknown(ColumnType, frozen=True):
    """What is not known because something before is wrong: it goes with everything."""

    name: ClassVar[str] = "unknown"
    noun: ClassVar[str] = "an unknown"


#: The types that a spec can declare.
DECLARED: Accepted = (Number, Category, Text, Id, Time, Image, NumberSeries, Chat)

NUMBER = Number()
CATEGORY = Category()
TEXT = Text()
ID = Id()
TIME = Time()
BOOLEAN = Boolean()
TOKENS = Tokens()
UNKNOWN = Unknown()
