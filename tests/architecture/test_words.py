"""What users read speaks the field's standard terms, as docs/glossary.md lists them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
#: Each with what is said instead; docs/glossary.md has the table.
PRIVATE = {
    r"told": "reported, said",
    r"tells?": "reports, says, shows",
    r"ways? out": "hint",
    r"mend(s|ed|ing)?(?!-)": "fix",
    r"(stands|named) twice": "duplicate",
    r"learnt": "fitted, learned",
    r"pictures?": "image",
    r"moments?": "timestamp",
    r"somebody('s)?": "the one who acts",
    r"nobody": "no one, no caller",
    r"everybody": "everyone",
    r"whoever": "who",
    r"anew": "again",
    r"of (its|their) own": "own, separate",
    r"renew(s|ed)?": "upgrade, update, refresh",
    r"in earnest": "for real",
    r"takes? away|taken away": "remove",
    r"last words": "logs of the previous container",
    r"makers": "sends telemetry",
    r"calls? for help": "asks",
}
PATTERN = re.compile(rf"\b(?:{'|'.join(PRIVATE)})\b", re.IGNORECASE)
PAGES = sorted(
    path
    for path in (*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "schemas").glob("*.json"))
    if path.name != "glossary.md"
)
MODULES = sorted((ROOT / "aimass_compiler").rglob("*.py"))


def strings(module: ast.Module) -> Iterator[ast.Constant]:
    """Every text of a module that is no docstring."""
    alone = {node.value for node in ast.walk(module) if isinstance(node, ast.Expr)}
    for node in ast.walk(module):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in alone:
            yield node


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_a_page_uses_standard_terms(path: Path) -> None:
    lines = enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
    assert [f"{number}: {found[0]}" for number, line in lines if (found := PATTERN.search(line))] == []


def test_messages_use_standard_terms() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{text.lineno}: {match[0]}"
        for path in MODULES
        for text in strings(ast.parse(path.read_text(encoding="utf-8")))
        if (match := PATTERN.search(str(text.value)))
    ]
    assert found == []
