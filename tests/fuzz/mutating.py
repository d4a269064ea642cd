"""Changes specs the way people get them wrong, and the way nobody would: structure first, then text."""

from __future__ import annotations

import json
import marshal
import random
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from aimass_compiler.checks import BASE, EXAMPLES
from aimass_compiler.spec.yaml.reader import parse
from tests.cases.front_end import changed

TESTS = Path(__file__).parents[1]
#: Scalars at which programs break.
ODD: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 0.5, -0.0, 1e-320, 1e308, -1e308, float("inf"), float("-inf"),
    float("nan"), 2**31, 2**53 + 1, 2**63, 2**64, -(2**63) - 1, 10**299, "", " ", "~", "no", "null",
    "1e3", "0x1F", "1_000", "a" * 64, "a" * 5000, "é", "e\u0301", "ß", "\U0001f600", "\u202e", "\u200b",
    "\u0130", "\ufdd0", "\x7f", "\x85", "\u2028", "a\nb", "a\r\nb", "\t", "{{ x }}", "${x}", "$(x)",
    "`x`", "%", "'", '"', "\\", "#", ": ", "- ", "---", "@", "&a", "*a", "!t", "<<", "..", "../x",
    "/etc/passwd", "a/b", ".", "con", "x" * 63, "X", "a_b", "1", "-", "30d", "1h", "5m", "0s", "-5m",
    "99999999999d", "1.5h", "500m", "2Gi", "1e9Gi", "10%", "100%", "101%", "-1%", "a + b", "((((a))))",
    "a / 0", "log(a", "a if b", "if(a, b, c)", "a == 'b", "0 3 * * *", "* * * * * *", "2024-01-01",
    "2024-02-30", "file:///x", "https://example.com/a?b=c", "s3://bucket/key", [], {}, [[]], [{}],
    {"": 0}, {"a": {"a": {"a": 1}}}, {"$ref": "#"}, {"log": [1e-5, 1e-1]}, {"between": [1, 2]},
    {"choice": []},
)  # fmt: skip


_SYNTAX = (
    b"&a ", b"*a", b"<<: ", b"!!str ", b"? ", b"|\n ", b">-\n ", b"\n", b"\n ", b"- ", b": ", b"{", b"}",
    b"[", b"]", b'"', b"'", b"#", b",", b"\t", b"\r", b"\0", b"\xef\xbb\xbf", b"\xe2\x80\xa8",
    b"\xed\xa0\x80",
)  # fmt: skip


def seeds() -> list[str]:
    """Sound specs and wrong ones: those that are shipped, those of the tests, and one per check."""
    paths = [*sorted((TESTS.parent / "specs").glob("*.yaml")), *sorted(TESTS.glob("*/*/*/spec.yaml"))]
    paths += [*sorted(TESTS.glob("cases/*/spec.yaml"))]
    texts = [path.read_bytes().decode("utf-8", errors="replace") for path in paths]
    examples = [
        json.dumps(changed(each, change)) for each in EXAMPLES for change in (each.fails, each.passes)
    ]
    return [*texts, BASE, *examples]


