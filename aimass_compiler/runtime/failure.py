"""How a stage says that it cannot go on, so that people and scripts both understand."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What `aimass-runtime STAGE` exits with."""

    DONE = 0
    BUG = 1
    USAGE = 2
    DATA = 10
    """The data does not keep its contract."""
    TRAINING = 11
    """No trial succeeded."""
    GATE = 12
    """The model missed a gate."""
    SERVICE = 13
    """The served model is wrong, too slow or unstable."""
    DISK = 14
    """A result could not be written."""


class StageFailure(Exception):  # noqa: N818  # a failure of the user's data or model, not an error of ours
    """The stage cannot go on for a reason that is the user's to mend."""

    def __init__(self, code: ExitCode, message: str, help: str = "") -> None:  # noqa: A002  # the word that findings use
        super().__init__(message)
        self.code = code
        self.message = message
        self.help = help
