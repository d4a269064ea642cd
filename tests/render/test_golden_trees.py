"""What serves a model by another target than the usual one, file by file as it was read by a person.

`REWRITE=1 pytest tests/render/test_golden_trees.py` writes them anew; read their diff before you commit it.
"""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

import pytest

from aimass_compiler.render import render
from tests.render.models import VARIED

WANT = Path(__file__).parent / "want"
NAMES = (
    "rows-by-kserve",
    "language-by-kserve",
    "language-on-nodes",
    "language-with-picker",
    "by-events",
    "callers",
)
FILES = ("server.yaml", "kustomization.yaml")


@pytest.mark.parametrize("name", NAMES)
def test_the_tree_is_as_before(name: str) -> None:
    files = {
        path: content.decode()
        for path, content in render(VARIED[name]).items()
        if path.startswith(("base/", "overlays/")) and PurePosixPath(path).name in FILES
    }
    if "REWRITE" in os.environ:
        for path, text in files.items():
            (WANT / name / path).parent.mkdir(parents=True, exist_ok=True)
            (WANT / name / path).write_text(text, encoding="utf-8")
    kept = [path for path in (WANT / name).rglob("*") if path.is_file()]
    assert files == {
        path.relative_to(WANT / name).as_posix(): path.read_text(encoding="utf-8") for path in kept
    }
