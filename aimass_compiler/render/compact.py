"""JSON and YAML in less space: a line for each part instead of each value, and what repeats said once."""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from aimass_compiler.render.emit import with_escapes

#: What is longer has a line for each of its own parts, too, so that a change shows where it is.
_WIDTH = 110
_LEVELS = 2
#: Folders of manifests, which Kustomize reads: it knows anchors, as YAML 1.1 has them.
_MANIFESTS = ("base/", "overlays/", "train/")
#: What is shorter is written as often as it is there.
_SHORTEST = 64
#: A key whose value stands below it.
_ABOVE = re.compile(r"(?P<indent> *(?:- )*)(?P<key>[A-Za-z]+):")
_LITERAL = re.compile(r".*: [|>][-+]?")


def compacted(path: str, content: bytes) -> bytes:
    """The file with the same values, shorter where it is JSON or manifests."""
    if path.endswith(".json"):
        return with_escapes(_json(content, _LEVELS) + "\n").encode()
    if path.startswith(_MANIFESTS):
        return "---\n".join(map(_anchored, content.decode().split("---\n"))).encode()
    return content


def _json(content: bytes | msgspec.Raw, levels: int) -> str:
    short = msgspec.json.format(bytes(content), indent=-1).decode()
    if levels == 0 or len(short) <= _WIDTH or short[0] != "{":
        return short
    found = msgspec.json.decode(content, type=dict[str, msgspec.Raw])
    parts = (f"{msgspec.json.encode(key).decode()}:{_json(part, levels - 1)}" for key, part in found.items())
    return "{\n" + ",\n".join(parts) + "\n}"


def _anchored(document: str) -> str:
    """One document, as `emit` writes it, in which a value that a key of this name has already is an alias."""
    lines = document.split("\n")
    first: dict[tuple[str, str], int] = {}
    anchors: dict[int, str] = {}
    place = 0
    while place < len(lines):
        line = lines[place]
        above = _ABOVE.fullmatch(line)
        end = place + 1
        if above is not None:
            end, value = _below(lines, place, len(above["indent"]))
            known = first.setdefault((above["key"], value), place)
            if known != place and len(value) >= _SHORTEST:
                anchors.setdefault(known, _named(above["key"], anchors.values()))
                lines[place:end] = [f"{line} *{anchors[known]}"]
                place += 1
                continue
            end = place + 1
        elif _LITERAL.fullmatch(line):
            end, _ = _below(lines, place, len(line) - len(line.lstrip(" -")))
        place = end
    for known, anchor in anchors.items():
        lines[known] += f" &{anchor}"
    return "\n".join(lines)


def _below(lines: list[str], place: int, indent: int) -> tuple[int, str]:
    """Where the value of a key ends that stands in a column, and the value as if that were the first one."""
    end = place + 1
    while end < len(lines) and (_column(lines[end]) > indent or lines[end].startswith(" " * indent + "- ")):
        end += 1
    return end, "\n".join(line[indent:] for line in lines[place + 1 : end])


def _column(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _named(key: str, taken: Iterable[str]) -> str:
    """A name after the key that no other anchor has."""
    count = sum(1 for name in taken if name.rstrip("0123456789") == key)
    return key if count == 0 else f"{key}{count + 1}"
