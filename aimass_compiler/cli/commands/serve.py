"""Serve a packaged model on this machine.

Starts the same server that the image runs, on the package that `aimass run` left. It speaks plain
JSON (POST /predict) and the Open Inference Protocol (/v2/models/...), that of a language model
OpenAI's API (/v1/chat/completions), and tells Prometheus at /metrics. Ctrl-C drains and stops it.
"""

from __future__ import annotations

import argparse
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from aimass_compiler import conventions
from aimass_compiler.cli import terminal
from aimass_compiler.cli.outdated_package import tell_if_outdated
from aimass_compiler.cli.selection import add_root, package_of, project_of
from aimass_compiler.exit_codes import ExitCode

if TYPE_CHECKING:
    from aimass_compiler.project import Project

EXIT_CODES = (ExitCode.PACKAGE, ExitCode.ADDRESS, ExitCode.REGISTRY)
EXAMPLES = """
  aimass serve churn                 on http://127.0.0.1:8080
  aimass serve churn --port 9000     on another port
  aimass serve churn --records /tmp/records      then `aimass logs churn --store /tmp/records` reads them
  aimass serve churn --signed-by cosign.pub      only if it was published and signed with that key
"""

_LAST_PORT = 65_535


def declare(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.add_argument("model", metavar="MODEL", help="the model's name, or a package folder")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: %(default)s)")
    parser.add_argument(
        "--port", type=_port, default=conventions.PORT, help="the port (default: %(default)s)"
    )
    parser.add_argument("--grpc-port", type=_port, help="where it answers gRPC, too; without it, it does not")
    parser.add_argument(
        "--signed-by",
        type=Path,
        metavar="FILE",
        help="serve it only if a version on record has its signature by this public key in PEM",
    )
    parser.add_argument(
        "--records", type=Path, metavar="FOLDER", help="record all predictions in a store of records"
    )
    add_root(parser)


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= _LAST_PORT):
        raise argparse.ArgumentTypeError(f"a port is a whole number from 0 to {_LAST_PORT}, not `{text}`")
    return int(text)


def run(arguments: argparse.Namespace) -> int:
    """Serve until interrupted; answers the server's own exit code."""
    from aimass_compiler.programs import model_server

    project = project_of(arguments)
    package = package_of(project, arguments.model)
    if arguments.signed_by is not None and (code := _refused(arguments, project, package)):
        return code
    tell_if_outdated(project, package)
    options = ["--host", arguments.host, "--port", str(arguments.port)]
    if arguments.grpc_port is not None:
        options += ["--grpc-port", str(arguments.grpc_port)]
    if arguments.records is not None:
        options += model_server.recording(arguments.records)
    try:
        command = model_server.command(package, *options)
    except model_server.ServerError as error:
        terminal.error(str(error), error.help)
        return ExitCode.FAILED
    print(
        f"starting {arguments.model} on http://{arguments.host}:{arguments.port}, Ctrl-C stops it", flush=True
    )
    if os.name == "posix":
        # The server takes this process's place, so that signals reach it and nothing is left behind.
        os.execv(command[0], command)  # noqa: S606  # a list of arguments, never a shell
    return subprocess.run(command, check=False).returncode  # noqa: S603  # as above


def _refused(arguments: argparse.Namespace, project: Project, package: Path) -> int:
    """Report why a package is not signed by the key that was given; answers an ExitCode, or nothing."""
    from aimass_compiler.cli import release_changes as changes
    from aimass_compiler.cli.versions import no_version_otherwise
    from aimass_compiler.delivery.served_package import complaint

    home, model = (
        changes.sound_settings(project).images.registry,
        changes.known_model(project, arguments.model),
    )
    with no_version_otherwise():
        found = complaint(project.root, model, package, arguments.signed_by, home)
    if found is None:
        return 0
    terminal.error(f"{package} is not served, because {arguments.signed_by} did not sign it: {found}")
    return ExitCode.PACKAGE
