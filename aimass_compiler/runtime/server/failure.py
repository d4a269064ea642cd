"""What the server exits with, and the failures that lead there."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What `python -m aimass_compiler.runtime.server` exits with."""

    DONE = 0
    """Asked to stop, and every request in flight was answered."""
    BUG = 1
    USAGE = 2
    PACKAGE = 3
    """The package folder is incomplete, damaged or of another format."""
    ADDRESS = 4
    """The address is in use or cannot be bound."""


class ServerFailure(Exception):  # noqa: N818  # a failure of what the server was given, not an error of ours
    """The server cannot start, for a reason that its operator can mend."""

    def __init__(self, code: ExitCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
