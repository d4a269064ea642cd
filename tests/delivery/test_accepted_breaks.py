"""A break is accepted by its name and a reason, and no other break with it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import yaml
from jsonschema import Draft202012Validator

from aimass_compiler import conventions
from aimass_compiler.language.json_schemas import schemas
from aimass_compiler.language.snippets import BREAK_SNIPPETS
from aimass_compiler.releases import record_check
from aimass_compiler.releases.accepted_breaks import DamagedAcceptance, accepted_breaks, entry

if TYPE_CHECKING:
    from pathlib import Path

VALIDATOR = Draft202012Validator(json.loads(schemas()[conventions.ACCEPTS_SCHEMA_FILE]))


def write(root: Path, text: str) -> None:
    (root / "accepts").mkdir(exist_ok=True)
    (root / "accepts/churn.yaml").write_text(text, encoding="utf-8")


def test_without_a_file_nothing_is_accepted(tmp_path: Path) -> None:
    assert accepted_breaks(tmp_path, "churn") == {}


def test_each_break_has_its_reason(tmp_path: Path) -> None:
    write(tmp_path, "- break: input-removed:tenure\n  reason: the app has not sent it since November\n")
    assert accepted_breaks(tmp_path, "churn") == {
        "input-removed:tenure": "the app has not sent it since November"
    }
    assert accepted_breaks(tmp_path, "fraud") == {}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("- break: input-removed:tenure\n", "missing required field `reason`"),
        ("- {break: input-removed:tenure, reason: ' '}\n", "`input-removed:tenure` is accepted without"),
        ("- {break: input-removed:tenure, reason: known, until: later}\n", "unknown field `until`"),
        ("breaks: [", "did not find expected node content"),
        ("input-removed:tenure\n", "Expected `array`"),
    ],
)
def test_a_file_that_cannot_be_read_accepts_nothing(tmp_path: Path, text: str, says: str) -> None:
    write(tmp_path, text)
    with pytest.raises(DamagedAcceptance, match=r"^accepts/churn.yaml cannot be read: ") as damaged:
        accepted_breaks(tmp_path, "churn")
    assert says in str(damaged.value)
    if "[" not in text:  # which is no YAML
        assert not VALIDATOR.is_valid(yaml.safe_load(text)), "editors show it, too"


@pytest.mark.parametrize(
    "name", ["input-removed:tenure", "task-changed:regression", "input-value-removed:plan=pro: # 2\n\"x'"]
)
def test_the_entry_that_is_proposed_is_read_back_as_the_break(tmp_path: Path, name: str) -> None:
    write(tmp_path, entry(name))
    assert accepted_breaks(tmp_path, "churn") == {name: "…"}
    assert VALIDATOR.is_valid(yaml.safe_load(entry(name)))


def test_editors_propose_an_entry_that_is_one() -> None:
    for snippet in BREAK_SNIPPETS:
        assert VALIDATOR.is_valid(snippet["body"])


def test_a_damaged_file_is_told_in_one_line_without_the_place_of_the_project(tmp_path: Path) -> None:
    files = [tmp_path / "accepts" / "growth" / "churn.yaml", tmp_path / "accepts" / "churn.yaml"]
    files[0].parent.mkdir(parents=True)
    files[0].write_text("[1\n")
    files[1].mkdir()
    found = [each.message for each in record_check.findings(tmp_path)]
    assert len(found) == 2
    for message in found:
        assert message.isprintable()
        assert "line 1, column 1" in message or "Is a directory: 'accepts/churn.yaml'" in message
        assert str(tmp_path) not in message
