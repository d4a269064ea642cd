"""GitHub's REST API on this machine, as far as workflows use it: issues, comments and pull requests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlparse

from tests.harness.loopback import Answers, Server

TOKEN = "a-token-of-github"  # noqa: S105  # it opens nothing
REPOSITORY = "acme/models"


@dataclass
class GithubService:
    """What one repository holds; a test may put things there, too."""

    address: str = ""
    issues: list[dict[str, Any]] = field(default_factory=list)
    comments: list[dict[str, Any]] = field(default_factory=list)
    pulls: list[dict[str, Any]] = field(default_factory=list)
    refuses: str = ""
    """A method that the token may not use, such as `POST`."""
    calls: list[str] = field(default_factory=list)
    """Every request that changes something, by method and path."""

    @property
    def variables(self) -> dict[str, str]:
        """What a workflow's step has in its environment."""
        return {"GITHUB_API_URL": self.address, "GITHUB_REPOSITORY": REPOSITORY, "GH_TOKEN": TOKEN}

    def list_of(self, path: str) -> list[dict[str, Any]]:
        if "comments" in path.split("/"):
            return self.comments
        return self.pulls if path.startswith("pulls") else self.issues

    def listed(self, path: str, asked: dict[str, str]) -> list[dict[str, Any]]:
        """What a list has, page by page."""
        found = [
            each
            for each in self.list_of(path)
            if each.get("of", path) == path
            and asked.get("state", "all") in ("all", each.get("state", "open"))
            and asked.get("head", each.get("head")) in (each.get("head"), f"acme:{each.get('head')}")
        ]
        size, page = int(asked.get("per_page", "30")), int(asked.get("page", "1"))
        return found[(page - 1) * size : page * size]

    def create(self, path: str, content: dict[str, Any]) -> dict[str, Any]:
        known = self.list_of(path)
        number = len(known) + 1
        address = f"https://github.com/{REPOSITORY}/{path}/{number}"
        own = {"id": number, "number": number, "of": path, "state": "open", "html_url": address}
        known.append({**own, "user": {"login": "github-actions[bot]"}, **content})
        return known[-1]

    def change(self, path: str, content: dict[str, Any]) -> dict[str, Any]:
        list_path, _, number = path.rpartition("/")
        (found,) = (
            each for each in self.list_of(list_path) if each.get("id", each.get("number")) == int(number)
        )
        found |= content
        return found


@contextmanager
def running() -> Iterator[GithubService]:
    """An empty repository, which ends with the block."""
    service = GithubService()

    class Handler(Answers):
        def do_GET(self) -> None:
            self.respond()

        def do_POST(self) -> None:
            self.respond()

        def do_PATCH(self) -> None:
            self.respond()

        def respond(self) -> None:
            asked = urlparse(self.path)
            path = asked.path.removeprefix(f"/repos/{REPOSITORY}/")
            body = self.rfile.read(int(self.headers["Content-Length"] or 0))
            if self.headers["Authorization"] != f"Bearer {TOKEN}" or self.command == service.refuses:
                self.say(403, {"message": "Resource not accessible by integration"})
            elif self.command == "GET":
                words = {name: values[0] for name, values in parse_qs(asked.query).items()}
                self.say(200, service.listed(path, words))
            else:
                service.calls.append(f"{self.command} {path}")
                act = service.create if self.command == "POST" else service.change
                self.say(201, act(path, json.loads(body)))

        def say(self, status: int, content: object) -> None:
            self.answer(status, json.dumps(content).encode(), Content_Type="application/json")

    with Server(Handler) as server:
        service.address = f"http://{server.place}"
        yield service
