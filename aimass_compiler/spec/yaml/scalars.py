"""What a plain YAML scalar means by the core schema of YAML 1.2, section 10.3.2.

Unlike PyYAML's own reading (YAML 1.1), `no`, `on`, `1_000`, `1:30` and `2024-01-01` are text.
"""

from __future__ import annotations

import math
import re
from functools import lru_cache

import yaml

Scalar = str | int | float | bool | None

_WORDS: dict[str, bool | None] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True,
    "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_INTEGER = re.compile(r"[-+]?[0-9]+")
_PREFIXED = re.compile(r"0o(?P<octal>[0-7]+)|0x(?P<hexadecimal>[0-9a-fA-F]+)")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_INFINITE = re.compile(r"(?P<sign>[-+]?)\.(inf|Inf|INF)")
_NOT_A_NUMBER = (".nan", ".NaN", ".NAN")
#: What YAML 1.1 has and 1.2 has not, beside numbers and flags; `<<` is refused elsewhere.
_READ_AS = {"timestamp": "a date", "value": "a default value, which few can read"}
_YAML_1_1_FLAGS = {
    **dict.fromkeys(("yes", "on"), "true"),
    **dict.fromkeys(("no", "off"), "false"),
}
#: Integers beyond this many digits have no use here, and Python itself refuses very long ones.
_MOST_DIGITS = 300


class UnholdableNumberError(ValueError):
    """The text is a number that neither an integer of sane length nor a float64 can hold."""


@lru_cache(maxsize=4096)
def read(text: str) -> tuple[Scalar, str | None]:
    """The value of an unquoted scalar, and how YAML 1.1 tools read it where that differs in a way that bites.

    Raises UnholdableNumberError. The words of specs are few: each is looked into once.
    """
    return resolved(text), read_elsewhere_as(text)


def resolved(text: str) -> Scalar:
    """The value of an unquoted scalar; raises UnholdableNumberError."""
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return _integer(text, 10)
    if prefixed := _PREFIXED.fullmatch(text):
        octal = prefixed["octal"]
        return _integer(octal, 8) if octal else _integer(prefixed["hexadecimal"], 16)
    if _FLOAT.fullmatch(text):
        return _finite(text)
    if infinite := _INFINITE.fullmatch(text):
        return -math.inf if infinite["sign"] == "-" else math.inf
    return math.nan if text in _NOT_A_NUMBER else text


def _integer(digits: str, base: int) -> int:
    if len(digits) > _MOST_DIGITS:
        raise UnholdableNumberError
    return int(digits, base)


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise UnholdableNumberError
    return number


def read_elsewhere_as(text: str) -> str | None:
    """What a YAML 1.1 tool makes of this unquoted scalar where that is something else than here.

    Asked is PyYAML's own reading, which most Python tools share. `y` and `n` are flags in YAML 1.1, too, but
    PyYAML never took them for such, and they are what columns and classes are called. Source:
    https://yaml.org/type/ and yaml.resolver
    """
    tag = _tag(text)
    try:
        here = resolved(text)
    except UnholdableNumberError:
        return None
    if tag == "str":
        return None if isinstance(here, str) else "text"
    if tag == "bool" and isinstance(here, str):
        return _YAML_1_1_FLAGS[text.lower()]
    return _other_number(text, here) if tag in ("int", "float") else _READ_AS.get(tag)


def _other_number(text: str, here: Scalar) -> str | None:
    try:
        there = yaml.safe_load(text)
    except ValueError:
        return "an invalid number"
    return None if _is_same(here, there) else f"the number {there}"


def _tag(text: str) -> str:
    """The type that PyYAML takes an unquoted scalar for."""
    resolvers = yaml.SafeLoader.yaml_implicit_resolvers.get(text[:1], ())
    return next((tag.rpartition(":")[2] for tag, pattern in resolvers if pattern.match(text)), "str")


def _is_same(here: Scalar, there: float) -> bool:
    return not isinstance(here, (str, bool)) and here is not None and (here == there or here != here)  # noqa: PLR0124  # NaN


def portable(number: str) -> str:
    """A decimal number as YAML 1.1 takes it for one, too: with a point, and a sign of the exponent."""
    mantissa, exponent_sign, exponent = number.lower().partition("e")
    sign = mantissa[:1] if mantissa[:1] in ("-", "+") else ""
    whole, point, decimals = mantissa[len(sign) :].partition(".")
    if not point and not exponent_sign:
        return number
    exponent = exponent if exponent[:1] in ("-", "+", "") else f"+{exponent}"
    return f"{sign}{whole or '0'}.{decimals or '0'}{exponent_sign}{exponent}"
