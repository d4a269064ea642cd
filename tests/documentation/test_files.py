"""Specs and settings that a page shows are sound: in a whole project, the compiler finds nothing.

A part of a spec is put into a whole one of `specs/`: that which a comment above it names, that of the page,
or `churn`. Beside it lie the settings that the page has shown so far, its other files, and those that specs
name.
"""

from __future__ import annotations

import json
from functools import reduce
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from aimass_compiler.compile import Upto, compile_specs
from aimass_compiler.conventions import SETTINGS_FILE
from aimass_compiler.project import Project
from aimass_compiler.spec.yaml.reader import parse
from tests.documentation.blocks import PAGES, ROOT, Block, blocks

SPECS = Path(__file__).parent / "specs"
#: Files of users that specs of pages name, and no page shows.
NAMED = ("models/knots.json", "trainers/forest.R")
#: What a part replaces as a whole: the keys in it are those of one kind, which it chooses.
REPLACED = {"sources", "model", "task", "split", "source"}
DIGEST = "sha256:" + "7340c5b1" * 8


def shown(page: Path) -> list[Block]:
    """The blocks of a page that are files of a project, or parts of them."""
    return [
        each
        for each in blocks(page)
        if not each.reason
        and not each.run_by
        and (each.language == "yaml" or (each.language == "python" and each.file))
    ]


def is_settings(block: Block) -> bool:
    return block.file == SETTINGS_FILE


def is_spec(block: Block) -> bool:
    return block.language == "yaml" and (not block.file or block.file.startswith("specs/"))


def data(text: str, place: str) -> Any:
    """What a text says, as the compiler reads it; digests are shortened on pages."""
    document, findings = parse(text.replace("sha256:…", DIGEST), place)
    assert not findings, place
    return document.data


def merged(whole: Any, part: Any) -> Any:
    """The whole with what the part says in its place."""
    if not isinstance(whole, dict) or not isinstance(part, dict):
        return part
    return whole | {
        key: value if key in REPLACED else merged(whole.get(key), value) for key, value in part.items()
    }


def spec_of(block: Block | None, page: Path) -> dict[str, Any]:
    """The whole spec with what a block says of it; features of other kinds than it has stay."""
    name = (block and block.within) or page.stem
    own = SPECS / f"{name}.yaml"
    file = own if own.is_file() or (block and block.within) else SPECS / "churn.yaml"
    whole: dict[str, Any] = data(file.read_text(encoding="utf-8"), file.name)
    if block is None:
        return whole
    part = data(block.text, block.place)
    if "apiVersion" in part:
        return dict(part)
    said = part.get("features", ())
    kinds = {kind for each in said for kind in each}
    rest = [each for each in whole.get("features", ()) if not kinds & set(each)]
    return dict(merged(whole, part)) | ({"features": [*said, *rest]} if said else {})


def settings_of(page: Path, until: Block | None) -> dict[str, Any]:
    """The settings of an organisation with what a page shows of them above a block, or everywhere."""
    parts = [
        data(each.text, each.place)
        for each in shown(page)
        if is_settings(each) and (until is None or each.line < until.line)
    ]
    usual = data((SPECS / SETTINGS_FILE).read_text(encoding="utf-8"), SETTINGS_FILE)
    return dict(reduce(merged, parts, usual))


def written(root: Path, file: str, content: Any) -> None:
    path = root / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        content if isinstance(content, str) else yaml.safe_dump(content, sort_keys=False), encoding="utf-8"
    )


def project(root: Path, page: Path, block: Block | None) -> Project:
    """A project with what a page shows, and the spec that a block is of; None stands for the usual one."""
    written(root, SETTINGS_FILE, settings_of(page, block))
    for name in NAMED:
        written(root, name, "")
    written(root, "searches/first.json", {"trials": []})
    spec = spec_of(block, page)
    specs = {spec["metadata"]["name"]: (block.file if block else "", spec)}
    for other in shown(page):
        if is_spec(other) and other.file and block and block.file:
            more = spec_of(other, page)
            specs.setdefault(more["metadata"]["name"], (other.file, more))
        elif other.file and not is_spec(other) and not is_settings(other):
            written(root, other.file, other.text)
    for name, (file, whole) in specs.items():
        written(root, file or f"specs/{name}.yaml", whole)
    return Project(root)


def found(made: Project) -> list[str]:
    """What the compiler finds in a project."""
    return [
        f"{each.code} {each.message}" for each in compile_specs(made, made.specs(), upto=Upto.RENDER).findings
    ]


@pytest.mark.parametrize("page", [page for page in PAGES if shown(page)], ids=lambda page: page.stem)
def test_nothing_is_wrong_with_what_a_page_shows(page: Path, tmp_path: Path) -> None:
    """Each part of a spec in a project of its own, and all else of the page in one."""
    parts = [each for each in shown(page) if is_spec(each)]
    tried = [*parts, *([None] if len(parts) < len(shown(page)) else [])]
    findings = {
        block.place if block else page.name: found(project(tmp_path / str(number), page, block))
        for number, block in enumerate(tried)
    }
    assert {place: several for place, several in findings.items() if several} == {}


def test_files_that_name_a_schema_keep_to_it() -> None:
    for block in (each for page in PAGES for each in blocks(page) if each.file):
        _, named, rest = block.text.partition("$schema=../")
        if named:
            schema = json.loads((ROOT / rest.split()[0].removeprefix("../")).read_text(encoding="utf-8"))
            jsonschema.validate(yaml.safe_load(block.text), schema)
