"""The organisation's settings from their file, or the defaults where there is none or nothing in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from aimass_compiler import conventions
from aimass_compiler.diagnostics import Explanation, Finding, Severity, has_errors
from aimass_compiler.pipeline.settings import Settings
from aimass_compiler.project import misnamed_settings
from aimass_compiler.spec.decode.decoder import decode
from aimass_compiler.spec.yaml.document import Document
from aimass_compiler.spec.yaml.reader import parse, read_document

EXPLANATIONS = (
    Explanation(
        "AM209",
        "settings stand in a file that is not read",
        f"The organisation's settings are those of `{conventions.SETTINGS_FILE}`, in exactly this spelling. "
        "macOS and Windows find them as `Aimass.yaml`, too, but Linux and CI do not: there, all would be "
        "generated without them.",
    ),
)


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
        findings += _misnamed(path)
    else:
        return Settings.default(), Document(shown_as), list(_misnamed(path))
    if has_errors(findings):
        return Settings.default(), document, findings
    settings, problems = decode(Settings, document.data, document.file, document.written)
    return settings or Settings.default(), document, [*findings, *problems]


def _misnamed(path: Path) -> Iterator[Finding]:
    """Files beside it that somebody may take for the settings."""
    for name in misnamed_settings(str(path.parent)):
        where = " everywhere" if name.lower() == path.name else ""
        message = f"`{name}` is not read{where}: settings stand in `{path.name}`"
        hint = f"rename it to `{path.name}`, or delete it where that has all of it"
        yield Finding("AM209", (), message, help=hint, severity=Severity.WARNING, file=name)
