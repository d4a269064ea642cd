"""GitHub's expressions, as far as the workflows use them: what `${{ … }}` and `if:` are worth.

https://docs.github.com/en/actions/reference/workflows-and-actions/expressions
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

Functions = Mapping[str, Callable[..., Any]]
#: Calling one of these says that a condition looks at what went before itself.
STATUS = ("success", "failure", "always", "cancelled")

_TOKEN = re.compile(
    r"\s*(?:(?P<string>'(?:[^']|'')*')|(?P<number>-?\d+(?:\.\d+)?)|(?P<name>[A-Za-z_][\w-]*)"
    r"|(?P<operator>\|\||&&|==|!=|[!().,*\[\]]))"
)
_EMBEDDED = re.compile(r"\$\{\{(?P<expression>.*?)\}\}", re.DOTALL)
_LITERALS = {"true": True, "false": False, "null": None}


def status(*, is_success: bool, is_failure: bool) -> Functions:
    """What the functions of STATUS answer; nobody cancels a run here."""
    return {
        "success": lambda: is_success,
        "failure": lambda: is_failure,
        "cancelled": lambda: False,
        "always": lambda: True,
    }


def value(expression: str, contexts: Mapping[str, Any], functions: Functions) -> Any:
    """What an expression is worth. Raises ValueError for what these workflows do not use so far."""
    return _Reader(expression, contexts, functions).whole()


def filled(written: Any, contexts: Mapping[str, Any], functions: Functions) -> Any:
    """A value of a workflow with its expressions in place; one that is an expression alone keeps its type."""
    if not isinstance(written, str):
        return written
    alone = _EMBEDDED.fullmatch(written.strip())
    if alone:
        return value(alone["expression"], contexts, functions)
    return _EMBEDDED.sub(lambda found: as_text(value(found["expression"], contexts, functions)), written)


def holds(condition: Any, contexts: Mapping[str, Any], functions: Functions) -> bool:
    """Whether an `if:` holds; one that asks for no status asks for success."""
    text = as_text(condition)
    text = text.strip().removeprefix("${{").removesuffix("}}").strip()
    asks = any(re.search(rf"\b{name}\s*\(", text) for name in STATUS)
    if not asks and not functions["success"]():
        return False
    return _is_true(value(text, contexts, functions)) if text else True


def as_text(found: Any) -> str:
    """A value as it is written into a string."""
    if found is None:
        return ""
    if isinstance(found, bool):
        return str(found).lower()
    return json.dumps(found) if isinstance(found, list | dict) else str(found)


class _Reader:
    """Reads one expression from left to right; each method is a level of precedence."""

    def __init__(self, text: str, contexts: Mapping[str, Any], functions: Functions) -> None:
        self._contexts = contexts
        self._functions = {"contains": _contains, "fromJSON": json.loads, **functions}
        self._tokens: list[tuple[str, str]] = []
        place = 0
        while text[place:].strip():
            found = _TOKEN.match(text, place)
            if found is None:
                raise ValueError(f"cannot read {text!r} from {text[place:]!r} on")
            self._tokens.append((found.lastgroup or "", found[0].strip()))
            place = found.end()

    def whole(self) -> Any:
        found = self._either()
        if self._tokens:
            raise ValueError(f"more than an expression: {self._tokens}")
        return found

    def _takes(self, operator: str) -> bool:
        if not self._tokens or self._tokens[0] != ("operator", operator):
            return False
        self._tokens.pop(0)
        return True

    def _either(self) -> Any:
        found = self._both()
        while self._takes("||"):
            other = self._both()
            found = found if _is_true(found) else other
        return found

    def _both(self) -> Any:
        found = self._equal()
        while self._takes("&&"):
            other = self._equal()
            found = other if _is_true(found) else found
        return found

    def _equal(self) -> Any:
        found = self._denied()
        while True:
            if self._takes("=="):
                found = _are_equal(found, self._denied())
            elif self._takes("!="):
                found = not _are_equal(found, self._denied())
            else:
                return found

    def _denied(self) -> Any:
        return not _is_true(self._denied()) if self._takes("!") else self._path()

    def _path(self) -> Any:
        found = self._start()
        while True:
            if self._takes("."):
                if self._takes("*"):
                    return self._of_each(found)
                found = _part(found, self._tokens.pop(0)[1])
            elif self._takes("["):
                found = _part(found, self._either())
                self._expect("]")
            else:
                return found

    def _of_each(self, found: Any) -> list[Any]:
        items = list(found.values()) if isinstance(found, dict) else list(found or [])
        while self._takes("."):
            name = self._tokens.pop(0)[1]
            items = [_part(item, name) for item in items]
        return items

    def _start(self) -> Any:
        if self._takes("("):
            found = self._either()
            self._expect(")")
            return found
        kind, text = self._tokens.pop(0)
        if kind == "string":
            return text[1:-1].replace("''", "'")
        if kind == "number":
            return float(text)
        if kind != "name":
            raise ValueError(f"not expected here: {text!r}")
        if self._takes("("):
            return self._functions[text](*self._arguments())
        return _LITERALS[text] if text in _LITERALS else self._contexts[text]

    def _arguments(self) -> list[Any]:
        given: list[Any] = []
        while not self._takes(")"):
            given.append(self._either())
            self._takes(",")
        return given

    def _expect(self, operator: str) -> None:
        if not self._takes(operator):
            raise ValueError(f"{operator!r} is missing before {self._tokens}")


def _part(found: Any, name: Any) -> Any:
    """A part by name, whatever its case, or by number; null of what has no such part."""
    if isinstance(found, list) and isinstance(name, float):
        return found[int(name)] if int(name) < len(found) else None
    if not isinstance(found, Mapping):
        return None
    return next((item for key, item in found.items() if key.lower() == as_text(name).lower()), None)


def _contains(within: Any, item: Any) -> bool:
    if isinstance(within, list):
        return any(_are_equal(each, item) for each in within)
    return as_text(item).lower() in as_text(within).lower()


def _are_equal(one: Any, other: Any) -> bool:
    if isinstance(one, str) and isinstance(other, str):
        return one.lower() == other.lower()
    if type(one) is type(other):
        return bool(one == other)
    return _as_number(one) == _as_number(other)


def _as_number(found: Any) -> float:
    """Of what is of another type than what it is compared with; NaN equals nothing."""
    if found is None or found == "":
        return 0.0
    try:
        return float(found)
    except (TypeError, ValueError):
        return float("nan")


def _is_true(found: Any) -> bool:
    """An empty list or object is true, unlike in Python."""
    return found not in (None, False, 0, "") or isinstance(found, list | dict)
