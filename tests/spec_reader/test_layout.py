"""The canonical layout says the same with the same comments, and is its own canonical layout."""

from __future__ import annotations

import io
import json
import random
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from aimass_compiler.spec.edits.formatter import formatted
from aimass_compiler.spec.edits.layout import comments, laid_out
from aimass_compiler.spec.yaml.reader import parse
from tests.examples import at_most

ROOT = Path(__file__).parents[2]
#: Texts of real life: manifests, workflows, specs.
FOUND = sorted(
    path
    for pattern in (
        "specs/*.yaml",
        "generated/**/*.yaml",
        ".github/**/*.yml",
        "tests/cases/*/spec.yaml",
        ".*.yaml",
    )
    for path in ROOT.glob(pattern)
)
#: What people write, and what becomes of it.
LAYOUTS = {
    "four spaces": ("a:\n    b:\n        c: 1\n", "a:\n  b:\n    c: 1\n"),
    "dashes below the key": ("a:\n- b\n-   c: 1\n    d: 2\n", "a:\n  - b\n  - c: 1\n    d: 2\n"),
    "lists in lists": ("- - a\n  -   b\n-\n    - c\n", "- - a\n  - b\n-\n  - c\n"),
    "spaces in brackets": ("a: { b : [1,2 , 3] }\n", "a: {b: [1, 2, 3]}\n"),
    "aligned values": ("a:    1\nbb:   2\n", "a: 1\nbb: 2\n"),
    "aligned comments": ("a: 1   # one\nbb: 2  # two\n", "a: 1   # one\nbb: 2  # two\n"),
    "a bracket over lines": ("a:\n    b: [\n      1,  # one\n    ]\n", "a:\n  b: [\n    1,  # one\n  ]\n"),
    "a bracket that is aligned": ("ab:   [1,\n       2]\n", "ab: [1,\n     2]\n"),
    "text over lines": ("a:\n    b: x\n      y\n\n      z\n", "a:\n  b: x\n    y\n\n    z\n"),
    "a block of text": ("a:\n    b: |\n          x\n            y\n", "a:\n  b: |\n    x\n      y\n"),
    "a block that says where it starts": ("a:\n    b: |2\n          x\n", "a:\n  b: |2\n        x\n"),
    "a block that keeps its end": ("a: |+\n   x\n\n\nb: 1\n", "a: |+\n  x\n\n\nb: 1\n"),
    "a comment behind a block": ("a:\n  b: |\n      x\n   # c\n", "a:\n  b: |\n    x\n  # c\n"),
    "comments where they belong": (
        "# a\na:\n    # b\n    b: 1\n    # after b\n# c\nc: 1\n",
        "# a\na:\n  # b\n  b: 1\n  # after b\n# c\nc: 1\n",
    ),
    "empty lines": ("\n\na: 1\n\n\n\nb: 2\n\n\n", "a: 1\n\nb: 2\n"),
    "spaces at the end": ("a: 1  \nb:   \n  - c \n", "a: 1\nb:\n  - c\n"),
    "no last line end": ("a: 1", "a: 1\n"),
    "a comment without a last line end": ("a: 1 # one", "a: 1 # one\n"),
    "anchors": ("a: &x   {b:  1}\nc:   *x\n", "a: &x {b: 1}\nc: *x\n"),
    "a document": ("---\na:   1\n...\n", "---\na: 1\n...\n"),
    "windows": ("a:   1\r\n\r\n\r\nb: 2\r\n", "a: 1\n\nb: 2\n"),
    "only a comment": ("\n  # nothing\n", "# nothing\n"),
    "an alias for a key": ("a: &x y\n*x : 1\n", "a: &x y\n*x : 1\n"),
    "a long key": ("?   a\n:   b\n", "? a\n: b\n"),
}  # fmt: skip


@pytest.mark.parametrize("name", LAYOUTS)
def test_it_is_laid_out(name: str) -> None:
    text, want = LAYOUTS[name]
    assert laid_out(text) == want
    assert laid_out(want) == want


