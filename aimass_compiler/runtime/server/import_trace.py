"""`python -m aimass_compiler.runtime.server.import_trace PACKAGE LIST`: serve once, and list what that loads.

The image's build runs it with the package's example: a package that does not serve in the image is found
before it is pushed, and what is listed is what bytecode is worth its place for.
"""

from __future__ import annotations

import http.client
import os
import signal
import sys
import threading
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from aimass_compiler import conventions
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.runtime.server import __main__ as program
from aimass_compiler.runtime.server.application import Application
from aimass_compiler.runtime.server.log import EventLog
from aimass_compiler.runtime.server.package import read_package
from aimass_compiler.runtime.server.process import serve
from aimass_compiler.runtime.server.response import ServerFailure
from aimass_compiler.runtime.server.settings import ServerSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import ModuleType

HOST = "127.0.0.1"
SECONDS = 120
#: What exports traces is loaded, and has none to export.
NO_TRACES: dict[str, Any] = {"traces_endpoint": f"http://{HOST}:9", "traces_sample": 0.0}


class Question(NamedTuple):
    """What a server is asked once."""

    path: str
    document: Callable[[Mapping[str, Any]], Mapping[str, Any]]
    """Makes the body of a package's signature."""


class FirstRequest(EventLog):
    """A log that, once the server is ready, lets it be asked and then stopped."""

    def __init__(self, package: Path, question: Question) -> None:
        super().__init__(sys.stderr.buffer)
        self._package = package
        self._question = question
        self.status = 0
        self.answer = b""

    def event(self, name: str, fields: Mapping[str, Any], level: str = "info") -> None:
        """Write the event; when it is that the server is ready, ask."""
        super().event(name, fields, level)
        if name == "ready":
            threading.Thread(target=self._ask, args=(fields["port"],)).start()

    def _ask(self, port: int) -> None:
        try:
            signature = orjson.loads((self._package / conventions.SIGNATURE_FILE).read_bytes())
            connection = http.client.HTTPConnection(HOST, port, timeout=SECONDS)
            document = self._question.document(signature)
            connection.request("POST", self._question.path, orjson.dumps(document))
            answer = connection.getresponse()
            self.status, self.answer = answer.status, answer.read()
            connection.close()
        finally:
            os.kill(os.getpid(), signal.SIGTERM)


def traced(
    arguments: Sequence[str],
    question: Question,
    serve_once: Callable[[Path, EventLog], None],
    programs: Sequence[ModuleType],
) -> int:
    """Serve a package's example and write the list, the `programs` on it; answers one of `ExitCode`."""
    package, listed = map(Path, arguments)
    try:
        with FirstRequest(package, question) as first:
            serve_once(package, first)
    except ServerFailure as failure:
        sys.stderr.write(f"server: {failure.message}\n")
        return int(failure.code)
    if first.status != http.HTTPStatus.OK:
        sys.stderr.write(f"server: its example is answered {first.status}: {first.answer.decode()}\n")
        return int(ExitCode.PACKAGE)
    files = _sources() | {str(program.__file__) for program in programs}
    listed.write_text("".join(f"{path}\n" for path in sorted(files)), encoding="utf-8")
    return int(ExitCode.DONE)


def _sources() -> set[str]:
    """The files of the modules that were loaded, but for those that trace."""
    specs = [getattr(module, "__spec__", None) for module in sys.modules.values()]
    loaded = {spec.origin for spec in specs if spec and isinstance(spec.loader, SourceFileLoader)}
    return {path for path in loaded if path and Path(path).stem != Path(__file__).stem}


def _serve(package: Path, log: EventLog) -> None:
    settings = ServerSettings(package, host=HOST, port=0, timeout_seconds=SECONDS, grpc_port=0, **NO_TRACES)
    serve(settings, log, lambda: Application(read_package(package), settings, log))


def main(arguments: Sequence[str]) -> int:
    """Trace the server of rows; answers one of `ExitCode`."""
    question = Question(conventions.PREDICT_PATH, lambda signature: {"rows": [signature["example"]]})
    return traced(arguments, question, _serve, [program])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
