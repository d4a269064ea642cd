"""What workflows leave on GitHub for people: plans below pull requests, and an issue while there is drift."""

from __future__ import annotations

import os

from aimass_compiler import conventions
from aimass_compiler.programs.github_api import GithubApi

_BOT = "github-actions[bot]"
#: GitHub takes 65,536 characters.
_MOST = 60_000
#: How the parts of a plan begin that change something: a model's, and that of releases.
_CHANGES = ("\n<details>", "\n**Releases**")


def put_plan(api: GithubApi, pull_request: str, plan: str) -> str:
    """Put a plan below a pull request: one comment, written again each time. Raises GithubRefuses.

    Answers what was done. Only our comment counts: anyone may write one that begins alike.
    """
    path = f"issues/{pull_request}/comments"
    ours = [
        each["id"]
        for each in api.listed(path)
        if each["user"]["login"] == _BOT and each["body"].startswith(conventions.PLAN_MARKER)
    ]
    text = plan[:_MOST]
    if ours:
        api.change(f"issues/comments/{ours[0]}", {"body": text})
        return "the plan was updated"
    if not any(part in plan for part in _CHANGES):
        return "nothing changes, and no plan was written before"
    api.create(path, {"body": text})
    return "the plan was written"


def keep_candidate_issue(api: GithubApi, model: str, failed: int, evidence: str) -> str:
    """Keep one issue open for a model whose candidates fail. Raises GithubRefuses; answers what was done."""
    marker = f"<!-- aimass candidates {model} -->"
    body = (
        f"{marker}\n{failed} candidates of `{model}` failed in a row, and no further one is trained until a "
        "person acts: change the recipe or the data, or run "
        f"`aimass retrain {model} --resume`. Closing this issue lets it go on, too.\n\n{evidence[:_MOST]}"
    )
    if ours := _issues(api, marker, "open"):
        api.change(f"issues/{ours[0]}", {"body": body})
        return "the issue was updated"
    api.create("issues", {"title": f"{model}: candidates fail", "body": body})
    return "an issue was opened"


def closed_candidate_issue(api: GithubApi, model: str) -> str:
    """When a person closed the last issue about a model's candidates; nothing where one is open or none was.

    Raises GithubRefuses.
    """
    marker = f"<!-- aimass candidates {model} -->"
    if _issues(api, marker, "open"):
        return ""
    closed = [
        str(each.get("closed_at") or "")
        for each in api.listed("issues", state="closed")
        if each["user"]["login"] == _BOT and (each.get("body") or "").startswith(marker)
    ]
    return max(closed, default="")


def _issues(api: GithubApi, marker: str, state: str) -> list[int]:
    """The numbers of our issues that begin so: anyone may write one that begins alike."""
    return [
        each["number"]
        for each in api.listed("issues", state=state)
        if each["user"]["login"] == _BOT
        and "pull_request" not in each
        and (each.get("body") or "").startswith(marker)
    ]


def keep_issue(api: GithubApi, environment: str, report: str, *, differs: bool) -> str:
    """Keep one issue open for an environment as long as its cluster differs. Raises GithubRefuses.

    Answers what was done. Only our issue counts: anyone may write one that begins alike.
    """
    marker = f"<!-- aimass drift {environment} -->"
    ours = _issues(api, marker, "open")
    if not differs:
        if ours:
            api.change(f"issues/{ours[0]}", {"state": "closed"})
        return "the issue was closed" if ours else "there is no issue to close"
    server = os.environ.get("GITHUB_SERVER_URL", "https://github.com")
    run = f"{server}/{api.repository}/actions/runs/{os.environ.get('GITHUB_RUN_ID', '')}"
    title = f"{environment} is not as git has it"
    body = f"{marker}\n`{environment}` is not as git has it, says [the last comparison]({run}).\n"
    body += "Undo the change, commit it, or apply again: docs/gitops.md says when to do which.\n\n"
    body += report[:_MOST]
    if ours:
        api.change(f"issues/{ours[0]}", {"body": body})
        return "the issue was updated"
    api.create("issues", {"title": title, "body": body})
    return "an issue was opened"
