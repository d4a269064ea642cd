"""Rows of separated values, read exactly by the dialect that the spec declares."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PrivateAttr, model_validator
from pydantic_core import PydanticCustomError

from aimass_compiler.catalog.quantities import Names
from aimass_compiler.catalog.source import EmptyFileError, Rows, UnreadableError
from aimass_compiler.catalog.sources import _notation
from aimass_compiler.catalog.sources._separated_text import SeparatedText
from aimass_compiler.diagnostics import did_you_mean
from aimass_compiler.expression.plain_name import values_of

if TYPE_CHECKING:
    from typing import LiteralString, Self

    import polars

_SHOWN = 3
_LONGEST_SHOWN = 40


def _date_format(pattern: str) -> str:
    if problem := _notation.format_problem(pattern):
        raise PydanticCustomError(
            "date_format",
            "`{pattern}` is not a date format: {problem}; write it like `%d/%m/%Y` or `%Y-%m-%d %H:%M`",
            {"pattern": pattern, "problem": problem},
        )
    return pattern


_DateFormat = Annotated[str, AfterValidator(_date_format)]
_Decimal = Literal[".", ","]
_Thousands = Annotated[str, Field(max_length=1)]
_Marks = tuple[str, ...]
_MarksByColumn = dict[str, Names]


def _marks_by_column(value: object) -> object:
    if not isinstance(value, dict):
        return value
    return {name: (marks,) if isinstance(marks, str) else marks for name, marks in value.items()}


class Csv(SeparatedText):
    """Rows of separated values, read exactly as declared: nothing about them is guessed.

    They may be compressed by gzip, zstd, bzip2, xz or zip.
    """

    has_types = False
    _numbers: frozenset[str] = PrivateAttr(frozenset())

    decimal: _Decimal | Mapping[str, _Decimal] = "."
    """The decimal separator of numbers; or by column, `{price: ","}`."""
    thousands: _Thousands | Mapping[str, _Thousands] = ""
    """The thousands separator of numbers, such as `,` in `1,000.50`; or by column."""
    signs: Mapping[str, Names] = {}  # frozen, as pydantic copies it
    """Symbols to strip from the numbers of a column, such as `{price: $, rate: "%"}`: then `12%` is 12. `()`
    reads amounts in parentheses as negative; a minus sign of typographers (U+2212) or an en dash, once
    named, is read as `-`."""
    dates: Mapping[str, _DateFormat] = {}  # frozen, as pydantic copies it
    """The date formats of columns of type `time` that are not in ISO 8601, such as `{since: "%d/%m/%Y"}`."""
    missing: Annotated[
        _Marks | Mapping[str, Names],
        BeforeValidator(_marks_by_column, json_schema_input_type=_Marks | _MarksByColumn),
    ] = ("",)
    """What a missing value is written as, such as `["", NA]`; or by column, `{income: [NA]}`. An empty value
    is always missing."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        for decimal, thousands in self._notations():
            if thousands == decimal:
                message = "`thousands` and `decimal` are both `{mark}`, so no number could be read"
                raise _same_marks(message, decimal)
            if self.quote == "none" and self.separator in (decimal, thousands):
                message = (
                    "`{mark}` is the separator and occurs in numbers, too, which is ambiguous without quotes"
                )
                raise _same_marks(message, self.separator)
        if self.separator in (self.quote, self.escape) or self.escape == self.quote:
            raise _same_marks(
                "`separator`, `quote` and `escape` must be different characters", self.separator
            )
        return self

    def _notations(self) -> set[tuple[str, str]]:
        """The decimal and thousands separators, of any column."""
        named = {*_columns_of(self.decimal), *_columns_of(self.thousands), ""}
        return {(self.decimal_of(name), self.thousands_of(name)) for name in named}

    def decimal_of(self, column: str) -> str:
        """The decimal separator of a column."""
        return self.decimal if isinstance(self.decimal, str) else self.decimal.get(column, ".")

    def thousands_of(self, column: str) -> str:
        """The thousands separator of a column."""
        return self.thousands if isinstance(self.thousands, str) else self.thousands.get(column, "")

    def columns_named(self) -> Iterator[tuple[str, str]]:
        """The columns of which a key says something, each with the key."""
        for key in ("decimal", "thousands", "signs", "dates", "missing"):
            if isinstance(value := getattr(self, key), Mapping):
                yield from ((key, name) for name in value)

    def marks_of(self, column: str) -> frozenset[str]:
        """What a missing value of a column is written as, other than an empty one."""
        marks = self.missing if isinstance(self.missing, tuple) else self.missing.get(column, ())
        return frozenset(marks) - {""}

    def reading_numbers(self, names: Collection[str]) -> Self:
        found = self.model_copy()
        plain = frozenset(name for name in names if self._is_plain_number(name))
        found._numbers = plain  # noqa: SLF001  # of the same class
        return found

    def _is_plain_number(self, name: str) -> bool:
        """Whether cells of a column of numbers are numbers or empty, and its name cannot be taken for one."""
        is_own = self.strip or self.marks_of(name) or self.is_in_own_notation(name, "number")
        return name.isidentifier() and not is_own

    def read_file(self, location: str, wanted: Mapping[str, str] | None) -> Rows:
        from aimass_compiler.catalog.sources import _cells

        numbers = self._numbers.intersection(wanted or ())
        cells, names = self._cells(location, wanted, None, numbers)
        if cells is None:
            cells, names = self.texts(location, wanted)
            numbers = frozenset()
        self._require_known(names, wanted or {})

        @cache
        def lines() -> Sequence[int]:
            return _cells.lines(location, self)

        def place(row: int) -> str:
            return f"line {lines()[row]}"

        return Rows((self.plain(cells, wanted or {}, place),), names, place, parsed=numbers)

    def texts(
        self, location: str, wanted: Iterable[str] | None = None, seen: Callable[[int], None] | None = None
    ) -> tuple[polars.DataFrame, tuple[str, ...]]:
        """The cells of the wanted columns, or of all, as they are, and the names of all columns.

        `seen` gets the number of rows that have been read so far.
        """
        cells, names = self._cells(location, wanted, seen, frozenset())
        assert cells is not None  # noqa: S101  # as there are no numbers
        return cells, names

    def _cells(
        self,
        location: str,
        wanted: Iterable[str] | None,
        seen: Callable[[int], None] | None,
        numbers: frozenset[str],
    ) -> tuple[polars.DataFrame | None, tuple[str, ...]]:
        """The same, with numbers in some columns; no cells where those would lose something of one."""
        from aimass_compiler.catalog.sources import _cells

        with _cells.opened(location, self) as cells:
            names = cells.names
            self._require(names, wanted or ())
            places = {name: place for place, name in reversed(list(enumerate(names)))}
            chosen = {name: places[name] for name in dict.fromkeys(names) if wanted is None or name in wanted}
            return _cells.columns(cells, chosen, location, self, seen, numbers), names

    def _require_known(self, names: tuple[str, ...], wanted: Mapping[str, str]) -> None:
        """Raises UnreadableError for a key that names a column which is not there, or dates that are none."""
        for key, name in self.columns_named():
            if name not in names:
                message = f"`{key}` names a column `{name}`, which the file does not have"
                raise UnreadableError(message, did_you_mean(name, names))
        for name in self.dates:
            if wanted.get(name, "time") not in ("time", "id"):
                message = f"`dates` says how `{name}` writes dates, but its type is {wanted[name]}"
                raise UnreadableError(message, f"declare `{name}: time`, or take it out of `dates`")

    def _require(self, names: tuple[str, ...], wanted: Iterable[str]) -> None:
        """Raises UnreadableError for a wanted name that is a duplicate."""
        if not names:
            raise EmptyFileError("the file is empty", "it needs a header line and rows")
        times = Counter(names)
        twice = next((name for name in wanted if times[name] > 1), None)
        if twice is not None:
            raise UnreadableError(
                f"its header has a duplicate column `{twice}`",
                "rename one of them, or list names of your own in `header`, with `skip: 1`",
            )

    def plain(
        self, texts: polars.DataFrame, wanted: Mapping[str, str], place: Callable[[int], str] = str
    ) -> polars.DataFrame:
        """The columns with missing values, and in plain notation those that were declared in another one.

        Raises UnreadableError for cells that do not fit, with lines.
        """
        known = self._known(texts)
        own = {name: wanted.get(name, "") for name in texts.columns}
        own = {name: type_ for name, type_ in own.items() if self.is_in_own_notation(name, type_)}
        for name, type_ in own.items():
            raw = values_of(known, name)
            plain = self._in_plain_notation(raw, name, type_)
            odd = raw.is_not_null() & plain.is_null() & (raw.str.strip_chars() != "")
            if odd.any():
                raise self._misfit(raw, name, odd, type_, place)
            known.replace_column(known.get_column_index(name), plain.alias(name))
        return known

    def _known(self, texts: polars.DataFrame) -> polars.DataFrame:
        """The cells without padding, and null where a value means missing."""
        import polars

        alike: dict[frozenset[str], list[str]] = {}
        for name in texts.select(polars.selectors.string()).columns:
            alike.setdefault(self.marks_of(name), []).append(name)
        known = texts
        for marks, names in alike.items():  # all columns of the same marks at once: there may be thousands
            columns = polars.selectors.by_name(*names).as_expr()
            columns = columns.str.strip_chars() if self.strip else columns
            is_missing = columns.is_in(["", *sorted(marks)]) if marks else columns == ""
            known = known.with_columns(polars.when(~is_missing).then(columns).name.keep())
        return known

    def is_in_own_notation(self, column: str, type_: str) -> bool:
        """Whether the dialect says how the values of a column are written."""
        if type_ == "time":
            return column in self.dates
        has_marks = self.decimal_of(column) != "." or bool(self.thousands_of(column))
        return column in self.signs or (type_ == "number" and has_marks)

    def _in_plain_notation(self, raw: polars.Series, name: str, type_: str) -> polars.Series:
        if type_ == "time":
            return _notation.iso_moments(raw, self.dates[name])
        decimal, thousands = self.decimal_of(name), self.thousands_of(name)
        return _notation.plain_numbers(raw, decimal, thousands, self.signs.get(name, ()))

    def _misfit(
        self, raw: polars.Series, name: str, odd: polars.Series, type_: str, place: Callable[[int], str]
    ) -> UnreadableError:
        rows = odd.arg_true().head(_SHOWN).to_list()
        shown = ", ".join(f"{place(row)}: {_short(raw[row])!r}" for row in rows)
        count = int(odd.sum())
        values = "1 value" if count == 1 else f"{count:,} values"
        more = ", …" if count > _SHOWN else ""
        message = f"column `{name}` has {values} that {'does' if count == 1 else 'do'} not fit"
        if type_ == "time":
            hint = f"correct `dates: {{{name}: …}}`, or list the values that mean missing in `missing`"
            return UnreadableError(f"{message} the date format `{self.dates[name]}` ({shown}{more})", hint)
        notation = f"`decimal: '{self.decimal_of(name)}'`"
        thousands = self.thousands_of(name)
        notation += f" and `thousands: '{thousands}'`" if thousands else " and no `thousands`"
        hint = "correct these keys of the source (`signs` strips currencies and percent signs), or list the"
        return UnreadableError(
            f"{message} {notation} ({shown}{more})",
            f"{hint} values that mean missing in `missing`",
        )


def _columns_of(value: str | Mapping[str, str]) -> Iterable[str]:
    return () if isinstance(value, str) else value


def _same_marks(told: LiteralString, mark: str) -> PydanticCustomError:
    return PydanticCustomError("same_mark", told, {"mark": mark})


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 1] + "…"
