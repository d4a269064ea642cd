"""A spec with every default written out, each line with where its value comes from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from aimass_compiler import conventions
from aimass_compiler.catalog.task import Task
from aimass_compiler.catalog.transform import ColumnsOfType
from aimass_compiler.diagnostics import Path
from aimass_compiler.pipeline import Pipeline
from aimass_compiler.render.emit import emit, header
from aimass_compiler.spec.yaml.document import Document
from aimass_compiler.spec.yaml.reader import parse

_DEFAULT = "default"
#: Parts that nobody writes: the compiler works them out of the others.
_OF_COMPILER = frozenset({"format", "task", "retraining"})
_OVERRIDABLE = ("serving", "monitoring", "training", "scoring")


def resolved(pipeline: Pipeline, document: Document) -> str:
    """The pipeline in the language's own form, with a comment behind every value."""
    text = emit(_as_spec(pipeline), pipeline.path).decode().removeprefix(header(pipeline.path))
    shown, _ = parse(text, document.file)
    comments = {
        shown.place_of(path).line: _origin(path, value, document) for path, value in _leaves(shown.data)
    }
    lines = text.splitlines()
    width = max((len(lines[number - 1]) for number in comments if len(lines[number - 1]) < 60), default=0)  # noqa: PLR2004  # longer lines would push all comments away
    marked = (
        f"{line:<{width}}  # {comments[number]}" if number in comments else line
        for number, line in enumerate(lines, start=1)
    )
    return "\n".join(marked) + "\n"


def _as_spec(pipeline: Pipeline) -> dict[str, Any]:
    dumped = pipeline.model_dump(mode="json", exclude=set(_OF_COMPILER))
    head = {"apiVersion": conventions.API_VERSION, "kind": conventions.KIND}
    parts = {"metadata": dumped.pop("metadata"), "data": dumped.pop("data"), "target": _target(pipeline.task)}
    if pipeline.task.is_binary:
        parts["positive"] = pipeline.task.positive
    if pipeline.task.forecast is not None:
        dumped["task"] = {"forecast": dumped["task"]["forecast"]}
    if pipeline.task.weight is not None:
        parts["weight"] = pipeline.task.weight
    return head | parts | dumped


def _target(task: Task) -> str | list[str]:
    return list(task.targets) if task.is_multilabel else task.target


def _leaves(node: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    if isinstance(node, Mapping) and node:
        for key, value in node.items():
            yield from _leaves(value, (*path, key))
    elif isinstance(node, list) and node:
        for place, value in enumerate(node):
            yield from _leaves(value, (*path, place))
    else:
        yield path, node


def _origin(path: Path, value: Any, document: Document) -> str:
    """`specs/churn.yaml:12`, or that it is a default; an environment inherits from the part for all."""
    if path[0] == "environments" and len(path) > 2:  # noqa: PLR2004  # environments, its name, a part of it
        if (line := _written_line(path, value, document)) is not None:
            return f"{document.file}:{line}"
        if path[2] not in _OVERRIDABLE:
            return "aimass.yaml or default"
        return _origin(path[2:], value, document)
    line = _written_line(path, value, document)
    return _DEFAULT if line is None else f"{document.file}:{line}"


def _written_line(path: Path, value: Any, document: Document) -> int | None:
    """The line on which a value was written, also in a short form; None when it was not."""
    node, depth = _descend(document.data, path)
    if depth == len(path):
        return document.place_of(path).line
    if _stands_for_columns(node) and isinstance(path[-1], int):
        return document.place_of(path[:depth]).line
    # A short form leaves a name out: `log: [a, b]` is `log: {columns: [a, b]}`, and `a` is `[a]`.
    below, further = _descend(node, path[depth + 1 :])
    if isinstance(below, Mapping) or not _is_same(below, value):
        return None
    return document.place_of((*path[:depth], *path[depth + 1 :][:further])).line


def _descend(node: Any, path: Path) -> tuple[Any, int]:
    """What lies at the end of a path, or where it breaks off, and after how many steps."""
    for depth, step in enumerate(path):
        is_key = isinstance(node, Mapping) and step in node
        is_item = isinstance(node, list) and isinstance(step, int) and step < len(node)
        if not (is_key or is_item):
            return node, depth
        node = node[step]
    return node, len(path)


def _stands_for_columns(node: Any) -> bool:
    return isinstance(node, Mapping) and "type" in node and node.keys() <= ColumnsOfType.model_fields.keys()


def _is_same(written: Any, value: Any) -> bool:
    return bool(written == value or str(written) == str(value))
