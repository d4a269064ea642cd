"""What a spec says is told in a plan, and is neither markup nor a command there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt

from aimass_compiler.cli import main
from tests.cases.front_end import base
from tests.hostile.every_string import HOSTILE

HARMLESS = "zqz"


def plan(root: Path, inside: str, form: str, capsys: pytest.CaptureFixture[str]) -> str:
    """The plan of a model that changes its description and a category, and is told of a column."""
    spec = root / "specs" / "churn.yaml"
    spec.parent.mkdir(exist_ok=True)
    data = base("metadata: {owner: us}\ndata: {columns: {note: {type: text, description: old}}}")
    spec.write_text(json.dumps(data))
    assert main(["compile", "--root", str(root)]) == 0
    data["metadata"] |= {"owner": f"a{inside}b", "description": f"a{inside}b"}
    data["data"]["columns"]["plan"]["values"] = ["basic", "plus", f"a{inside}b"]
    data["data"]["columns"]["note"]["description"] = f"a{inside}b"
    spec.write_text(json.dumps(data))
    capsys.readouterr()
    assert main(["plan", "--format", form, "--diff", "--root", str(root)]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("inside", HOSTILE, ids=ascii)
def test_a_plan_as_markdown_has_the_structure_of_a_harmless_one(
    tmp_path: Path, inside: str, capsys: pytest.CaptureFixture[str]
) -> None:
    parser = MarkdownIt("gfm-like", {"linkify": False})
    harmless, hostile = (
        [
            (token.type, token.content if token.type == "html_block" else [*map(_kind, token.children or ())])
            for token in parser.parse(plan(tmp_path, each, "markdown", capsys))
        ]
        for each in (HARMLESS, inside)
    )
    assert hostile == harmless


def shape(data: Any) -> Any:
    """The data with the name of its kind for each value."""
    if isinstance(data, dict):
        return {key: shape(value) for key, value in data.items()}
    return [shape(value) for value in data] if isinstance(data, list) else type(data).__name__


def _kind(token: object) -> str:
    return str(getattr(token, "type", ""))


def test_a_plan_as_json_is_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = [json.loads(plan(tmp_path, each, "json", capsys)) for each in (HARMLESS, "".join(HOSTILE))]
    assert shape(told[1]) == shape(told[0])
