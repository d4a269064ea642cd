"""pipeline.json as plain data: of this compiler, or of whatever another revision had."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from pydantic_core import PydanticCustomError, PydanticKnownError

from aimass_compiler import conventions
from aimass_compiler.conflict_markers import is_conflicted
from aimass_compiler.diagnostics import Path
from aimass_compiler.values import Bytes, Cores, Duration, Percentage

Normal = Mapping[str, Any]

#: Ours has about ten; what is nested deeper was written by nobody's compiler.
_DEEPEST = 40
#: Where each part comes from that the compiler works out of others.
_ORIGINS: Mapping[Path, Path] = {
    ("task", "kind"): ("target",),
    ("task", "target"): ("target",),
    ("task", "classes"): ("target",),
    ("task", "positive"): ("positive",),
    ("retraining", "attempts"): ("evaluation", "on_failure", "retrain"),
    ("retraining", "adjust"): ("evaluation", "on_failure", "adjust"),
    ("retraining", "gates"): ("evaluation", "gates"),
}
#: What a spec says itself of the task.
_OF_TASK = {("task", "target"), ("task", "positive")}


class Unreadable(Exception):  # noqa: N818  # it reads as what is the case
    """A pipeline.json that cannot be compared; the message says why."""


def normal(content: bytes) -> Normal:
    """What a pipeline.json holds. Raises Unreadable where it is none of the format that is written now."""
    if is_conflicted(content):
        raise Unreadable("a merge left conflict markers in it")
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        raise Unreadable("it is not JSON") from None
    if not isinstance(document, dict) or _is_deep(document):
        raise Unreadable("it is no pipeline")
    if document.get("format") != conventions.PIPELINE_FORMAT:
        raise Unreadable(f"its format is not {conventions.PIPELINE_FORMAT}")
    return document


def _is_deep(document: Any) -> bool:
    level = [document]
    for _ in range(_DEEPEST):
        level = [
            part
            for node in level
            if isinstance(node, (dict, list))
            for part in (node.values() if isinstance(node, dict) else node)
        ]
        if not level:
            return False
    return True


def at(node: Any, dotted: str) -> Any:
    """The value below dotted keys; None where there is none."""
    for key in dotted.split("."):
        node = node.get(key) if isinstance(node, Mapping) else None
    return node


def mapping(node: Any) -> Mapping[str, Any]:
    """The node where it is a mapping; else one without keys."""
    return node if isinstance(node, Mapping) else {}


def named(node: Any) -> Mapping[str, Mapping[str, Any]]:
    """The mappings that a mapping holds."""
    return {name: part for name, part in mapping(node).items() if isinstance(part, Mapping)}


def texts(node: Any) -> list[str]:
    """The strings of a list."""
    return [part for part in node if isinstance(part, str)] if isinstance(node, list) else []


def word(node: Any) -> str:
    """The node as text where it is text or a number; of what aliases repeat without end there is none."""
    return str(node) if isinstance(node, (str, int, float)) else ""


def number(node: Any) -> float | None:
    """The node where it is a number."""
    is_number = isinstance(node, (int, float)) and not isinstance(node, bool)
    return node if is_number else None


def amount(kind: type[Duration | Cores | Bytes | Percentage], node: Any) -> Decimal | None:
    """How much an amount is in the unit of size 1; None where it is no such amount."""
    try:
        return kind.read(node).amount
    except (PydanticCustomError, PydanticKnownError, ValueError):
        return None


def origin(path: Path, pipeline: Normal) -> Path:
    """Where a spec says what stands at a path of its pipeline."""
    if path[:2] == ("task", "classes") and at(pipeline, "task.classes"):
        return ("data", "columns", str(at(pipeline, "task.target")), "values", *path[2:])
    start = _ORIGINS.get(path[:2])
    return path if start is None else start if path[0] == "task" else (*start, *path[2:])


def is_derived(path: Path) -> bool:
    """Whether what stands there only follows from other parts, which tell of it."""
    return path[:1] in {("task",), ("retraining",), ("format",)} and path[:2] not in _OF_TASK
