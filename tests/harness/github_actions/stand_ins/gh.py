"""`gh auth setup-git` and `gh pr list|create|edit|merge`, asked of the REST API."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

TOKEN = os.environ.get("GH_TOKEN", "")


def main(words: list[str]) -> int:
    """Do what was asked, for who has a token."""
    if not TOKEN:
        print("gh: To use GitHub CLI in a GitHub Actions workflow, set the GH_TOKEN environment variable.")
        return 4
    match words:
        case ["auth", "setup-git"]:
            return set_up_git()
        case ["pr", "list", "--state", "open", "--limit", _, "--json", "headRefName,url"]:
            found = ask("GET", "pulls?state=open&per_page=100")
            print(json.dumps([{"headRefName": each["head"], "url": each["html_url"]} for each in found]))
        case ["pr", "create", "--head", branch, "--title", title, "--body", body]:
            wanted = {"head": branch, "base": "main", "title": title, "body": body}
            print(ask("POST", "pulls", wanted)["html_url"])
        case ["pr", "edit", branch, "--title", title, "--body", body]:
            (found,) = open_requests(branch)
            print(ask("PATCH", f"pulls/{found['number']}", {"title": title, "body": body})["html_url"])
        case ["pr", "merge", branch, "--auto", "--merge"]:
            (found,) = open_requests(branch)
            ask("PATCH", f"pulls/{found['number']}", {"auto_merge": {"merge_method": "merge"}})
        case _:
            print(f"gh: not known here: {words}", file=sys.stderr)
            return 2
    return 0


def set_up_git() -> int:
    """From now on git reaches the repository, whose address is nobody's on this machine."""
    address = f"https://github.com/{os.environ['GITHUB_REPOSITORY']}"
    there = f"url.file://{os.environ['STAND_IN_REMOTE']}.insteadOf"
    return subprocess.run(["git", "config", "--global", there, address], check=False).returncode


def open_requests(branch: str) -> list[dict[str, Any]]:
    """The open pull requests of a branch."""
    head = urllib.parse.quote(f"acme:{branch}")
    found: list[dict[str, Any]] = ask("GET", f"pulls?state=open&head={head}")
    return found


def ask(method: str, path: str, content: object = None) -> Any:
    """What GitHub answers; where it refuses, its message ends the program."""
    address = f"{os.environ['GITHUB_API_URL']}/repos/{os.environ['GITHUB_REPOSITORY']}/{path}"
    body = None if content is None else json.dumps(content).encode()
    asked = urllib.request.Request(  # noqa: S310  # http
        address, body, {"Authorization": f"Bearer {TOKEN}"}, method=method
    )
    try:
        with urllib.request.urlopen(asked) as answer:  # noqa: S310  # http
            return json.load(answer)
    except urllib.error.HTTPError as refused:
        raise SystemExit(f"HTTP {refused.code}: {json.load(refused)['message']}") from None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
