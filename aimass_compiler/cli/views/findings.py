"""Findings in the form that was asked for."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING

from aimass_compiler.cli import terminal

if TYPE_CHECKING:
    from aimass_compiler.diagnostics import Finding
    from aimass_compiler.spec.document import Document

FORMATS = ("people", "json", "sarif", "github")
_VIEWS = {"json": "json_document", "sarif": "sarif", "github": "github"}


def show(findings: Iterable[Finding], documents: Mapping[str, Document], form: str) -> None:
    """Print findings: to standard error for people, to standard output for programs."""
    if form in _VIEWS:
        view = import_module(f"aimass_compiler.cli.views.{_VIEWS[form]}")
        sys.stdout.write(view.drawn(findings, documents))
        return
    findings = list(findings)
    if not findings:
        return
    from aimass_compiler.cli.views import people

    stream = sys.stderr
    sys.stdout.flush()
    stream.write(
        people.drawn(
            findings,
            documents,
            is_coloured=terminal.is_coloured(stream),
            width=terminal.width(),
            wraps=stream.isatty(),
        )
    )
