"""The blocks of code on pages: where each begins, which file it shows, and what runs it.

A comment above a block says what is not plain from it: `<!-- run by: tests/… -->` names the test that runs
it, `<!-- not run: … -->` the reason why none does, and `<!-- within: … -->` the whole that it is in.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
#: docs/codes.md is made of examples that tests/codes runs.
PAGES = [
    ROOT / "README.md",
    *(path for path in sorted((ROOT / "docs").glob("*.md")) if path.name != "codes.md"),
]
_BLOCK = re.compile(
    r"(?P<marks>(?:^ *<!-- (?:not run|run by|within): [^>]* -->\n)*)"
    r"^(?P<indent> *)```(?P<language>\w*)[^\n]*\n(?P<text>.*?)^(?P=indent)```",
    re.MULTILINE | re.DOTALL,
)
_MARK = re.compile(r"<!-- (not run|run by|within): ([^>]*?) -->")
_FILE = re.compile(r"^(?:#|//) ((?:[\w.-]+/)*[\w-]+\.(?:yaml|py))\b")


@dataclass(frozen=True)
class Block:
    """One block."""

    page: Path
    line: int
    language: str
    text: str
    marks: dict[str, str]

    @property
    def place(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def reason(self) -> str:
        """Why it is not run; empty where it is."""
        return self.marks.get("not run", "")

    @property
    def run_by(self) -> str:
        """The test that runs it; empty where those of this folder do."""
        return self.marks.get("run by", "")

    @property
    def within(self) -> str:
        """The spec that it is a part of; empty where it is the page's."""
        return self.marks.get("within", "")

    @property
    def file(self) -> str:
        """The file that it shows, as its first line has it; empty where that says none."""
        found = _FILE.match(self.text)
        return found[1] if found else ""


def blocks(page: Path) -> Iterator[Block]:
    """The blocks of a page, in their order."""
    content = page.read_text(encoding="utf-8")
    for found in _BLOCK.finditer(content):
        line = content.count("\n", 0, found.start("text"))
        marks = dict(_MARK.findall(found["marks"]))
        yield Block(page, line, found["language"], textwrap.dedent(found["text"]), marks)
