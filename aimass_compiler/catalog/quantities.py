"""The types that a spec's values have: frozen records, amounts with their units, ranges."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from functools import cache, lru_cache
from typing import Annotated, Any, ClassVar, Generic, Self, TypeVar

from msgspec import Struct
from pydantic import AllowInfNan, BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Strict, Tag
from pydantic_core import PydanticCustomError, PydanticKnownError, core_schema

#: Numbers and flags are never guessed from strings: `"5"` is not 5 and `true` is not 1.
Integer = Annotated[int, Strict()]
Number = Annotated[float, Strict(), AllowInfNan(allow_inf_nan=False)]
Flag = Annotated[bool, Strict()]
#: In the context of an error about a whole, the steps to the key that it is about.
PLACE_BELOW = "place_below"


class Frozen(BaseModel):
    """A record that cannot change and that knows all of its keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    #: The field that a bare value stands for: `one_hot: plan` means `one_hot: {column: plan}`.
    short_form: ClassVar[str | None] = None
    #: The mappings of which an environment's override changes single entries, and leaves the others.
    merged_by_name: ClassVar[frozenset[str]] = frozenset()
    #: What stands in for required keys that are missing or wrong, so that the others can be looked at.
    stand_ins: ClassVar[Mapping[str, Any]] = {}

    @classmethod
    @cache
    def default(cls) -> Self:
        """The record of which nothing was written; it is shared, and it needs no validating."""
        return cls.model_construct()  # type: ignore[return-value]  # behind `cache`, mypy knows no Self

    def filled(self, **defaults: Any) -> Self:
        """The same with defaults that depend on other records; what counts as written stays."""
        record = self.model_copy(update=defaults)
        record.model_fields_set.intersection_update(self.model_fields_set)
        return record

    @classmethod
    def model_json_schema(cls, **options: Any) -> dict[str, Any]:  # type: ignore[override]  # the same options
        """The JSON Schema, with the fields' descriptions."""
        from aimass_compiler.catalog.descriptions import DescribingJsonSchema

        return super().model_json_schema(**{"schema_generator": DescribingJsonSchema} | options)

    @classmethod
    def expand(cls, value: Any) -> Any:
        """The long form of what was written in short."""
        if isinstance(value, dict) and not (value and cls.takes_mapping(value)):
            return value
        if isinstance(value, cls) or cls.short_form is None:
            return value
        return {cls.short_form: value}

    @classmethod
    def takes_mapping(cls, value: dict[Any, Any]) -> bool:  # noqa: ARG003  # kinds decide by the value
        """Whether this mapping is itself the short form, not the fields."""
        return False


_GIBIBYTE = 2**30
#: More digits say nothing, and a decimal of a million overflows.
_LONGEST_AMOUNT = 100


class _Amount(str):
    """A number and its unit, kept as it was written."""

    __slots__ = ()
    #: How much of the first unit of all, whose size is 1, each one is.
    units: ClassVar[Mapping[str, Decimal]]
    #: What is written for a unit by mistake, where nothing else can be meant.
    slips: ClassVar[Mapping[str, str]] = {}
    noun: ClassVar[str]
    examples: ClassVar[tuple[str, ...]]
    #: The ends of what can be meant, both included.
    least: ClassVar[str]
    most: ClassVar[str]
    #: Whether there is nothing between one `least` and two.
    is_counted: ClassVar[bool] = False
    #: Whether a number without quotes will do, because the unit may be left out.
    takes_numbers: ClassVar[bool] = False

    @classmethod
    def pattern(cls) -> str:
        """The regular expression of number and unit; not all that it takes is within the ends."""
        return rf"([0-9]+(?:\.[0-9]+)?)({'|'.join(cls.units)})"

    @classmethod
    def read(cls, value: Any) -> Self:
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        text = str(value) if is_number and cls.takes_numbers else value
        is_long = isinstance(text, str) and len(text) > _LONGEST_AMOUNT
        is_amount = isinstance(text, str) and not is_long and re.fullmatch(cls.pattern(), text)
        if is_amount and cls(text).is_whole:
            return within(cls(text), cls.least, cls.most)
        raise PydanticCustomError(
            "grammar",
            "{shown} is not {noun}; write it like {examples}",
            {
                "shown": "text of this length" if is_long else f"`{value}`",
                "noun": cls.noun,
                "examples": " or ".join(f"`{text}`" for text in cls.examples),
                "meant": cls.meant(value) or "",
            },
        )

    @property
    def is_whole(self) -> bool:
        """Whether it is a multiple of the least; what is more than the most is too much anyway."""
        is_too_much = self.amount > type(self)(self.most).amount
        return not self.is_counted or is_too_much or not self.amount % type(self)(self.least).amount

    @classmethod
    def meant(cls, value: Any) -> str | None:
        """The amount that a wrongly written one can only stand for: `512MB` is `512M`."""
        found = re.fullmatch(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z%]*)\s*", str(value))
        if found is None or isinstance(value, bool) or len(found[0]) > _LONGEST_AMOUNT:
            return None
        number, unit = found.groups()
        text = number + (unit if unit in cls.units else cls.slips.get(unit, cls.slips.get(unit.lower(), "?")))
        if not re.fullmatch(cls.pattern(), text):
            return None
        meant = cls(text)
        is_possible = cls(cls.least).amount <= meant.amount <= cls(cls.most).amount
        return text if is_possible and meant.is_whole else None

    @property
    def amount(self) -> Decimal:
        """How much it is, in the unit of size 1."""
        return _amount_of(type(self), self)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> core_schema.CoreSchema:
        del source, handler
        return core_schema.no_info_plain_validator_function(
            cls.read, serialization=core_schema.plain_serializer_function_ser_schema(str)
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: Any, handler: Any) -> dict[str, Any]:
        del schema, handler
        text = {"type": "string", "pattern": f"^(?=.*[1-9]){cls.pattern()}$", "examples": [*cls.examples]}
        return text | ({"type": ["string", "number"], "exclusiveMinimum": 0} if cls.takes_numbers else {})


