"""GitHub's service of identity tokens on this machine: what asks with a job's secret gets a token."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import parse_qs, urlparse

from tests.harness.loopback import Answers, Server


@contextmanager
def running(audience: str, token: Callable[[], str]) -> Iterator[Mapping[str, str]]:
    """The variables that a job with `id-token: write` gets; the service ends with the block."""
    secret = "a-secret-of-the-job"  # noqa: S105  # it opens nothing

    class Handler(Answers):
        def do_GET(self) -> None:
            asked = parse_qs(urlparse(self.path).query)
            is_known = self.headers["Authorization"] == f"bearer {secret}"
            if not is_known or asked.get("audience") != [audience]:
                self.answer(403)
                return
            self.answer(200, json.dumps({"value": token()}).encode())

    with Server(Handler) as server:
        yield {
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"http://{server.place}/token?api-version=2.0",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": secret,
        }
