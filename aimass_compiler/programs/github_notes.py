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


def keep_issue(api: GithubApi, environment: str, report: str, *, differs: bool) -> str:
    """Keep one issue open for an environment as long as its cluster differs. Raises GithubRefuses.

    Answers what was done. Only our issue counts: anyone may write one that begins alike.
    """
    marker = f"<!-- aimass drift {environment} -->"
    ours = [
        each["number"]
        for each in api.listed("issues", state="open")
        if each["user"]["login"] == _BOT
        and "pull_request" not in each
        and (each.get("body") or "").startswith(marker)
    ]
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
