"""GitHub's REST API, as far as workflows need it: lists, and one thing created or changed.

By what Python has: the jobs that check and compare install the core alone, which has no `requests`, and
runners that are not GitHub's have no `gh`. Proposals are by `gh`, with the log-in of whoever proposes.
Source: https://docs.github.com/en/rest
"""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_SECONDS = 60
_PAGE = 100


class GithubRefuses(Exception):  # noqa: N818  # it reads as what is the case
    """GitHub cannot be reached or does not allow it; the message says which."""


@dataclass(frozen=True)
class GithubApi:
    """One repository as the API has it."""

    address: str
    """Of the API, such as `https://api.github.com`."""
    repository: str
    """`OWNER/NAME`."""
    token: str

    @classmethod
    def from_environment(cls) -> GithubApi:
        """That of the workflow that runs. Raises GithubRefuses where it has no token or no repository."""
        token = os.environ.get("GH_TOKEN") or os.environ.get("GITHUB_TOKEN", "")
        repository = os.environ.get("GITHUB_REPOSITORY", "")
        if not token or not repository:
            missing = "GITHUB_REPOSITORY" if token else "GH_TOKEN"
            raise GithubRefuses(f"the variable {missing} is not set: it comes from the workflow's step")
        return cls(os.environ.get("GITHUB_API_URL", "https://api.github.com"), repository, token)

    def listed(self, path: str, **asked: str) -> list[dict[str, Any]]:
        """Everything in a list of the repository, such as `issues`. Raises GithubRefuses."""
        found: list[dict[str, Any]] = []
        page: list[dict[str, Any]] = []
        number = 1
        while number == 1 or len(page) == _PAGE:
            terms = urllib.parse.urlencode({**asked, "per_page": str(_PAGE), "page": str(number)})
            page = self._answer("GET", f"{path}?{terms}")
            found += page
            number += 1
        return found

    def create(self, path: str, content: Mapping[str, Any]) -> dict[str, Any]:
        """Add something to a list; answers it. Raises GithubRefuses."""
        created: dict[str, Any] = self._answer("POST", path, content)
        return created

    def change(self, path: str, content: Mapping[str, Any]) -> None:
        """Change some fields of something. Raises GithubRefuses."""
        self._answer("PATCH", path, content)

    def _answer(self, method: str, path: str, content: Mapping[str, Any] | None = None) -> Any:
        headers = {
            "Authorization": f"Bearer {self.token}",
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
        }
        body = None if content is None else json.dumps(content).encode()
        request = urllib.request.Request(  # noqa: S310  # the address is the workflow's
            f"{self.address}/repos/{self.repository}/{path}", body, headers, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310  # as above
                return json.loads(answer.read() or b"{}")
        except urllib.error.HTTPError as refused:
            raise GithubRefuses(
                f"GitHub answers {refused.code} to {method} {path}: {_reason(refused)}"
            ) from None
        except (OSError, ValueError) as error:
            raise GithubRefuses(f"GitHub does not answer {method} {path}: {error}") from None


def _reason(refused: urllib.error.HTTPError) -> str:
    try:
        return str(json.loads(refused.read())["message"])
    except (OSError, ValueError, LookupError, TypeError):
        return str(refused.reason)
