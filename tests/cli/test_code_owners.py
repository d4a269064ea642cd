"""`.github/CODEOWNERS` follows from the teams, beside the lines that people wrote there."""

from __future__ import annotations

import pytest

from cli.projects import Project

TEAM = "github: {members: [acme/growth, anna], oncall: [acme/growth-oncall]}\n"
OWNERS = ".github/CODEOWNERS"


@pytest.fixture
def owned(compiled: Project) -> Project:
    """A compiled project with a team, whose people have a line of their own."""
    compiled.write("teams/growth.yaml", TEAM)
    compiled.write(OWNERS, "* @acme/all")
    return compiled


def lines(project: Project) -> list[str]:
    return (project.root / OWNERS).read_text(encoding="utf-8").splitlines()


def test_it_is_written_checked_and_taken_away(owned: Project) -> None:
    checked = owned.aimass("compile", "--check")
    assert (checked.code, "~ .github/CODEOWNERS" in checked.out) == (3, True)
    assert owned.aimass("compile").code == 0
    assert owned.aimass("compile").out.startswith("nothing changes")
    assert lines(owned)[:1] == ["* @acme/all"]
    assert "/specs/growth/ @acme/growth @anna" in lines(owned)
    assert "/releases/dev/growth/ @acme/growth @anna" in lines(owned)
    assert "/releases/prod/growth/ @acme/growth-oncall" in lines(owned)
    assert not any(line.startswith("/teams/") for line in lines(owned))
    owned.write("aimass.yaml", "teams: {owners: [acme/platform]}")
    assert owned.aimass("compile").code == 0
    assert "/teams/ @acme/platform" in lines(owned)
    (owned.root / "teams/growth.yaml").unlink()
    (owned.root / "aimass.yaml").unlink()
    assert owned.aimass("compile").code == 0
    assert lines(owned) == ["* @acme/all"]


def test_an_edit_of_compiled_lines_is_noticed_and_a_line_behind_them_kept(owned: Project) -> None:
    assert owned.aimass("compile").code == 0
    written = lines(owned)
    edited = [line.replace("@acme/growth-oncall", "@me") for line in written]
    owned.write(OWNERS, "\n".join([*edited, "/docs/ @acme/writers"]))
    assert owned.aimass("compile", "--check").code == 3
    assert owned.aimass("compile").code == 0
    assert "/docs/ @acme/writers" in lines(owned)
    assert [line for line in lines(owned) if line != "/docs/ @acme/writers" and line] == [
        line for line in written if line
    ]


def test_a_file_that_github_would_no_longer_read_stands_in_the_way(owned: Project) -> None:
    (owned.root / OWNERS).rename(owned.root / "CODEOWNERS")
    refused = owned.aimass("compile")
    assert (refused.code, "AM320" in refused.err) == (1, True)
    assert not (owned.root / OWNERS).exists()


def test_half_a_block_is_not_guessed_at(owned: Project) -> None:
    assert owned.aimass("compile").code == 0
    owned.write(OWNERS, "\n".join(line for line in lines(owned) if not line.startswith("# aimass: end")))
    before = lines(owned)
    assert "AM320" in owned.aimass("compile").err
    assert lines(owned) == before
