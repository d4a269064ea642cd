"""Files, functions and sentences stay of a size and a kind that the next person can read."""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted((ROOT / "aimass_compiler").rglob("*.py"))
LONGEST_FILE = 400
LONGEST_FUNCTION = 50
BANNED_NAMES = re.compile(r"^(utils?|helpers?|common|misc|managers?|base)$")
#: What would tie the project to one machine or one network; `ray` is the user of Ray's own images.
TIES = re.compile(
    rb"/home/(?!ray\b)[a-z]|/root/|/Users/|\.internal\b|index-url|artifactory|nexus\.", re.IGNORECASE
)


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    return [path for name in listed.stdout.decode().split("\0") if name and (path := ROOT / name).is_file()]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_is_one_idea_that_its_first_line_tells(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    first = (ast.get_docstring(tree) or "").split("\n\n")[0]
    assert first.endswith((".", ":")), "the docstring begins with a sentence"
    assert not BANNED_NAMES.match(path.stem), "the name says nothing"
    assert len(text.splitlines()) <= LONGEST_FILE
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            assert lines <= LONGEST_FUNCTION, f"{node.name} has {lines} lines"


def test_the_compiler_is_read_in_a_minute() -> None:
    assert len((ROOT / "aimass_compiler/compile.py").read_text().splitlines()) < 200


def test_every_folder_of_code_is_a_package() -> None:
    folders = {path.parent for path in MODULES}
    assert [folder for folder in sorted(folders) if not (folder / "__init__.py").is_file()] == []


def test_nothing_ties_the_project_to_a_machine_or_a_network() -> None:
    this = Path(__file__)
    tied = {
        str(path.relative_to(ROOT)): found.group()
        for path in tracked()
        if path != this and (found := TIES.search(path.read_bytes()))
    }
    allowed = {"Makefile", ".gitignore"}  # they name the option that keeps addresses out
    assert {path: sign for path, sign in tied.items() if path not in allowed} == {}


def test_what_is_developed_with_has_pins() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    extras = project["project"]["optional-dependencies"].values()
    groups = [project["project"]["dependencies"], project["dependency-groups"]["dev"], *extras]
    names = {re.split(r"[^\w.-]", needed)[0] for group in groups for needed in group} - {"aimass-compiler"}
    pins = "".join((ROOT / f"requirements/{name}.txt").read_text() for name in ("dev", "frameworks"))
    spelt = {name: re.sub(r"[._-]+", "-", name).lower() for name in names}
    assert sorted(name for name, pin in spelt.items() if f"\n{pin}==" not in f"\n{pins}") == []


def test_every_lint_exception_has_its_reason() -> None:
    bare = re.compile(r"#\s*(noqa(: ?[A-Z0-9, ]+)?|type: ignore(\[[a-z-, ]+\])?)\s*$")
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in [*MODULES, *sorted((ROOT / "tests").rglob("*.py"))]
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if bare.search(line)
    ]
    assert found == []
