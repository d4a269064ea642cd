"""Hints and certain fixes where a value does not fit: the user's own value, as it would be accepted."""

from __future__ import annotations

import json
import re
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from aimass_compiler import conventions
from aimass_compiler.catalog import family_of
from aimass_compiler.diagnostics import Assign, Fix, Quote, Rename, certainly_meant
from aimass_compiler.spec.yaml.scalars import UnholdableNumberError, resolved

if TYPE_CHECKING:
    from aimass_compiler.diagnostics import Path

_WHOLE = 100
_FLAGS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
_BEGINNING: dict[Path, str] = {("apiVersion",): conventions.API_VERSION, ("kind",): conventions.KIND}
#: What a required key is written like.
MISSING: dict[Path, str] = {
    ("apiVersion",): f"begin the file with `apiVersion: {conventions.API_VERSION}`",
    ("kind",): f"the second line is `kind: {conventions.KIND}`",
    ("metadata",): "name the model: `metadata: {name: churn}`",
    ("metadata", "name"): "a name such as `churn`",
    ("data",): "say where the rows come from: `data: {sources: {…}, columns: {…}}`",
    ("data", "sources"): "such as `sources: {customers: data/customers.csv}`",
    (
        "data",
        "columns",
    ): "declare each column: `columns: {age: number, plan: category}`; `aimass init` writes them from a file",
    ("target",): "name the column that is predicted: `target: churned`",
}


def of_share(value: Any, most: str) -> str:
    """Where a percentage stands for a share: of what is at most 1, or was written with `%`."""
    text = str(value).removesuffix("%").strip()
    number = float(text) if re.fullmatch(r"[0-9]+(\.[0-9]+)?", text) else -1
    is_certain = str(value).endswith("%") or (number > 1 and text.isdecimal())
    is_percentage = most == "1" and is_certain and 0 <= number <= _WHOLE
    return f"write {number / _WHOLE:g} for {text} %" if is_percentage else ""


def of_unit(value: Any, least: str) -> str:
    """Where a number without a unit is too small: the unit of what it must at least be is meant."""
    unit = least.lstrip("0123456789.")
    is_bare = unit.isalpha() and str(value).isdecimal() and str(value) != "0"
    return f"did you mean `{value}{unit}`?" if is_bare else ""


def of_form(written: Mapping[str, Any] | list[Any], *, is_item: bool) -> str:
    """Where a list, or several keys, stand in the place of the one key that names a kind."""
    if isinstance(written, list):
        return "remove the `- ` or the brackets" if len(written) == 1 else "name each on its own"
    if not is_item:
        return "keep one of them" if written else ""
    if len(written) < 2:  # noqa: PLR2004  # several
        return ""
    first, second, *_ = written
    if written[first] is None and family_of(first) and not family_of(second):
        return f"indent `{second}` further than `{first}`, to which it belongs"
    return "begin a separate line with `-` for each"


def _of_number(text: str, nouns: Sequence[str]) -> str:
    """Where a number was written as text."""
    if text.endswith("%") and "a number" in nouns:
        return of_share(text, "1")
    if reads_as_number(text):
        return f"remove the quotes: `{text}`"
    return ""


def of_type(value: Any, nouns: Sequence[str], text: str = "") -> str:
    """Where another type is wanted, by what the types are called; `text` is how the value was written."""
    if isinstance(value, str) and any("number" in noun for noun in nouns):
        return _of_number(value, nouns)
    if isinstance(value, float) and value.is_integer() and "a whole number" in nouns:
        return f"write `{int(value)}`"
    if (value is None or isinstance(value, (bool, int, float))) and "a string" in nouns:
        return f'quote it: `"{text or json.dumps(value)}"`'
    if nouns == ("a mapping",) and isinstance(value, list) and all(isinstance(item, str) for item in value):
        return f"write `{value[0]}: {{}}` in the place of `{value[0]}`, and so on" if value else "write `{}`"
    if nouns == ("a list",):
        return (
            "begin each item with `- `"
            if isinstance(value, Mapping)
            else f"write `[{text or json.dumps(value)}]`"
        )
    return ""


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
    if isinstance(value, str) and (number := _number(value, nouns)) is not None:
        return Fix("remove the quotes", (Assign(path, number),))
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
