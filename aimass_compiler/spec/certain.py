"""Fixes of values that do not fit where only one thing can be meant."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Sequence
from typing import Any

from aimass_compiler import conventions
from aimass_compiler.diagnostics import Assign, Fix, Path, Quote, Rename, certainly_meant
from aimass_compiler.spec.scalars import UnholdableNumberError, resolved

_FLAGS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
_BEGINNING: dict[Path, str] = {("apiVersion",): conventions.API_VERSION, ("kind",): conventions.KIND}


def renamed(path: Path, key: str, known: Iterable[str], written: Container[str]) -> Fix | None:
    """A misspelt key, unless the right one stands beside it."""
    meant = certainly_meant(key, known)
    if meant is None or meant in written:
        return None
    return Fix(f"write `{meant}`", (Rename(path, meant),))


def begun(path: Path) -> Fix | None:
    """The lines that every spec begins with."""
    value = _BEGINNING.get(path)
    return Fix(f"write `{path[0]}: {value}`", (Assign(path, value),)) if value else None


def retyped(path: Path, value: Any, nouns: Sequence[str]) -> Fix | None:
    """The same value with the type that it must have."""
    if isinstance(value, str) and (number := _number(without_underscores(value), nouns)) is not None:
        told = "take away the quotes" if reads_as_number(value) else f"write `{number}`"
        return Fix(told, (Assign(path, number),))
    if isinstance(value, float) and value.is_integer() and "a whole number" in nouns:
        return Fix(f"write `{int(value)}`", (Assign(path, int(value)),))
    if isinstance(value, str) and tuple(nouns) == ("true or false",) and value.lower() in _FLAGS:
        flag = _FLAGS[value.lower()]
        return Fix(f"write `{str(flag).lower()}`", (Assign(path, flag),))
    if isinstance(value, (bool, int, float)) and "a string" in nouns:
        return Fix("put it in quotes", (Quote(path),))
    if isinstance(value, (str, bool, int, float)) and tuple(nouns) == ("a list",):
        return Fix("make it a list", (Assign(path, [value]),))
    return None


def _number(text: str, nouns: Sequence[str]) -> int | float | None:
    """The number that quoted text is, where one is wanted and nothing gets lost."""
    if not any("number" in noun for noun in nouns) or not reads_as_number(text):
        return None
    if not isinstance(resolved(text), float):
        return int(text) if text.strip("+-").isdecimal() else None  # and not `0x1F`
    number = float(text)
    return None if "a whole number" in nouns or str(number) != text else number


def reads_as_number(text: str) -> bool:
    """Whether text in quotes would be a finite number without them."""
    try:
        value = resolved(text)
    except UnholdableNumberError:
        return False
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < float("inf")


def without_underscores(text: str) -> str:
    """Digits that were grouped as in Python, which YAML 1.2 takes for text, as a number."""
    return re.sub(r"(?<=[0-9])_(?=[0-9])", "", text)
