"""The issue about an environment that differs: opened once, written anew, closed, and nobody else's."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.github import gh

BOT = "github-actions[bot]"
DIFFERS, SAME = "2", "0"
pytestmark = pytest.mark.skipif(
    shutil.which("jq") is None, reason="no jq, which every system has a package of"
)


def issue(number: int, login: str, environment: str = "prod", **more: Any) -> dict[str, Any]:
    return {
        "number": number,
        "user": {"login": login},
        "body": f"<!-- aimass drift {environment} -->\nas before",
        **more,
    }


OURS = issue(7, BOT)
OTHERS = [
    issue(1, "somebody"),
    issue(2, BOT, "dev"),
    issue(3, BOT, pull_request={"url": "…"}),
    issue(4, BOT) | {"body": None},
]


def kept(
    folder: Path,
    status: str,
    issues: list[dict[str, Any]],
    refused: str = "",
    told: str = "### churn in prod\n",
) -> tuple[subprocess.CompletedProcess[str], list[str], str]:
    """What the script said, what it wrote to GitHub about, and the text that it wrote."""
    (folder / "drift.md").write_text(told)
    done, calls, written = gh.run(
        "issue.sh",
        "prod",
        status,
        "drift.md",
        folder=folder,
        listed=issues,
        REFUSED=refused,
        REFUSAL="Issues has been disabled (HTTP 410)",
        GITHUB_SERVER_URL="https://github.com",
        GITHUB_RUN_ID="12",
    )
    return done, [call.partition(" --field body")[0] for call in calls if "--method" in call], written


def test_a_difference_opens_an_issue(tmp_path: Path) -> None:
    done, calls, written = kept(tmp_path, DIFFERS, OTHERS)
    assert done.returncode == 0
    title = "--raw-field title=prod is not as git has it"
    assert calls == [f"api --silent --method POST repos/acme/models/issues {title}"]
    assert written.startswith(
        "<!-- aimass drift prod -->\n`prod` is not as git has it, says [the last look]("
    )
    assert "https://github.com/acme/models/actions/runs/12" in written
    assert written.endswith("\n\n### churn in prod\n")


def test_the_next_look_writes_the_same_issue_anew(tmp_path: Path) -> None:
    done, calls, written = kept(tmp_path, DIFFERS, [*OTHERS, OURS, issue(9, BOT)])
    assert (done.returncode, calls) == (0, ["api --silent --method PATCH repos/acme/models/issues/7"])
    assert "### churn in prod" in written


def test_what_is_long_is_cut_to_what_github_takes(tmp_path: Path) -> None:
    _, _, written = kept(tmp_path, DIFFERS, [], told="x" * 100_000)
    assert 60_000 < len(written) < 65_536


def test_the_issue_is_closed_once_both_are_the_same(tmp_path: Path) -> None:
    _, calls, _ = kept(tmp_path, SAME, [*OTHERS, OURS])
    assert calls == ["api --silent --method PATCH repos/acme/models/issues/7 --field state=closed"]


def test_where_nothing_differs_and_nothing_was_said_nothing_is_done(tmp_path: Path) -> None:
    done, calls, _ = kept(tmp_path, SAME, OTHERS)
    assert (done.returncode, calls) == (0, [])


@pytest.mark.parametrize("refused", ["list", "write"])
@pytest.mark.parametrize("status", [DIFFERS, SAME])
def test_a_repository_without_issues_fails_nothing(tmp_path: Path, refused: str, status: str) -> None:
    done, _, written = kept(tmp_path, status, [OURS], refused)
    assert (done.returncode, written) == (0, "")
    assert "::notice title=What differs is in the summary::" in done.stdout
