"""How a stage says that it cannot go on, so that people and scripts both understand."""

from __future__ import annotations

from aimass_compiler.exit_codes import ExitCode


class StageFailure(Exception):  # noqa: N818  # a failure of the user's data or model, not an error of ours
    """The stage cannot go on for a reason that is the user's to fix."""

    def __init__(self, code: ExitCode, message: str, help: str = "") -> None:  # noqa: A002  # the word that findings use
        super().__init__(message)
        self.code = code
        self.message = message
        self.help = help
