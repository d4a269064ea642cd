"""Serves a model's report on this machine, made anew for each request, so that it follows a run."""

from __future__ import annotations

import hashlib
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from aimass_compiler.cli import terminal
from aimass_compiler.cli.pages.document import html
from aimass_compiler.cli.pages.report import report
from aimass_compiler.exit_codes import ExitCode

if TYPE_CHECKING:
    from pathlib import Path

    from aimass_compiler.cli.pages.report.run_results import RunResults

_HERE = "127.0.0.1"
_PAGE, _STATE = ("/", "/index.html"), "/state"


def serve(results: RunResults, port: int) -> int:
    """Serve it until interrupted; answers an ExitCode."""
    try:
        server = live_server(results, port)
    except OSError as error:
        terminal.error(f"port {port} cannot be used: {error.strerror}", "name another one with --port")
        return ExitCode.FAILED
    with server:
        print(f"http://{_HERE}:{server.server_port} (Ctrl-C ends it)", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return ExitCode.DONE
    return ExitCode.DONE


def live_server(results: RunResults, port: int) -> ThreadingHTTPServer:
    """What serves it, of a port, or of any free one where that is 0. Raises OSError."""

    class _Handler(BaseHTTPRequestHandler):
        """Answers this machine alone, whatever name a page elsewhere has given it."""

        def do_GET(self) -> None:
            host = self.headers.get("Host", "").rpartition(":")[0]
            if host not in (_HERE, "localhost"):
                self.send_error(HTTPStatus.FORBIDDEN)
            elif self.path in _PAGE:
                self._answer("text/html; charset=utf-8", html(report(results), is_live=True))
            elif self.path == _STATE:
                self._answer("text/plain", _state(results.folder))
            else:
                self.send_error(HTTPStatus.NOT_FOUND)

        def _answer(self, kind: str, text: str) -> None:
            body = text.encode()
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  # the name that it has
            """Requests are not told."""

    return ThreadingHTTPServer((_HERE, port), _Handler)


def _state(folder: Path) -> str:
    """What is another text once any result is another one."""
    seen = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        try:
            if path.suffix in (".json", ".csv"):
                seen.update(f"{path} {path.stat().st_mtime_ns}\n".encode())
        except OSError:
            continue  # a stage has just replaced it
    return seen.hexdigest()
