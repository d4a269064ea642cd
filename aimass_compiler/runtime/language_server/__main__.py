"""`python -m aimass_compiler.runtime.language_server PACKAGE`: serve a language model's package over HTTP."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.runtime.language_server.application import LanguageApplication
from aimass_compiler.runtime.language_server.package import read_language_package
from aimass_compiler.runtime.language_server.settings import read_language_settings
from aimass_compiler.runtime.server.log import EventLog
from aimass_compiler.runtime.server.process import serve
from aimass_compiler.runtime.server.response import ServerFailure

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until asked to stop; answers one of `ExitCode`."""
    settings = read_language_settings(arguments)
    try:
        with EventLog() as log:
            serve(
                settings,
                log,
                lambda: LanguageApplication(read_language_package(settings.package), settings, log),
            )
    except ServerFailure as failure:
        sys.stderr.write(f"server: {failure.message}\n")
        return int(failure.code)
    return int(ExitCode.DONE)


if __name__ == "__main__":
    sys.exit(main())