@pytest.mark.parametrize("path", FOUND, ids=lambda path: str(path.relative_to(ROOT)))
def test_texts_of_real_life_say_the_same(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    try:
        before = list(yaml.safe_load_all(text))
    except yaml.YAMLError:
        return  # some cases are no YAML
    once = laid_out(text)
    assert list(yaml.safe_load_all(once)) == before
    assert list(comments(once)) == list(comments(text))
    assert laid_out(once) == once


def test_specs_of_this_project_are_in_canonical_form() -> None:
    for path in (ROOT / "specs").glob("*.yaml"):
        assert formatted(path.read_bytes(), path.name) == (path.read_bytes(), [])


class Pen:
    """Writes data as YAML in every hand that people have."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)  # noqa: S311  # layouts are no secrets

    def spaces(self) -> str:
        return " " * self.chance.choice((1, 1, 1, 2, 5))

    def remark(self) -> str:
        return self.chance.choice(("", "", "", "", f"{self.spaces()}# {self.chance.random()}"))

    def lines_between(self, indent: int) -> str:
        if self.chance.random() < 0.8:
            return ""
        place = self.chance.choice((0, indent, indent, indent + 2))
        return self.chance.choice(("\n", "\n\n\n", f"{' ' * place}# {self.chance.random()}\n"))

    def scalar(self, value: Any) -> str:
        if not isinstance(value, str):
            return json.dumps(value)
        return self.chance.choice((f'"{value}"', f"'{value}'"))

    def flow(self, value: Any) -> str:
        if isinstance(value, dict):
            keys = [f"{self.scalar(key)}{self.gap()}:{self.spaces()}" for key in value]
            inside = [key + self.flow(below) for key, below in zip(keys, value.values(), strict=True)]
            return "{" + self.listed(inside) + "}"
        if isinstance(value, list):
            return "[" + self.listed([self.flow(below) for below in value]) + "]"
        return self.scalar(value)

    def gap(self) -> str:
        return self.chance.choice(("", " ", "  "))

    def listed(self, inside: list[str]) -> str:
        return self.gap() + f"{self.gap()},{self.gap()}".join(inside) + self.gap()

    def block(self, value: Any, indent: int) -> str:
        """Lines at this indentation; the caller has ended its own."""
        parts = []
        items = value.items() if isinstance(value, dict) else ((None, below) for below in value)
        for key, below in items:
            sign = f"{self.scalar(key)}:" if isinstance(value, dict) else "-"
            below_it = self.below(below, indent, is_key=isinstance(value, dict))
            parts += [self.lines_between(indent), " " * indent, sign, below_it]
        return "".join(parts)

    def below(self, value: Any, indent: int, *, is_key: bool) -> str:
        if not value or not isinstance(value, (dict, list)) or self.chance.random() < 0.3:
            if isinstance(value, str) and value.isalpha() and self.chance.random() < 0.3:
                return self.text_block(value, indent)
            return f"{self.spaces()}{self.flow(value)}{self.remark()}\n"
        deeper = indent + self.chance.choice((1, 2, 2, 4))
        if is_key and isinstance(value, list) and self.chance.random() < 0.4:
            deeper = indent
        if not is_key and self.chance.random() < 0.6:
            width = self.chance.choice((1, 1, 3))
            lines = self.block(value, indent + 1 + width)
            first = lines.lstrip("\n ")
            return " " * width + first if not first.startswith("#") else f"\n{lines}"
        return f"{self.remark()}\n{self.block(value, deeper)}"

    def text_block(self, value: str, indent: int) -> str:
        inner = " " * (indent + self.chance.choice((3, 5)))
        return f" {self.chance.choice('|>')}-\n{inner}{value}\n"


WORDS = st.sampled_from(["no", "010", "~"]) | st.text("abc xyz#-:", min_size=1, max_size=6).map(
    str.strip
).filter(bool)
DATA = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | WORDS,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(WORDS, below, max_size=3),
    max_leaves=12,
)


@at_most(200)
@given(st.dictionaries(WORDS, DATA, min_size=1, max_size=4), st.integers(0, 2**32))
def test_any_hand_becomes_the_same_hand(data: dict[str, Any], seed: int) -> None:
    text = Pen(seed).block(data, 0)
    document, findings = parse(text, "spec")
    assert document.data == data, (text, findings)
    after, problems = formatted(text.encode(), "spec")
    assert problems == []
    assert parse(after, "spec")[0].data == data
    assert YAML(typ="safe").load(io.BytesIO(after)) == data
    assert sorted(comments(after.decode())) == sorted(comments(text))
    assert formatted(after, "spec") == (after, [])
    assert not any(line != line.rstrip() for line in after.decode().split("\n"))
    assert b"\n\n\n" not in after
