"""What the commands exit with, so that scripts can tell the outcomes apart."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """The exit codes, each with its meaning."""

    meaning: str

    def __new__(cls, value: int, meaning: str) -> ExitCode:
        code = int.__new__(cls, value)
        code._value_ = value
        code.meaning = meaning
        return code

    DONE = 0, "done"
    FINDINGS = 1, "a spec has errors, or what was asked for failed for the reason that is told"
    USAGE = 2, "the arguments make no sense"
    STALE = 3, "generated/ is not what the specs compile to (--check); serve: the package is damaged"
    ADDRESS = 4, "serve: the address is in use, or is none of this machine"
    DATA = 10, "run: the data breaks its contract"
    TRAINING = 11, "run: no trial succeeded"
    GATE = 12, "run: the model missed a gate"
    SERVICE = 13, "run: the served model is wrong, too slow or unstable"
    DISK = 14, "run: a file could not be read or written"
    INTERRUPTED = 130, "interrupted"
