"""The organisation's settings from their file, or the defaults where there is none or nothing in it."""

from __future__ import annotations

from pathlib import Path

from aimass_compiler.diagnostics import Finding
from aimass_compiler.pipeline.settings import Settings
from aimass_compiler.spec.decode import decode
from aimass_compiler.spec.document import Document
from aimass_compiler.spec.reader import parse, read_document


def read_settings(path: Path, shown_as: str) -> tuple[Settings, Document, list[Finding]]:
    """The settings, the document that they stand in, and what is wrong with it."""
    if not path.exists():
        return Settings.default(), Document(shown_as), []
    return _decoded(*read_document(path, shown_as, may_be_empty=True))


def parsed_settings(content: bytes, shown_as: str) -> tuple[Settings, Document, list[Finding]]:
    """The same of a content that is not, or not yet, on disk."""
    return _decoded(*parse(content, shown_as, may_be_empty=True))


def _decoded(document: Document, findings: list[Finding]) -> tuple[Settings, Document, list[Finding]]:
    settings, problems = decode(Settings, document.data, document.file)
    return settings or Settings.default(), document, [*findings, *problems]
