"""Prometheus' promtool by subprocess: unit tests of alert rules."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

_SECONDS = 300


class PromtoolError(Exception):
    """Promtool is missing or does not answer; the message says what to do."""


def test_rules(folder: Path, tests: Iterable[str]) -> str:
    """What promtool says against the rules that these files in `folder` test; empty when nothing.

    Raises PromtoolError when there is no promtool, or when it takes longer than five minutes.
    """
    program = shutil.which("promtool")
    if program is None:
        raise PromtoolError("`promtool` is not on the PATH; it comes with Prometheus")
    try:
        answer = subprocess.run(  # noqa: S603  # a list of arguments, never a shell
            [program, "test", "rules", *sorted(tests)],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise PromtoolError(f"`promtool test rules` did not answer within {_SECONDS} s") from None
    return "" if answer.returncode == 0 else (answer.stdout + answer.stderr).strip()
