"""The types that a spec's values have: frozen records, durations, quantities, percentages, ranges."""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar, Generic, Self, TypeVar

from pydantic import AllowInfNan, BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Strict, Tag
from pydantic_core import PydanticCustomError, core_schema

#: Numbers and flags are never guessed from strings: `"5"` is not 5 and `true` is not 1.
Integer = Annotated[int, Strict()]
Number = Annotated[float, Strict(), AllowInfNan(allow_inf_nan=False)]
Flag = Annotated[bool, Strict()]


class Frozen(BaseModel):
    """A record that cannot change and that knows all of its keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    #: The field that a bare value stands for: `one_hot: plan` means `one_hot: {column: plan}`.
    short_form: ClassVar[str | None] = None
    #: The keys that the rest is judged by: what is wrong with them would be told again and again.
    foundations: ClassVar[tuple[str, ...]] = ()

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


class _Text(str):
    """A string with a grammar of its own, kept as it was written."""

    __slots__ = ()
    pattern: ClassVar[re.Pattern[str]]
    example: ClassVar[str]
    noun: ClassVar[str]

    @classmethod
    def read(cls, value: Any) -> Self:
        text = str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value
        if not isinstance(text, str) or not cls.pattern.fullmatch(text):
            raise PydanticCustomError(
                "grammar",
                "{shown} is not {noun}; write it like {example}",
                {"shown": f"`{value}`", "noun": cls.noun, "example": cls.example},
            )
        return cls(text)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> core_schema.CoreSchema:
        del source, handler
        return core_schema.no_info_plain_validator_function(
            cls.read, serialization=core_schema.plain_serializer_function_ser_schema(str)
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: Any, handler: Any) -> dict[str, Any]:
        del schema, handler
        return {
            "type": ["string", "number"],
            "pattern": f"^{cls.pattern.pattern}$",
            "examples": [cls.example],
        }


class Duration(_Text):
    """A length of time such as `500ms`, `30s`, `10m`, `1h` or `30d`."""

    __slots__ = ()
    pattern = re.compile(r"[0-9]+(\.[0-9]+)?(ms|s|m|h|d|w)")
    example = "`30s`, `10m` or `1h`"
    noun = "a duration"
    seconds_of: ClassVar[dict[str, float]] = {
        "ms": 0.001,
        "s": 1,
        "m": 60,
        "h": 3600,
        "d": 86400,
        "w": 604800,
    }

    @property
    def seconds(self) -> float:
        number = self.rstrip("mshdw")
        return float(number) * self.seconds_of[self[len(number) :]]


class Percentage(_Text):
    """A share such as `99.9%`."""

    __slots__ = ()
    pattern = re.compile(r"[0-9]+(\.[0-9]+)?%")
    example = "`99.9%`"
    noun = "a percentage"

    @property
    def percent(self) -> float:
        return float(self[:-1])

    @property
    def fraction(self) -> float:
        return float(self[:-1]) / 100


class Quantity(_Text):
    """An amount in Kubernetes' notation, such as `500m`, `2` or `512Mi`.

    Source: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
    """

    __slots__ = ()
    pattern = re.compile(r"[0-9]+(\.[0-9]+)?(m|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?")
    example = "`500m`, `2` or `512Mi`"
    noun = "an amount in Kubernetes' notation"
    factor_of: ClassVar[dict[str, float]] = {
        "": 1, "m": 0.001, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15,
        "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "Pi": 2**50,
    }  # fmt: skip

    @property
    def amount(self) -> float:
        """The plain number: cores for `500m`, bytes for `512Mi`."""
        number = self.rstrip("mkKMGTPi")
        return float(number) * self.factor_of[self[len(number) :]]


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
