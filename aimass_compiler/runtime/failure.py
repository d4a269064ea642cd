"""How a stage says that it cannot go on, so that people and scripts both understand."""

from __future__ import annotations

import sys
from collections.abc import Callable

from aimass_compiler.diagnostics import HintedError
from aimass_compiler.exit_codes import ExitCode


class StageFailure(HintedError):  # noqa: N818  # a failure of the user's data or model, not an error of ours
    """The stage cannot go on for a reason that is the user's to fix."""

    def __init__(self, code: ExitCode, message: str, help: str = "") -> None:  # noqa: A002  # the word that findings use
        super().__init__(message, help)
        self.code = code
        self.message = message


def exit_code(name: str, act: Callable[[], int], *, hinted: ExitCode = ExitCode.FAILED) -> int:
    """What `act` answers, or else why it could not go on: told on standard error, and its exit code.

    `hinted` is that of a HintedError which has none of its own, such as of a store that cannot be reached.
    """
    try:
        return int(act())
    except StageFailure as failure:
        return _told(name, failure.message, failure.help, failure.code)
    except HintedError as error:  # of files that the user has, such as a base that is gone
        return _told(name, str(error), error.help, hinted)
    except OSError as error:
        which, why = error.filename or "a file", error.strerror or error
        return _told(name, f"{which} could not be read or written: {why}", "", ExitCode.DISK)
    except ModuleNotFoundError as error:
        if str(error.name).startswith("aimass_compiler"):
            raise
        hint = "`pip install 'aimass-compiler[run]'` brings what stages need"
        return _told(name, f"{error.name} is not installed", hint, ExitCode.USAGE)
    except KeyboardInterrupt:
        return int(ExitCode.INTERRUPTED)


def _told(name: str, message: str, hint: str, code: ExitCode) -> int:
    print(f"{name}: {message}", file=sys.stderr)
    if hint:
        print(f"  help: {hint}", file=sys.stderr)
    return int(code)
