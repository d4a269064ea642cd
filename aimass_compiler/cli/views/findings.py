"""Findings in the form that was asked for."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from aimass_compiler.cli import terminal
from aimass_compiler.cli.views import github, json_document, people

if TYPE_CHECKING:
    from aimass_compiler.diagnostics import Finding
    from aimass_compiler.spec.document import Document

FORMATS = ("people", "json", "github")


def show(findings: Iterable[Finding], documents: Mapping[str, Document], form: str) -> None:
    """Print findings: to standard error for people, to standard output for programs."""
    if form == "json":
        sys.stdout.write(json_document.drawn(findings, documents))
    elif form == "github":
        sys.stdout.write(github.drawn(findings, documents))
    else:
        stream = sys.stderr
        sys.stdout.flush()
        stream.write(
            people.drawn(
                findings, documents, is_coloured=terminal.is_coloured(stream), width=terminal.width()
            )
        )
