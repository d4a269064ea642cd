"""What every program of this project exits with: commands, stages and servers."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """One number, one meaning, for commands, stages and the server."""

    meaning: str

    def __new__(cls, value: int, meaning: str) -> ExitCode:
        code = int.__new__(cls, value)
        code._value_ = value
        code.meaning = meaning
        return code

    DONE = 0, "done"
    FAILED = 1, "a spec has errors, or what was asked for failed for the reason that is reported"
    USAGE = 2, "the arguments make no sense, or need a program or library that is not installed"
    STALE = 3, "something is not up to date, or would change (--check)"
    BREAKING = 4, "callers of a model would notice (--fail-on)"
    DATA = 10, "the data breaks its contract"
    TRAINING = 11, "no trial succeeded"
    GATE = 12, "the model missed a gate"
    SERVICE = 13, "the served model is wrong, too slow or unstable"
    DISK = 14, "a file could not be read or written, or a database not reached"
    PACKAGE = 15, "the package is incomplete, damaged or of another format"
    ADDRESS = 16, "the address is in use, or is none of this machine"
    CONFLICT = 20, "another manager owns a field that is declared, or an object of that name"
    NOT_READY = 21, "what was applied is not ready in time, or what was deleted not gone"
    UNREACHABLE = 22, "the cluster cannot be reached, or does not know who asks"
    LOCKED = 23, "another run works on the model, and did not end in time"
    REFUSED = 24, "the cluster refuses: rights, quota, a policy, a kind that it lacks"
    HELD = 25, "the release is held, and what is declared is not what may run"
    NOT_PROMOTABLE = 26, "the version may not go there, for the reason that is reported"
    REGISTRY = 27, "the registry cannot be reached, refuses, or has no such image"
    INTERRUPTED = 130, "interrupted"
