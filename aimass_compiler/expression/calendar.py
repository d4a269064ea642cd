"""What clock and calendar show at a timestamp, in the algebra, by the proleptic Gregorian calendar.

Days become dates by whole numbers alone, as in H. Hinnant, "chrono-Compatible Low-Level Date Algorithms"
(https://howardhinnant.github.io/date_algorithms.html, `civil_from_days`), so that both engines agree exactly.
All numbers are whole float64s below 2**53.
"""

from __future__ import annotations

from functools import cached_property

from aimass_compiler.expression.algebra import (
    Arithmetic,
    AsNumber,
    Comparison,
    Constant,
    Expression,
    Function,
)

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
#: Days from 0000-03-01, where eras of 400 years begin, and from 0001-01-01, to 1970-01-01.
_MARCH_0, _JANUARY_1 = 719_468, 719_162
_ERA, _CENTURY, _FOUR_YEARS, _YEAR = 146_097, 36_524, 1_460, 365
_FEBRUARY = 2


def _number(value: Expression | float) -> Expression:
    return value if isinstance(value, Expression) else Constant(float(value))


def _plus(left: Expression, right: Expression | float) -> Expression:
    return Arithmetic("add", left, _number(right))


def _minus(left: Expression, right: Expression | float) -> Expression:
    return Arithmetic("subtract", left, _number(right))


def _times(left: Expression, right: float) -> Expression:
    return Arithmetic("multiply", left, Constant(float(right)))


def _whole(value: Expression, by: float) -> Expression:
    """How often `by` fits into a whole number, rounded down.

    By the reciprocal, because engines do not divide many rows alike; half a unit more keeps rounding from
    reaching another whole number.
    """
    return Function("floor", _times(_plus(value, 0.5), 1 / by))


def _rest(value: Expression, by: float) -> Expression:
    return _minus(value, _times(_whole(value, by), by))


def _claim(operator: str, value: Expression, bound: Expression | float) -> Expression:
    """1 where it holds, 0 where not; a missing number stays missing, because 0 times it is added."""
    holds = AsNumber(Comparison(operator, value, _number(bound)))  # type: ignore[arg-type]  # one of the six
    return _plus(holds, _times(value, 0))


class Calendar:
    """What a calendar and a clock show, of an expression of seconds since 1970; each part is built once."""

    def __init__(self, seconds: Expression) -> None:
        self._seconds = Function("floor", seconds)

    @cached_property
    def _days(self) -> Expression:
        return _whole(self._seconds, _DAY)

    @cached_property
    def _of_day(self) -> Expression:
        return _minus(self._seconds, _times(self._days, _DAY))

    @property
    def midnight(self) -> Expression:
        """Whole days since 1970."""
        return self._days

    @cached_property
    def hour(self) -> Expression:
        """0 to 23."""
        return _whole(self._of_day, _HOUR)

    @cached_property
    def minute(self) -> Expression:
        """0 to 59."""
        return _whole(_rest(self._of_day, _HOUR), _MINUTE)

    @cached_property
    def second(self) -> Expression:
        """0 to 59, without fractions."""
        return _rest(self._of_day, _MINUTE)

    @cached_property
    def weekday(self) -> Expression:
        """1 for Monday to 7 for Sunday, after ISO 8601."""
        return _plus(_rest(_plus(self._days, 3), 7), 1)  # 1970-01-01 was a Thursday

    @cached_property
    def weekend(self) -> Expression:
        """1 on Saturday and Sunday, else 0."""
        return _claim(">=", self.weekday, 6)

    @cached_property
    def _date(self) -> _Date:
        return _Date(self._days)

    @property
    def year(self) -> Expression:
        """Such as 2026."""
        return self._date.year

    @property
    def month(self) -> Expression:
        """1 to 12."""
        return self._date.month

    @property
    def day(self) -> Expression:
        """1 to 31."""
        return self._date.day

    @cached_property
    def quarter(self) -> Expression:
        """1 to 4."""
        return _plus(_whole(_minus(self.month, 1), 3), 1)

    @cached_property
    def day_of_year(self) -> Expression:
        """1 to 366."""
        return self._date.day_of_year

    @cached_property
    def week(self) -> Expression:
        """1 to 53, after ISO 8601: a week belongs to the year of its Thursday."""
        thursday = _plus(_minus(self._days, self.weekday), 4)
        return _plus(_whole(_minus(_Date(thursday).day_of_year, 1), 7), 1)

    @cached_property
    def month_end(self) -> Expression:
        """1 on the last day of a month, else 0."""
        return _claim("==", _Date(_plus(self._days, 1)).day, 1)


class _Date:
    """Year, month and day of a number of days since 1970."""

    def __init__(self, days: Expression) -> None:
        self._days = days
        from_march = _plus(days, _MARCH_0)
        self._era = _whole(from_march, _ERA)
        of_era = _minus(from_march, _times(self._era, _ERA))
        leaps = _minus(_whole(of_era, _CENTURY), _whole(of_era, _FOUR_YEARS))
        even = _minus(_plus(of_era, leaps), _whole(of_era, _ERA - 1))
        self._year_of_era = _whole(even, _YEAR)
        of_year = _minus(of_era, _days_before(self._year_of_era, _YEAR))
        #: 0 is March, of which years begin here, so that a leap day is their last.
        self._from_march = _whole(_plus(_times(of_year, 5), 2), 153)
        self.day = _plus(_minus(of_year, _whole(_plus(_times(self._from_march, 153), 2), 5)), 1)

    @cached_property
    def month(self) -> Expression:
        later = _claim(">=", self._from_march, 10)
        return _minus(_plus(self._from_march, 3), _times(later, 12))

    @cached_property
    def year(self) -> Expression:
        begun = _claim("<=", self.month, _FEBRUARY)
        return _plus(_plus(self._year_of_era, _times(self._era, 400)), begun)

    @cached_property
    def day_of_year(self) -> Expression:
        before = _minus(self.year, 1)
        first = _minus(_plus(_days_before(before, _YEAR), _whole(before, 400)), _JANUARY_1)
        return _plus(_minus(self._days, first), 1)


def _days_before(years: Expression, year: float) -> Expression:
    """Days of so many whole years, without those of every fourth century."""
    return _minus(_plus(_times(years, year), _whole(years, 4)), _whole(years, 100))


def months_later(seconds: Expression, months: Expression) -> Expression:
    """The same day and time so many months later; of days from the 29th on, some months have none.

    After `days_from_civil` of the same source.
    """
    calendar = Calendar(seconds)
    total = _plus(_plus(_times(calendar.year, 12), _minus(calendar.month, 1)), months)
    year, month = _whole(total, 12), _plus(_rest(total, 12), 1)
    from_march = _rest(_plus(month, 9), 12)
    begun = _minus(year, _claim("<=", month, _FEBRUARY))
    of_year = _plus(_whole(_plus(_times(from_march, 153), 2), 5), _minus(calendar.day, 1))
    days = _minus(_plus(_plus(_days_before(begun, _YEAR), _whole(begun, 400)), of_year), _MARCH_0)
    within = _minus(seconds, _times(calendar.midnight, _DAY))
    return _plus(_times(days, _DAY), within)
