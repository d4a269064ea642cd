"""`python -m aimass_compiler.runtime.language_server.import_trace PACKAGE LIST`: serve once.

The image's build runs it with the package's example, as with the server of rows, for what that loads.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from aimass_compiler import conventions
from aimass_compiler.runtime.language_server import __main__ as program
from aimass_compiler.runtime.language_server import worker
from aimass_compiler.runtime.language_server.application import LanguageApplication
from aimass_compiler.runtime.language_server.package import read_language_package
from aimass_compiler.runtime.language_server.settings import LanguageSettings
from aimass_compiler.runtime.server.import_trace import HOST, NO_TRACES, SECONDS, Question, traced
from aimass_compiler.runtime.server.process import serve

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from aimass_compiler.runtime.server.log import EventLog


def _serve(package: Path, log: EventLog) -> None:
    settings = LanguageSettings(package, host=HOST, port=0, timeout_seconds=SECONDS, **NO_TRACES)
    serve(settings, log, lambda: LanguageApplication(read_language_package(package), settings, log))


def _example(signature: Mapping[str, Any]) -> Mapping[str, Any]:
    words = "\n".join(map(str, signature["example"].values()))
    return {"messages": [{"role": "user", "content": words}], "logprobs": True}


def main(arguments: Sequence[str]) -> int:
    """Trace the server of text, and the process in which its model runs; answers one of `ExitCode`."""
    return traced(arguments, Question(conventions.CHAT_PATH, _example), _serve, [program, worker])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
