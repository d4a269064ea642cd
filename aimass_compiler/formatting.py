"""Specs and settings in their canonical form: keys in the language's order, laid out as everybody's are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler.diagnostics import Finding, has_errors
from aimass_compiler.explanations import Example, Explanation
from aimass_compiler.pipeline.settings import Settings
from aimass_compiler.spec.key_order import in_order
from aimass_compiler.spec.layout import comments, laid_out
from aimass_compiler.spec.reader import parse

if TYPE_CHECKING:
    from aimass_compiler.spec.document import Document
    from aimass_compiler.values import Frozen

EXPLANATIONS = (
    Explanation(
        "AM020",
        "formatting would change what the text says",
        "`aimass fmt` holds what it wrote against what was there: the same values, and every comment. Where "
        "they differ the file is left alone. Please report it with the file.",
    ),
)
EXAMPLES = (
    Example(
        "AM020",
        "A layout that nobody has thought of makes `aimass fmt` lose a comment.",
        "It is kept.",
        "situation",
    ),
)


def formatted(content: bytes, file: str, kind: type[Frozen]) -> tuple[bytes, list[Finding]]:
    """The canonical form; or the content as it is, and what stands in the way."""
    document, findings = _parsed(content, file, kind)
    if has_errors(findings):
        return content, [finding for finding in findings if finding.is_error]
    order = [field.alias or name for name, field in kind.model_fields.items()]
    text = laid_out(document.text)
    moved = in_order(_parsed(text, file, kind)[0], order)
    # An alias must stay behind its anchor, and then so does everything.
    after = moved if _says(moved, file, kind) == document.data else text
    if _says(after, file, kind) != document.data or _remarks(after) != _remarks(document.text):
        hint = "the file was left as it is; please report this with it"
        message = f"formatting `{file}` would change what it says"
        return content, [Finding("AM020", (), message, help=hint, file=file)]
    newline = "\r\n" if "\r\n" in document.text else "\n"
    return after.replace("\n", newline).encode(), []


def _parsed(content: bytes | str, file: str, kind: type[Frozen]) -> tuple[Document, list[Finding]]:
    return parse(content, file, may_be_empty=kind is Settings)


def _says(text: str, file: str, kind: type[Frozen]) -> object:
    document, findings = _parsed(text, file, kind)
    return None if has_errors(findings) else document.data


def _remarks(text: str) -> list[str]:
    return sorted(comments(text))
