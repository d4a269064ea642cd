"""`python -m aimass_compiler.runtime.server.shared FOLDER`: serve all models that a folder lists."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aimass_compiler import conventions
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.runtime.server.log import EventLog
from aimass_compiler.runtime.server.process import serve
from aimass_compiler.runtime.server.response import ServerFailure
from aimass_compiler.runtime.server.settings import (
    FLAGS,
    Flag,
    ServerSettings,
    parser_of,
    settings_of,
    whole,
)
from aimass_compiler.runtime.server.shared.application import SharedApplication

if TYPE_CHECKING:
    from collections.abc import Sequence

_PROGRAM = "python -m aimass_compiler.runtime.server.shared"
_CONTENT = "the folder with one MODEL.json for each model"


@dataclass(frozen=True, slots=True)
class SharedSettings(ServerSettings):
    """How a server of many models behaves; what each has of its own holds where its file says nothing."""

    name: str = "shared"
    memory_bytes: int = 0
    """What the process may have before no further model is loaded; 0 is any amount."""


_FLAGS = (
    *FLAGS,
    Flag("name", conventions.VARIABLE_SERVER, "shared", str, "what the server is called in metrics"),
    Flag(
        "memory-bytes",
        conventions.VARIABLE_MEMORY_BYTES,
        "0",
        whole(0, 1 << 50, conventions.VARIABLE_MEMORY_BYTES),
        "the memory beyond which no further model is loaded; 0 is any amount",
    ),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until asked to stop; answers one of `ExitCode`."""
    parser = parser_of(_PROGRAM, _CONTENT)
    settings = settings_of(SharedSettings, _FLAGS, parser, arguments, os.environ)
    try:
        with EventLog() as log:
            serve(
                settings,
                log,
                lambda: SharedApplication(settings, log, settings.name, settings.memory_bytes),
            )
    except ServerFailure as failure:
        sys.stderr.write(f"server: {failure.message}\n")
        return int(failure.code)
    return int(ExitCode.DONE)


if __name__ == "__main__":
    sys.exit(main())
