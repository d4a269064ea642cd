"""Prometheus' promtool by subprocess: are alert rules sound."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

import yaml

from aimass_compiler.programs.program import call

_SECONDS = 300


class PromtoolError(Exception):
    """Promtool is missing or does not answer; the message says what to do."""


def rule_file(manifest: bytes) -> bytes:
    """The rule file with the rules of a PrometheusRule, which is for the operator."""
    groups = yaml.safe_load(manifest)["spec"]["groups"]
    return yaml.safe_dump({"groups": groups}, sort_keys=False).encode()


def check_rules(folder: Path, files: Iterable[str]) -> str:
    """What promtool says against these rule files in `folder`; empty when nothing.

    Raises PromtoolError when there is no promtool, or when it takes longer than five minutes.
    """
    program = shutil.which("promtool")
    if program is None:
        raise PromtoolError("`promtool` is not on the PATH; it comes with Prometheus")
    try:
        answer = call([program, "check", "rules", *sorted(files)], seconds=_SECONDS, folder=folder)
    except subprocess.TimeoutExpired:
        raise PromtoolError(f"`promtool check rules` did not answer within {_SECONDS} s") from None
    return "" if answer.returncode == 0 else (answer.stdout + answer.stderr).strip()
