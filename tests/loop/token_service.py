"""GitHub's service of identity tokens on this machine: what asks with a job's secret gets a token."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import parse_qs, urlparse


@contextmanager
def running(audience: str, token: Callable[[], str]) -> Iterator[Mapping[str, str]]:
    """The variables that a job with `id-token: write` gets; the service ends with the block."""
    secret = "a-secret-of-the-job"  # noqa: S105  # it opens nothing

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = parse_qs(urlparse(self.path).query)
            is_known = self.headers["Authorization"] == f"bearer {secret}"
            if not is_known or asked.get("audience") != [audience]:
                self.send_error(403)
                return
            content = json.dumps({"value": token()}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  # the base class's
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield {
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"http://127.0.0.1:{server.server_port}/token?api-version=2.0",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": secret,
        }
    finally:
        server.shutdown()
        server.server_close()
