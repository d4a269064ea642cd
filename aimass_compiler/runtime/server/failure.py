"""What the server exits with, and the failures that lead there."""

from __future__ import annotations

from aimass_compiler.conventions import ExitCode

__all__ = ["ExitCode", "ServerFailure"]


class ServerFailure(Exception):  # noqa: N818  # a failure of what the server was given, not an error of ours
    """The server cannot start, for a reason that its operator can fix."""

    def __init__(self, code: ExitCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
