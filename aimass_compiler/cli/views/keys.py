"""A key of the language: what it means, what it takes, and the keys below it."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING

from aimass_compiler.spec.keys import NAME, keys_below

if TYPE_CHECKING:
    from aimass_compiler.spec.keys import Key

_INDENT = " " * 6
_OPTIONAL = "optional"


def key_drawn(key: Key, width: int) -> str:
    """The whole page of a key."""
    file = "a spec" if key.file == "spec" else key.file
    lines = [f"{key.path}, in {file}" if key.path else file, "", *_wrapped(key.meaning, width)]
    if key.has_names:
        (key,) = keys_below(key)
        lines += ["", f"{NAME} stands for names of your own."]
    below = keys_below(key)
    taken = [line for each in below for line in _entry(each, width)] or [_taken(key)]
    lines += ["", *taken] if taken != [_OPTIONAL] else []
    return "\n".join(lines) + "\n"


def _entry(key: Key, width: int) -> Iterator[str]:
    only = f", of {' and '.join(key.only)}" if key.only else ""
    yield f"  {key.path.rpartition('.')[2]} ({_taken(key)}{only})"
    yield from _wrapped(key.meaning, width, _INDENT)


def _wrapped(text: str, width: int, indent: str = "") -> list[str]:
    return textwrap.wrap(text, width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)


def _taken(key: Key) -> str:
    """What may be written, and what holds where nothing is."""
    parts = ["required"] if key.is_required else []
    if key.has_names:
        (named,) = keys_below(key)
        parts += [f"names with {_taken(named)}" if keys_below(named) else "names of your own"]
    elif key.records:
        parts += [f"keys {', '.join(each.path.rpartition('.')[2] for each in keys_below(key))}"]
    elif key.family:
        parts += [f"see `aimass explain {key.family}`"]
    else:
        parts += [f"one of {', '.join(map(str, key.words))}"] if key.words else []
        if key.default is not None:
            parts += [f"default {json.dumps(key.default, default=str, ensure_ascii=False)}"]
    return "; ".join(parts) or _OPTIONAL
