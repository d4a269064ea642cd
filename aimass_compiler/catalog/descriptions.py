"""What each field of a record means: the text below it in the source, read when somebody asks.

Pydantic can read it whenever a class is made (`use_attribute_docstrings`); that took a third of the
time that one spec takes to compile, and compiling needs no descriptions.
"""

from __future__ import annotations

import ast
import inspect
import sys
from functools import cache
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def descriptions(record: type[BaseModel]) -> dict[str, str]:
    """The description of each field by its name, those of the classes that it extends included."""
    found: dict[str, str] = {}
    for kind in reversed(record.__mro__):
        if issubclass(kind, BaseModel) and kind is not BaseModel:
            found |= _in_source(kind.__module__).get(kind.__qualname__.partition("[")[0], {})
    return {name: text for name, text in found.items() if name in record.model_fields}


@cache
def _in_source(module: str) -> Mapping[str, Mapping[str, str]]:
    """Class name → field → description; nothing where the source is not at hand."""
    try:
        source = inspect.getsource(sys.modules[module])
    except (OSError, TypeError, KeyError):
        return {}
    classes = (node for node in ast.parse(source).body if isinstance(node, ast.ClassDef))
    return {node.name: dict(_of_class(node)) for node in classes}


def _of_class(node: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for field, below in zip(node.body, node.body[1:], strict=False):
        if not (isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)):
            continue
        if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
            text = below.value.value
            if isinstance(text, str):
                yield field.target.id, inspect.cleandoc(text)


class DescribingJsonSchema(GenerateJsonSchema):
    """Writes each field's description into the schema."""

    def model_schema(self, schema: Any) -> dict[str, Any]:
        """The schema of one record; fields in it go by their alias."""
        written = super().model_schema(schema)
        record = schema["cls"]
        for name, text in descriptions(record).items():
            spelling = record.model_fields[name].alias or name
            if spelling in written.get("properties", {}):
                written["properties"][spelling].setdefault("description", text)
        return written
