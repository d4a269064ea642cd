"""JSON in less space: a line for each part, instead of one for each value."""

from __future__ import annotations

import msgspec

from aimass_compiler.render.emit import with_escapes

#: What is longer has a line for each of its own parts, too, so that a change shows where it is.
_WIDTH = 110
_LEVELS = 2


def compacted(path: str, content: bytes) -> bytes:
    """The file with the same values, shorter where it is JSON."""
    return with_escapes(_json(content, _LEVELS) + "\n").encode() if path.endswith(".json") else content


def _json(content: bytes | msgspec.Raw, levels: int) -> str:
    short = msgspec.json.format(bytes(content), indent=-1).decode()
    if levels == 0 or len(short) <= _WIDTH or short[0] != "{":
        return short
    found = msgspec.json.decode(content, type=dict[str, msgspec.Raw])
    parts = (f"{msgspec.json.encode(key).decode()}:{_json(part, levels - 1)}" for key, part in found.items())
    return "{\n" + ",\n".join(parts) + "\n}"