class Mutator:
    """Remembers every part of the seeds by its key, and puts parts where they do not belong."""

    def __init__(self, texts: list[str]) -> None:
        self.specs = [document.data for document in (parse(text, "a")[0] for text in texts) if document.root]
        self.parts: dict[str, list[Any]] = {}
        for spec in self.specs:
            for parent, step in _places(spec):
                self.parts.setdefault(str(step), []).append(parent[step])
        self.keys = sorted(key for key in self.parts if not key.isdigit())
        self.every = [part for parts in self.parts.values() for part in parts]

    def mutated(self, content: bytes, chance: random.Random) -> bytes:
        """The spec with some changes to its structure, written as JSON or as YAML."""
        data = _copy(_data_of(content) or chance.choice(self.specs))
        for _ in range(chance.choice((1, 1, 1, 2, 3, 8))):
            places = list(_places(data))
            if places:
                chance.choice(self._changes())(*chance.choice(places), chance)
        if chance.random() < 0.7:
            indent = chance.choice((None, 0, 2, 2, 2))
            written = json.dumps(data, ensure_ascii=chance.random() < 0.5, indent=indent)
            return written.encode("utf-8", "surrogatepass")
        text: str = yaml.dump(data, Dumper=yaml.CSafeDumper, allow_unicode=True, sort_keys=False)
        return text.encode("utf-8", "surrogatepass")

    def _changes(self) -> tuple[Callable[[Any, Any, random.Random], None], ...]:
        return (
            *(self._odd, self._odd, self._own, self._own, self._foreign, self._remove, self._repeat),
            *(self._rename, self._wrap, self._add, self._text, self._number),
        )

    def _odd(self, parent: Any, step: Any, chance: random.Random) -> None:
        parent[step] = _copy(chance.choice(ODD))

    def _own(self, parent: Any, step: Any, chance: random.Random) -> None:
        parent[step] = _copy(chance.choice(self.parts.get(str(step), self.every)))

    def _foreign(self, parent: Any, step: Any, chance: random.Random) -> None:
        parent[step] = _copy(chance.choice(self.every))

    def _remove(self, parent: Any, step: Any, _: random.Random) -> None:
        del parent[step]

    def _repeat(self, parent: Any, step: Any, chance: random.Random) -> None:
        if isinstance(parent, list):
            parent.insert(chance.randrange(len(parent) + 1), _copy(parent[step]))
        else:
            parent[f"{step}2"] = _copy(parent[step])

    def _rename(self, parent: Any, step: Any, chance: random.Random) -> None:
        if isinstance(parent, dict):
            parent[chance.choice((*self.keys, step + "e", step[:-1], step.upper()))] = parent.pop(step)

    def _wrap(self, parent: Any, step: Any, chance: random.Random) -> None:
        value = parent[step]
        parent[step] = [value] if chance.random() < 0.5 else {chance.choice(self.keys): value}

    def _add(self, parent: Any, step: Any, chance: random.Random) -> None:
        key = chance.choice(self.keys)
        value = parent[step]
        if isinstance(value, dict):
            value[key] = _copy(chance.choice(self.parts[key]))
        elif isinstance(value, list):
            value.append(_copy(chance.choice(self.every)))

    def _text(self, parent: Any, step: Any, chance: random.Random) -> None:
        value = parent[step]
        if isinstance(value, str):
            odd = str(chance.choice(ODD))
            place = chance.randrange(len(value) + 1)
            parent[step] = value[:place] + odd[:200] + value[place:]

    def _number(self, parent: Any, step: Any, chance: random.Random) -> None:
        value = parent[step]
        if isinstance(value, (int, float)):
            parent[step] = chance.choice((value + 1, value - 1, -value, value * 1000, value / 7, str(value)))


def bytes_mutated(content: bytes, chance: random.Random) -> bytes:
    """The text with some bytes changed, removed, repeated or moved."""
    changed = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 5))):
        place = chance.randrange(len(changed) + 1)
        length = chance.choice((1, 1, 2, 8, 60))
        part = changed[place : place + length]
        new = chance.choice((b"", part * 2, part[::-1], chance.randbytes(1), chance.choice(_SYNTAX)))
        changed[place : place + length] = new
    return bytes(changed)


@lru_cache(1000)
def _data_of(content: bytes) -> Any:
    return parse(content, "a")[0].data if len(content) < 100_000 else {}


def _copy(value: Any) -> Any:
    return marshal.loads(marshal.dumps(value))  # noqa: S302  # our own data, and the fastest way to copy it


def _places(data: Any) -> Iterator[tuple[Any, Any]]:
    """Every container with each of its keys or indices."""
    stack = [data]
    while stack:
        node = stack.pop()
        steps = list(node) if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
        for step in steps:
            yield node, step
            stack.append(node[step])
