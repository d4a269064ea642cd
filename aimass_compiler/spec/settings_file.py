"""The organisation's settings from their file, or the defaults where there is none or nothing in it."""

from __future__ import annotations

from pathlib import Path

from aimass_compiler.diagnostics import Finding
from aimass_compiler.pipeline.settings import Settings
from aimass_compiler.spec import told_once
from aimass_compiler.spec.decode import decode
from aimass_compiler.spec.document import Document
from aimass_compiler.spec.reader import parse, read_document


def read_settings(
    path: Path, shown_as: str, content: bytes | None = None
) -> tuple[Settings, Document, list[Finding]]:
    """The settings, the document that they stand in, and what is wrong with it.

    A `content` counts in the place of what is on disk.
    """
    if content is not None:
        document, findings = parse(content, shown_as, may_be_empty=True)
    elif path.exists():
        document, findings = read_document(path, shown_as, may_be_empty=True)
    else:
        return Settings.default(), Document(shown_as), []
    settings, problems = decode(Settings, document.data, document.file)
    return settings or Settings.default(), document, told_once.in_one_place([*findings, *problems], document)
