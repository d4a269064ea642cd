"""The hooks that this repository offers to pre-commit call commands that there are, for their files."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from aimass_compiler.cli import main

HOOKS = yaml.safe_load((Path(__file__).parents[2] / ".pre-commit-hooks.yaml").read_text())


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook["id"])
def test_a_hook_calls_a_command_with_options_that_it_has(
    hook: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "specs").mkdir()
    (tmp_path / "generated").mkdir()
    program, *arguments = hook["entry"].split()
    assert program == "aimass"
    assert main(arguments) == 0


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook["id"])
def test_a_hook_is_about_specs_and_settings(hook: dict[str, Any]) -> None:
    pattern = re.compile(hook["files"])
    assert all(pattern.search(file) for file in ("specs/churn.yaml", "specs/churn.yml", "aimass.yaml"))
    assert not any(pattern.search(file) for file in ("README.md", "docs/aimass.yaml", "data/specs/x.yaml"))


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook["id"])
def test_a_hook_gets_names_where_its_command_takes_them(hook: dict[str, Any]) -> None:
    takes_names = hook["id"] in {"aimass-fmt", "aimass-fix"}
    assert hook.get("pass_filenames", True) is takes_names
