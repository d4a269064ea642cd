"""`python -m aimass_compiler.runtime.server PACKAGE`: serve a package folder over HTTP."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from aimass_compiler.conventions import ExitCode
from aimass_compiler.runtime.server.application import Application
from aimass_compiler.runtime.server.log import EventLog
from aimass_compiler.runtime.server.package import read_package
from aimass_compiler.runtime.server.process import serve
from aimass_compiler.runtime.server.response import ServerFailure
from aimass_compiler.runtime.server.settings import read_settings

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until asked to stop; answers one of `ExitCode`."""
    settings = read_settings(arguments)
    try:
        with EventLog() as log:
            serve(settings, log, lambda: Application(read_package(settings.package), settings, log))
    except ServerFailure as failure:
        sys.stderr.write(f"server: {failure.message}\n")
        return int(failure.code)
    return int(ExitCode.DONE)


if __name__ == "__main__":
    sys.exit(main())
