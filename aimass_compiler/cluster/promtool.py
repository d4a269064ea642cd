"""Prometheus' promtool by subprocess: are alert rules sound, and do they pass their unit tests."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from aimass_compiler.cluster.program import call

_SECONDS = 300


class PromtoolError(Exception):
    """Promtool is missing or does not answer; the message says what to do."""


def test_rules(folder: Path, rules: Iterable[str], tests: Iterable[str]) -> str:
    """What promtool says against these rules in `folder` and against their tests; empty when nothing.

    Raises PromtoolError when there is no promtool, or when it takes longer than five minutes.
    """
    return _said(folder, "check", rules) or _said(folder, "test", tests)


def _said(folder: Path, word: str, files: Iterable[str]) -> str:
    program = shutil.which("promtool")
    if program is None:
        raise PromtoolError("`promtool` is not on the PATH; it comes with Prometheus")
    try:
        answer = call([program, word, "rules", *sorted(files)], seconds=_SECONDS, folder=folder)
    except subprocess.TimeoutExpired:
        raise PromtoolError(f"`promtool {word} rules` did not answer within {_SECONDS} s") from None
    return "" if answer.returncode == 0 else (answer.stdout + answer.stderr).strip()
