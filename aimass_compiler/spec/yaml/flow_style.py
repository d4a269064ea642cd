"""Plain values as YAML on one line, so that YAML 1.1 and 1.2 read the same."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from aimass_compiler.spec.yaml.scalars import UnholdableNumberError, portable, read_elsewhere_as, resolved
from aimass_compiler.spec.yaml.source_text import FORBIDDEN

#: Text that needs no quotes anywhere: it starts with a letter or is an amount such as `50ms`, and nothing in
#: it means something to YAML.
_PLAIN = re.compile(r"[^\W\d][\w./%@+-]*( [\w./%@+-]+)*|[0-9]+(\.[0-9]+)?[A-Za-z%]{1,2}")


def written(value: Any, *, quotes: str = "") -> str:
    """The value in YAML's flow style; text in the given quotes, or in none where it needs none."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{written(key)}: {written(below)}" for key, below in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(written(item) for item in value) + "]"
    if not isinstance(value, str):
        return portable(json.dumps(value)) if isinstance(value, float) else json.dumps(value)
    if quotes == "'" and "'" not in value and value.isprintable():
        return f"'{value}'"
    if quotes != '"' and _is_plain(value):
        return value
    quoted = json.dumps(value, ensure_ascii=False)
    return FORBIDDEN.sub(lambda found: f"\\u{ord(found.group()):04x}", quoted)


def _is_plain(text: str) -> bool:
    if not _PLAIN.fullmatch(text) or read_elsewhere_as(text):
        return False
    try:
        return resolved(text) == text
    except UnholdableNumberError:
        return False
