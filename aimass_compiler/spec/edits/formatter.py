"""Specs and settings in their canonical form: laid out as everybody's are."""

from __future__ import annotations

from aimass_compiler.diagnostics import Example, Explanation, Finding, has_errors
from aimass_compiler.spec.edits.layout import comments, laid_out
from aimass_compiler.spec.yaml.reader import parse

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
        "An unforeseen layout makes `aimass fmt` lose a comment.",
        "It is kept.",
        "situation",
    ),
)


def formatted(content: bytes, file: str, *, may_be_empty: bool = False) -> tuple[bytes, list[Finding]]:
    """The canonical form; or the content as it is, and what stands in the way."""
    document, findings = parse(content, file, may_be_empty=may_be_empty)
    if has_errors(findings):
        return content, [finding for finding in findings if finding.is_error]
    before, after = document.text, laid_out(document.text)
    again, problems = parse(after, file, may_be_empty=may_be_empty)
    is_same = not has_errors(problems) and again.data == document.data
    if not is_same or sorted(comments(after)) != sorted(comments(before)):
        hint = "the file was left as it is; please report this with it"
        message = f"formatting `{file}` would change what it says"
        return content, [Finding("AM020", (), message, help=hint, file=file)]
    newline = "\r\n" if "\r\n" in before else "\n"
    return after.replace("\n", newline).encode(), []
