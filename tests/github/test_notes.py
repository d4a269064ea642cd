"""What workflows leave on GitHub: written once, then updated, closed, and never what another one wrote."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aimass_compiler.cli import main
from aimass_compiler.conventions import PLAN_MARKER
from tests.harness import github_service
from tests.harness.github_service import GithubService

BOT, PERSON = "github-actions[bot]", "anna"
PLAN = f"{PLAN_MARKER}\n## Plan\n\n<details><summary>churn</summary>\n"
NOTHING = f"{PLAN_MARKER}\n## Plan\n\nnothing changes\n"
DIFFERS, SAME = "2", "0"


@pytest.fixture
def github(monkeypatch: pytest.MonkeyPatch) -> Iterator[GithubService]:
    """A repository in which people wrote what begins as our notes do."""
    with github_service.running() as service:
        for name, value in {**service.variables, "PULL_REQUEST": "12", "GITHUB_RUN_ID": "34"}.items():
            monkeypatch.setenv(name, value)
        yield service


def comment(number: int, login: str, body: str) -> dict[str, Any]:
    return {"id": number, "user": {"login": login}, "body": body, "of": "issues/12/comments"}


def issue(number: int, login: str, environment: str = "prod", **more: Any) -> dict[str, Any]:
    body = f"<!-- aimass drift {environment} -->\nas before"
    return {"id": number, "number": number, "user": {"login": login}, "body": body, **more}


OTHER_COMMENTS = [comment(1, PERSON, PLAN), comment(2, BOT, "a greeting")]
OTHER_ISSUES = [
    issue(1, PERSON),
    issue(2, BOT, "dev"),
    issue(3, BOT, pull_request={"url": "…"}),
    issue(4, BOT) | {"body": None},
    issue(5, BOT, state="closed"),
]


def commented(folder: Path, plan: str) -> int:
    (folder / "plan.md").write_text(plan)
    return main(["ci", "comment", str(folder / "plan.md")])


def kept(folder: Path, status: str, report: str = "### churn in prod\n") -> int:
    (folder / "drift.md").write_text(report)
    return main(["ci", "issue", "prod", status, str(folder / "drift.md")])


def test_the_first_plan_is_a_new_comment_and_the_next_one_updates_it(
    github: GithubService, tmp_path: Path
) -> None:
    github.comments += OTHER_COMMENTS
    assert commented(tmp_path, PLAN) == 0
    assert commented(tmp_path, NOTHING) == 0
    assert github.calls == ["POST issues/12/comments", "PATCH issues/comments/3"]
    assert [each["body"] for each in github.comments] == [PLAN, "a greeting", NOTHING]


def test_where_nothing_changes_and_nothing_was_written_nothing_is(
    github: GithubService, tmp_path: Path
) -> None:
    github.comments += OTHER_COMMENTS
    assert commented(tmp_path, NOTHING) == 0
    assert github.calls == []


def test_a_difference_opens_an_issue_that_the_next_one_updates(github: GithubService, tmp_path: Path) -> None:
    github.issues += OTHER_ISSUES
    assert kept(tmp_path, DIFFERS) == 0
    assert kept(tmp_path, DIFFERS, "### churn in prod, again\n") == 0
    assert github.calls == ["POST issues", "PATCH issues/6"]
    made = github.issues[-1]
    assert made["title"] == "prod is not as git has it"
    assert made["body"].startswith("<!-- aimass drift prod -->\n`prod` is not as git has it, says [the last")
    assert "https://github.com/acme/models/actions/runs/34" in made["body"]
    assert made["body"].endswith("\n\n### churn in prod, again\n")


def test_the_issue_is_closed_once_both_are_the_same(github: GithubService, tmp_path: Path) -> None:
    github.issues += [*OTHER_ISSUES, issue(6, BOT)]
    assert kept(tmp_path, SAME) == 0
    assert (github.calls, github.issues[-1]["state"]) == (["PATCH issues/6"], "closed")
    assert kept(tmp_path, SAME) == 0
    assert len(github.calls) == 1


def test_what_is_found_may_be_on_a_later_page(github: GithubService, tmp_path: Path) -> None:
    github.issues += [issue(number, PERSON) for number in range(1, 151)] + [issue(151, BOT)]
    assert kept(tmp_path, DIFFERS) == 0
    assert github.calls == ["PATCH issues/151"]


def test_what_is_long_is_cut_to_what_github_takes(github: GithubService, tmp_path: Path) -> None:
    kept(tmp_path, DIFFERS, "x" * 100_000)
    assert 60_000 < len(github.issues[0]["body"]) < 65_536


@pytest.mark.parametrize("refused", ["GET", "POST"])
def test_a_token_that_may_not_write_fails_nothing(
    github: GithubService, tmp_path: Path, capsys: pytest.CaptureFixture[str], refused: str
) -> None:
    github.refuses = refused
    assert (commented(tmp_path, PLAN), kept(tmp_path, DIFFERS)) == (0, 0)
    said = capsys.readouterr().out
    assert said.count("::notice title=It is in the summary::") == 2
    assert "GitHub answers 403" in said
