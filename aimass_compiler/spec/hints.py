"""Hints where a value does not fit: the user's own value, written as it would be accepted."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from aimass_compiler import conventions
from aimass_compiler.catalog import family_of
from aimass_compiler.spec.certain import reads_as_number, without_underscores
from aimass_compiler.spec.scalars import comma_meant

if TYPE_CHECKING:
    from aimass_compiler.diagnostics import Path

_WHOLE = 100
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
    text = _percent(value)
    number = float(text) if re.fullmatch(r"[0-9]+(\.[0-9]+)?", text) else -1
    is_certain = str(value).endswith("%") or (number > 1 and text.isdecimal())
    is_percentage = most == "1" and is_certain and 0 <= number <= _WHOLE
    return f"write {number / _WHOLE:g} for {text} %" if is_percentage else ""


def of_unit(value: Any, least: str) -> str:
    """Where a number without a unit is too small: the unit of what it must at least be is meant."""
    unit = least.lstrip("0123456789.")
    is_bare = unit.isalpha() and str(value).isdecimal() and str(value) != "0"
    return f"did you mean `{value}{unit}`?" if is_bare else ""


def of_percentage(value: Any) -> str:
    """Where the number alone is a percentage already."""
    return f"write {_percent(value)} for {_percent(value)} %" if str(value).endswith("%") else ""


def _percent(value: Any) -> str:
    return f"{value}".removesuffix("%").strip()


def of_form(written: Mapping[str, Any] | list[Any], *, is_item: bool) -> str:
    """Where a list, or several keys, stand in the place of the one key that names a kind."""
    if isinstance(written, list):
        return "take away the `- ` or the brackets" if len(written) == 1 else "name each on its own"
    if not is_item:
        return "keep one of them" if written else ""
    if len(written) < 2:  # noqa: PLR2004  # several
        return ""
    first, second, *_ = written
    if written[first] is None and family_of(first) and not family_of(second):
        return f"indent `{second}` further than `{first}`, to which it belongs"
    return "begin a line of its own with `-` for each"


def _of_number(text: str, nouns: Sequence[str]) -> str:
    """Where a number was written as text."""
    if text.endswith("%") and "a number" in nouns:
        return of_share(text, "1")
    if reads_as_number(text):
        return f"take away the quotes: `{text}`"
    if re.fullmatch(r"[0-9]+,[0-9]+", text):
        return comma_meant(*text.split(","))
    number = without_underscores(text)
    return f"write `{number}`" if reads_as_number(number) else ""


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
