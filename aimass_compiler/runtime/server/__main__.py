"""`python -m aimass_compiler.runtime.server PACKAGE`: serve a package folder over HTTP."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.runtime.server.log import EventLog
from aimass_compiler.runtime.server.response import ServerFailure
from aimass_compiler.runtime.server.settings import read_settings
from aimass_compiler.runtime.server.worker_peers import WorkerPeers, peers_here

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aimass_compiler.runtime.server.settings import ServerSettings


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until asked to stop; answers one of `ExitCode`."""
    settings, peers = read_settings(arguments), peers_here()
    try:
        if peers is None and settings.workers > 1:
            from aimass_compiler.runtime.server.workers import supervise

            with EventLog() as log:
                return supervise(settings, log, sys.argv[1:] if arguments is None else arguments)
        with EventLog(peers=peers) as log:
            _serve(settings, log, peers)
    except ServerFailure as failure:
        sys.stderr.write(f"server: {failure.message}\n")
        return int(failure.code)
    return int(ExitCode.DONE)


def _serve(settings: ServerSettings, log: EventLog, peers: WorkerPeers | None) -> None:
    # A supervisor answers nothing, and is smaller without what answers.
    from aimass_compiler.runtime.server.application import Application
    from aimass_compiler.runtime.server.package import read_package
    from aimass_compiler.runtime.server.process import serve

    if peers is not None:
        peers.end_with_supervisor()
        settings = settings.share(peers.workers)
    serve(settings, log, lambda: Application(read_package(settings.package), settings, log, peers), peers)


if __name__ == "__main__":
    sys.exit(main())
