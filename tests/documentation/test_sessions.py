"""Commands of pages are typed into a shell, page by page, in a project whose model was trained and released.

Not here are blocks whose comment names another test; a comment may name what one begins with, too.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.documentation.blocks import PAGES, ROOT, Block, blocks
from tests.documentation.projects import begun, released, variables
from tests.documentation.sessions import run
from tests.harness.made_once import made_once

SHELLS = {"console", "sh", "bash"}
#: tests/pipeline/test_operating.py runs docs/operating.md as a whole.
APART = {"operating.md"}
EMPTY, REPOSITORY = "an empty project", "this repository"


def typed_here(page: Path, within: str = "") -> list[Block]:
    """The blocks of a page that are run here, and begin with this."""
    return [
        each
        for each in blocks(page)
        if each.language in SHELLS and not each.reason and not each.run_by and each.within == within
    ]


def pages(within: str = "") -> pytest.MarkDecorator:
    """Every page with such blocks."""
    found = [page for page in PAGES if page.name not in APART and typed_here(page, within)]
    return pytest.mark.parametrize("page", found, ids=lambda page: page.stem)


def test_what_a_block_begins_with_is_known() -> None:
    named = {each.within for page in PAGES for each in blocks(page) if each.language in SHELLS}
    assert named == {"", EMPTY, REPOSITORY}


@pytest.mark.nightly
@pytest.mark.pipeline
@pages()
def test_a_page_is_typed(page: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    shutil.copytree(made_once(tmp_path_factory, "released", released), tmp_path, dirs_exist_ok=True)
    run(typed_here(page), tmp_path, variables(tmp_path))


@pytest.mark.nightly
@pytest.mark.pipeline
@pages(EMPTY)
def test_a_project_is_begun(page: Path, tmp_path: Path) -> None:
    begun(tmp_path)
    run(typed_here(page, EMPTY), tmp_path, variables(tmp_path))
    assert (tmp_path / "specs/churn.yaml").is_file()


@pages(REPOSITORY)
def test_what_is_said_of_this_repository_is_said(page: Path, tmp_path: Path) -> None:
    for block in typed_here(page, REPOSITORY):
        said = run([block], ROOT, variables(tmp_path))
        shown = re.sub(r"^ *…$|^\$ .*$", "", block.text, flags=re.MULTILINE)
        assert [line for line in shown.splitlines() if line not in said] == []