@lru_cache(maxsize=4096)
def _amount_of(kind: type[_Amount], text: str) -> Decimal:
    number, unit = re.fullmatch(kind.pattern(), text).groups()  # type: ignore[union-attr]  # `read` saw to it
    return Decimal(number) * kind.units[unit]


A = TypeVar("A", bound=_Amount)


def within(value: A, least: str, most: str) -> A:
    """The value itself. Raises PydanticKnownError when it is not between two amounts of its kind."""
    if value.amount < type(value)(least).amount:
        raise PydanticKnownError("greater_than_equal", {"ge": least})
    if value.amount > type(value)(most).amount:
        raise PydanticKnownError("less_than_equal", {"le": most})
    return value


class Within(Struct, frozen=True):
    """Annotates an amount that has narrower ends than its kind, both included."""

    least: str
    most: str

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> core_schema.CoreSchema:
        return core_schema.no_info_after_validator_function(self._read, handler(source))

    def _read(self, value: A) -> A:
        return within(value, self.least, self.most)


class Duration(_Amount):
    """A length of time such as `500ms`, `30s`, `10m`, `1h` or `30d`."""

    __slots__ = ()
    units: ClassVar[Mapping[str, Decimal]] = {
        "ms": Decimal("0.001"), "s": Decimal(1), "m": Decimal(60),
        "h": Decimal(3600), "d": Decimal(86_400), "w": Decimal(604_800),
    }  # fmt: skip
    slips: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(("msec", "msecs", "millis", "millisecond", "milliseconds"), "ms"),
        **dict.fromkeys(("sec", "secs", "second", "seconds"), "s"),
        **dict.fromkeys(("min", "mins", "minute", "minutes"), "m"),
        **dict.fromkeys(("hr", "hrs", "hour", "hours"), "h"),
        **dict.fromkeys(("day", "days"), "d"),
        **dict.fromkeys(("week", "weeks"), "w"),
    }
    noun = "a duration"
    examples = ("30s", "10m")
    least = "0.01ms"
    most = "3650d"

    @property
    def seconds(self) -> float:
        return float(self.amount)


class Percentage(_Amount):
    """A share of a whole, such as `99.9%`: some of it, and at most all."""

    __slots__ = ()
    units: ClassVar[Mapping[str, Decimal]] = {"%": Decimal(1)}
    _HUNDRED: ClassVar[int] = 100
    noun = "a percentage"
    examples = ("99.9%",)
    least = "0.001%"
    most = "100%"

    @classmethod
    def meant(cls, value: Any) -> str | None:
        """The share that a bare number stands for: `0.999` and `99.9` are `99.9%`, but `1` may be either."""
        if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value < cls._HUNDRED:
            share = Decimal(str(value)) * (cls._HUNDRED if value < 1 else 1)
            return None if value == 1 or share < cls(cls.least).amount else f"{share.normalize():f}%"
        return super().meant(value)

    @property
    def percent(self) -> float:
        return float(self.amount)

    @property
    def fraction(self) -> float:
        return float(self.amount / 100)


