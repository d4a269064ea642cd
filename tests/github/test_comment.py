"""The plan below a pull request: written once, then written anew, and never by a token that may not."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from aimass_compiler.cli.views.plan_markdown import MARKER
from tests.github import gh

PLAN = f"{MARKER}\n## Plan\n\n<details><summary>churn</summary>\n"
NOTHING = f"{MARKER}\n## Plan\n\nnothing changes\n"
pytestmark = pytest.mark.skipif(
    shutil.which("jq") is None, reason="no jq, which every system has a package of"
)


def comment(number: int, login: str, body: str) -> dict[str, Any]:
    return {"id": number, "user": {"login": login}, "body": body}


OURS = comment(7, "github-actions[bot]", PLAN)
OTHERS = [comment(1, "somebody", PLAN), comment(2, "github-actions[bot]", "a greeting")]


def commented(
    folder: Path, plan: str, comments: list[dict[str, Any]], refused: str = ""
) -> tuple[subprocess.CompletedProcess[str], list[str], str]:
    """What the script said, what it asked of GitHub, and what it wrote."""
    (folder / "plan.md").write_text(plan)
    return gh.run(
        "comment.sh",
        "plan.md",
        folder=folder,
        listed=comments,
        REFUSED=refused,
        REFUSAL="Not Found (HTTP 404)",
        PULL_REQUEST="12",
    )


def test_the_first_plan_is_a_new_comment(tmp_path: Path) -> None:
    done, calls, written = commented(tmp_path, PLAN, OTHERS)
    assert (done.returncode, written) == (0, PLAN)
    assert calls[1] == "api --silent --method POST repos/acme/models/issues/12/comments --field body=@plan.md"


def test_the_next_one_takes_its_place_and_no_other_ones(tmp_path: Path) -> None:
    done, calls, written = commented(tmp_path, NOTHING, [*OTHERS, OURS, {**OURS, "id": 9}])
    assert (done.returncode, written) == (0, NOTHING)
    assert calls[1] == "api --silent --method PATCH repos/acme/models/issues/comments/7 --field body=@plan.md"


def test_where_nothing_changes_nothing_is_said(tmp_path: Path) -> None:
    done, calls, written = commented(tmp_path, NOTHING, OTHERS)
    assert (done.returncode, len(calls), written) == (0, 1, "")


@pytest.mark.parametrize("refused", ["list", "write"])
@pytest.mark.parametrize("comments", [[], [OURS]])
def test_a_token_that_may_not_write_fails_nothing(
    tmp_path: Path, refused: str, comments: list[dict[str, Any]]
) -> None:
    done, _, written = commented(tmp_path, PLAN, comments, refused)
    assert (done.returncode, written) == (0, "")
    assert "::notice title=The plan is in the summary::" in done.stdout
