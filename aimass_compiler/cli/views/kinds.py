"""The kinds that a spec can name: all of them in lists, or one with its parameters."""

from __future__ import annotations

import inspect
import json
import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING

from aimass_compiler.catalog import FAMILIES, load, names
from aimass_compiler.descriptions import descriptions
from aimass_compiler.pipeline.columns import COLUMN_TYPES

if TYPE_CHECKING:
    from pydantic import BaseModel

    from aimass_compiler.catalog import Kind

_INDENT = " " * 6


def listed(width: int) -> str:
    """Every family with its kinds, a line each."""
    return "\n".join(line for family in FAMILIES for line in (*_family(family, width), ""))


def family_drawn(family: str, width: int) -> str:
    """One family with its kinds."""
    return "\n".join(_family(family, width)) + "\n"


def kind_drawn(family: str, name: str, width: int) -> str:
    """What a kind does, its parameters and how it is written in short."""
    kind = load(family, name)
    lines = [f"{FAMILIES[family]} {name}", "", *textwrap.wrap(_summary(kind), width), ""]
    if kind.short_form:
        long = f"{{{_spelling(kind, kind.short_form)}: VALUE}}"
        lines += [f"In short, `{name}: VALUE` means `{name}: {long}`.", ""]
    lines += [line for parameter in kind.model_fields for line in _parameter(kind, parameter, width)]
    return "\n".join(lines) + "\n"


def column_drawn(name: str, width: int) -> str:
    """What a column of a type holds, and its keys."""
    kind: type[BaseModel] = COLUMN_TYPES[name]
    paragraphs = inspect.cleandoc(kind.__doc__ or "").split("\n\n")
    lines = [f"column type {name}", ""]
    for paragraph in paragraphs:
        lines += [*textwrap.wrap(" ".join(paragraph.split()), width), ""]
    known = descriptions(kind)
    for key in kind.model_fields:
        if key != "type":
            lines.append(f"  {key}")
            lines += textwrap.wrap(
                known.get(key, ""), width, initial_indent=_INDENT, subsequent_indent=_INDENT
            )
    return "\n".join(lines) + "\n"


def _family(family: str, width: int) -> Iterator[str]:
    kinds = {name: _summary(load(family, name)) for name in names(family)}
    column = max(map(len, kinds))
    yield f"{family}:"
    for name, summary in kinds.items():
        room = max(20, width - column - 4)
        yield f"  {name:<{column}}  {textwrap.shorten(summary, room, placeholder=' …')}"


def _summary(kind: type[Kind]) -> str:
    return (kind.__doc__ or "").strip().partition("\n\n")[0].replace("\n    ", " ")


def _spelling(kind: type[Kind], parameter: str) -> str:
    return kind.model_fields[parameter].alias or parameter


def _parameter(kind: type[Kind], parameter: str, width: int) -> Iterator[str]:
    yield f"  {_spelling(kind, parameter)} ({_need(kind, parameter)})"
    yield from textwrap.wrap(
        descriptions(kind).get(parameter, ""), width, initial_indent=_INDENT, subsequent_indent=_INDENT
    )


def _need(kind: type[Kind], parameter: str) -> str:
    """Whether it must be written, and what it is where it is not, as a spec would have it."""
    field = kind.model_fields[parameter]
    if field.is_required():
        return "required"
    default = field.get_default(call_default_factory=True)
    return "optional" if default is None else f"default {json.dumps(default, default=str)}"