class Cores(_Amount):
    """CPU in Kubernetes' notation, such as `500m` or `2`.

    Source: https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/#meaning-of-cpu
    """

    __slots__ = ()
    units: ClassVar[Mapping[str, Decimal]] = {"": Decimal(1), "m": Decimal("0.001")}
    slips: ClassVar[Mapping[str, str]] = {
        "Mi": "m", "M": "m", "mi": "m", "core": "", "cores": "", "cpu": "", "cpus": "",
    }  # fmt: skip
    noun = "a number of cores, of which `1m` is the smallest part"
    examples = ("500m", "2")
    least = "1m"
    most = "1024"
    is_counted = True
    takes_numbers = True


class Bytes(_Amount):
    """A whole number of bytes in Kubernetes' notation, such as `512Mi` or `1.5Gi`.

    Source: https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/#meaning-of-memory
    """

    __slots__ = ()
    units: ClassVar[Mapping[str, Decimal]] = {
        "": Decimal(1), "k": Decimal(10**3), "M": Decimal(10**6), "G": Decimal(10**9), "T": Decimal(10**12),
        "Ki": Decimal(2**10), "Mi": Decimal(2**20), "Gi": Decimal(2**30), "Ti": Decimal(2**40),
    }  # fmt: skip
    slips: ClassVar[Mapping[str, str]] = {
        "m": "Mi", "mi": "Mi", "gi": "Gi", "g": "G", "mb": "M", "gb": "G", "tb": "T", "kb": "k",
        "kib": "Ki", "mib": "Mi", "gib": "Gi", "tib": "Ti", "b": "",
    }  # fmt: skip
    noun = "a whole number of bytes"
    examples = ("512Mi", "2Gi")
    least = "1"
    most = "1024Ti"
    is_counted = True
    takes_numbers = True

    @property
    def size(self) -> int:
        """How many they are."""
        return int(self.amount)


def shown_bytes(count: int) -> str:
    """A size as people read it."""
    if count >= _GIBIBYTE:
        return f"{count / _GIBIBYTE:,.1f} GiB"
    return f"{max(1, round(count / 2**20)):,} MiB"


#: The memory of a process: with less, which is mostly a unit forgotten, no Python starts.
Memory = Annotated[Bytes, Within("16Mi", "64Ti")]

T = TypeVar("T")


class Choice(Frozen, Generic[T]):
    """One of the listed values, each as likely."""

    choice: tuple[T, ...] = Field(min_length=1)
    """The candidates."""

    @property
    def candidates(self) -> tuple[T, ...]:
        return self.choice


class _Interval(Frozen, Generic[T]):
    """What the ranges with two ends have in common."""

    key: ClassVar[str]

    @property
    def ends(self) -> tuple[T, T]:
        ends: tuple[T, T] = getattr(self, self.key)
        return ends

    @property
    def candidates(self) -> tuple[T, ...]:
        return self.ends


class Uniform(_Interval[T], Generic[T]):
    """Any value between two ends, each as likely."""

    key = "uniform"
    uniform: tuple[T, T]
    """The two ends, both included for whole numbers."""


class LogUniform(_Interval[T], Generic[T]):
    """Any value between two positive ends, each order of magnitude as likely."""

    key = "loguniform"
    loguniform: tuple[T, T]
    """The two ends, both included for whole numbers."""


RANGES: dict[str, type[Frozen]] = {"choice": Choice, "uniform": Uniform, "loguniform": LogUniform}


def _range_key(value: Any) -> str:
    if isinstance(value, Frozen):
        return next((key for key, kind in RANGES.items() if isinstance(value, kind)), "value")
    if isinstance(value, dict) and len(value) == 1 and next(iter(value)) in RANGES:
        return str(next(iter(value)))
    return "value"


#: A parameter that may be written as a value or as a range to search.
Tunable = Annotated[
    Annotated[T, Tag("value")]
    | Annotated[Choice[T], Tag("choice")]
    | Annotated[Uniform[T], Tag("uniform")]
    | Annotated[LogUniform[T], Tag("loguniform")],
    Discriminator(_range_key),
]


def _how_many(value: Any) -> str:
    return "several" if isinstance(value, (list, tuple)) else "one"


#: Chooses between one value, tagged `one`, and a list of them, tagged `several`.
ONE_OR_SEVERAL = Discriminator(_how_many)


def is_absent(value: object) -> bool:
    """Whether nothing is written; a key with `exclude_if=is_absent` is then left out of pipeline.json."""
    return value is None


def is_range(value: Any) -> bool:
    """Whether a parameter is to be searched rather than given."""
    return isinstance(value, (Choice, _Interval))


def _as_tuple(value: Any) -> Any:
    return (value,) if isinstance(value, (str, dict)) else value


#: One column or several.
Names = Annotated[
    Annotated[tuple[str, ...], Field(min_length=1)],
    BeforeValidator(_as_tuple, json_schema_input_type=str | Annotated[tuple[str, ...], Field(min_length=1)]),
]
