"""The examples that a model learns from: what it declares to read, and the rows themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Literal

from msgspec import Struct
from msgspec.structs import replace

from aimass_compiler.expression import column_types

if TYPE_CHECKING:
    import numpy

    from aimass_compiler.catalog.feature_matrix import FeatureMatrix
    from aimass_compiler.catalog.forecast import SeriesRows


class Matrix(Struct, frozen=True):
    """Rows of numbers, [N, F]: each column of numbers is a feature, and each vector several."""

    categorical: Literal["sparse", "one_hot", "dense"] = "sparse"
    """How it reads categories that are kept as codes: all rows at once, as one sparse matrix; as dense
    one-hots, some rows at a time; or as dense one-hots, all of them."""

    noun: ClassVar[str] = "a table"
    #: The types of columns that become features.
    reads: ClassVar[column_types.Accepted] = (column_types.Number, column_types.Index, column_types.Vector)
    #: What the only column that the model reads holds; None where all columns are features.
    column: ClassVar[str | None] = None
    #: Of such a model, what readies columns of a type for it where a spec writes no features.
    encoders: ClassVar[Mapping[type[column_types.ColumnType], str]] = {}


class Images(Struct, frozen=True):
    """One image a row, [N, C, H, W]."""

    noun: ClassVar[str] = "an image"
    reads: ClassVar[column_types.Accepted] = (column_types.Image,)
    column: ClassVar[str | None] = "image"
    encoders: ClassVar[Mapping[type[column_types.ColumnType], str]] = {column_types.Image: "standardize"}


class Sequences(Struct, frozen=True):
    """One sequence a row: the codes of words, int64 [N, L], 0 behind the last one, or a series of numbers,
    float32 [N, L, C], NaN behind its last step."""

    noun: ClassVar[str] = "a sequence"
    reads: ClassVar[column_types.Accepted] = (column_types.Sequence, column_types.NumberSeries)
    column: ClassVar[str | None] = "sequence"
    encoders: ClassVar[Mapping[type[column_types.ColumnType], str]] = {
        column_types.Text: "tokens",
        column_types.NumberSeries: "standardize",
    }


class Conversations(Struct, frozen=True):
    """One or more conversations a row, int32 [N, L, 2]: tokens, and of which conversation of the row each is,
    0 behind the last one; `y` is 1 where a token is learned, uint8 [N, L]."""

    noun: ClassVar[str] = "a conversation"
    smallest: ClassVar[tuple[int, ...]] = (1,)
    reads: ClassVar[column_types.Accepted] = (column_types.Text, column_types.Chat)
    column: ClassVar[str | None] = "conversation"
    encoders: ClassVar[Mapping[type[column_types.ColumnType], str]] = {}


#: What a model can learn from.
Read = Matrix | Images | Sequences | Conversations
#: The types of columns that a model reads alone.
ALONE: column_types.Accepted = (*Images.reads, *Sequences.reads)


class Examples(Struct, frozen=True):
    """Rows to learn from; `y` is int64 classes or float64, [N].

    `x` is float32, [N, F], [N, C, H, W] or [N, L, C], or int64, [N, L]. Where wide one-hots are kept as
    codes, it answers slices as the matrix would.
    """

    x: numpy.ndarray | FeatureMatrix
    y: numpy.ndarray
    weights: numpy.ndarray | None = None
    """How much each row counts, float64, [N], at least 0; None where all count alike. Training rows weigh 1
    in the mean, so that a penalty such as `l2` means with weights what it means without."""
    codes: int | None = None
    """How many codes there are where `x` holds such of words."""
    series: SeriesRows | None = None
    """Of a forecast, where each row stands in its series."""

    def at(self, places: numpy.ndarray) -> Examples:
        """The rows at these places, in memory."""
        from aimass_compiler.catalog.feature_matrix import FeatureMatrix

        x = self.x
        return replace(
            self,
            x=FeatureMatrix(x.layout, x.rows[places]) if isinstance(x, FeatureMatrix) else x[places],
            y=self.y[places],
            weights=None if self.weights is None else self.weights[places],
            series=None if self.series is None else self.series.at(places),
        )
