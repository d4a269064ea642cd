"""What a forecast is: how far ahead, of which series, from how much of their past.

Terms: https://otexts.com/fpp3 (Hyndman & Athanasopoulos, Forecasting: Principles and Practice).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

from msgspec import Struct
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from aimass_compiler.catalog.quantities import Duration, Frozen, Integer, Names, Number, is_absent

if TYPE_CHECKING:
    import numpy

#: The feature that says how far ahead a row is: 1 is the first value after the history.
STEP = "step"
#: Columns of the prepared rows that are no features; no column of a spec may begin so.
OWN = "forecast."
TRUTH = f"{OWN}truth"
#: The history where a spec does not say: some seasons, within reason.
_LEAST_HISTORY, _USUAL_HISTORY = 8, 28


class Backtest(Frozen):
    """Expanding windows: the model is trained on all that lies before a window, and forecasts it."""

    windows: Integer = Field(ge=1, le=100)
    """How many windows there are, the last one just before the test split."""
    step_size: Integer | None = Field(None, ge=1, le=100_000)
    """How many steps each window begins after the one before; by default the horizon: none overlap."""


class Forecast(Frozen):
    """How far ahead a number is predicted, of which series, and from how much of their past."""

    stand_ins: ClassVar[dict[str, int]] = {"horizon": 1}

    horizon: Integer = Field(ge=1, le=1_000)
    """How many steps ahead are forecast at once."""
    every: Duration | Literal["month"] = Duration("1d")
    """How far apart two values of a series are: a duration such as `1h`, or `month`."""
    time: str | None = None
    """The column that orders the values; by default the only one of type time."""
    key: Names | None = None
    """The column, or columns, by which rows belong to a series; by default all rows are one series."""
    season_length: Integer = Field(1, ge=1, le=10_000)
    """After how many steps the pattern repeats: 7 for days with a weekly pattern, 12 for months with a
    yearly one; 1 where there is none. The seasonal naive baseline repeats the last season."""
    history: Annotated[Integer, Field(ge=2, le=10_000)] | None = None
    """How many of the last values a forecast is made from; requests hold as many. By default two seasons, or
    four where they are short."""
    interval: Number = Field(0.9, ge=0.5, le=0.999)
    """The share of true values that lie within the prediction intervals, if the future is like the past."""

    backtest: Backtest | None = Field(None, exclude_if=is_absent)
    """Train and forecast again in expanding windows before the test split. The intervals are then made from
    what these forecasts were off, and not from the validation split."""

    @model_validator(mode="after")
    def _has_a_season(self) -> Self:
        if self.history is not None and self.history <= self.season_length:
            raise PydanticCustomError(
                "history",
                "a history of {history} steps does not hold a season of {season} and one step more",
                {"history": self.history, "season": self.season_length},
            )
        return self

    @property
    def length(self) -> int:
        """How many of the last values a forecast is made from."""
        few = min(4 * self.season_length, _USUAL_HISTORY)
        return self.history or max(2 * self.season_length, few, _LEAST_HISTORY)

    @property
    def seconds(self) -> float | None:
        """How far apart two values are; None for months, which differ."""
        return self.every.seconds if isinstance(self.every, Duration) else None

    @property
    def keys(self) -> tuple[str, ...]:
        """The columns by which rows belong to a series."""
        return self.key or ()

    @property
    def ordered_by(self) -> str:
        """The column that orders the values, once it is known."""
        return self.time or ""


class SeriesRows(Struct, frozen=True):
    """What is known of the rows of a forecast beside their features, each [N]."""

    origin: numpy.ndarray
    """When the last value of the history was, in seconds since 1970."""
    step: numpy.ndarray
    """How far ahead the row is, from 1 to the horizon."""
    scale: numpy.ndarray
    """The mean absolute error of the seasonal naive forecast of the row's series in training: see `mase`."""
    naive: numpy.ndarray
    """What the seasonal naive forecast says."""
    spread: numpy.ndarray
    """The mean absolute difference between values of the history that are one season apart."""

    def at(self, rows: numpy.ndarray) -> SeriesRows:
        """Some of the rows: those of a mask, or those of these numbers."""
        return SeriesRows(**{name: getattr(self, name)[rows] for name in self.__struct_fields__})


class IntervalWidths(Struct, frozen=True):
    """Half the widths of prediction intervals, in units of the history's spread.

    A regression has no history: its one width is in the target's unit.
    """

    level: float
    """The share of true values that they are made to hold."""
    widths: tuple[float, ...]
    """By step, from the first to the last of the horizon."""
    least_spread: float
    """What counts as the spread of a history that hardly varies."""
