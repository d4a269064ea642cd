"""What the YAML parser says it stumbled over, told as the mistake that people make there."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from msgspec import Struct

from aimass_compiler.diagnostics import Explanation, Finding, Related
from aimass_compiler.spec.yaml.layout_fixes import (
    quoted_rest,
    spaces_for_tabs,
)
from aimass_compiler.spec.yaml.source_text import also_on_lines

if TYPE_CHECKING:
    from yaml import Mark, YAMLError

    from aimass_compiler.spec.yaml.document import Document
    from aimass_compiler.spec.yaml.layout_fixes import Compose

EXPLANATIONS = (
    Explanation(
        "AM005",
        "a tab where YAML wants spaces",
        "YAML indents with spaces only, because editors disagree on how wide a tab is. Most editors "
        "can convert: in VS Code it is the command `Convert Indentation to Spaces`.",
    ),
    Explanation(
        "AM006",
        "the text is not YAML",
        "The parser cannot go on here, so the rest of the file was not looked at. The cause is often "
        "a little earlier: a quote or bracket left open, or a value that holds `: ` or starts with "
        "a character that means something to YAML, and needs quotes.",
    ),
    Explanation(
        "AM011",
        "the file is nested too deeply",
        "The language needs fewer than ten levels; more than 60 are refused, aliases counted in full.",
    ),
)


class _Mistake(Struct, frozen=True):
    """A pattern over the parser's words, and ours; `{here}` is where it stopped."""

    pattern: str
    message: str
    help: str = ""
    is_at_start: bool = False
    start: str = ""
    is_only_unquoted: bool = False


_MISTAKES = (
    _Mistake(r"quoted scalar.*(end of stream|document)", "this quote is never closed", is_at_start=True),
    _Mistake(
        r"flow (sequence|mapping)",
        "a comma or the closing bracket is missing before this",
        "a value with `: `, `,` or brackets in it needs quotes",
        start="the bracket was opened here",
    ),
    _Mistake(
        r"unknown escape",
        "{here} starts no escape that YAML knows in double quotes",
        "use single quotes for text with backslashes, or write `\\\\` for each",
    ),
    _Mistake(r"hexadecimal|Unicode", "this escape stands for no character", "write the character itself"),
    _Mistake(
        r"mapping values are not allowed",
        "there cannot be a `: ` here",
        "quote a value that contains `: `; if this is another key, check its indentation",
    ),
    _Mistake(
        r"scanning an alias",
        "`*` refers to an anchor, and no name follows",
        'quote the text: "*"',
        is_at_start=True,
    ),
    _Mistake(
        r"scanning an anchor",
        "`&` names an anchor, and no name follows",
        'quote the text: "&"',
        is_at_start=True,
    ),
    _Mistake(
        r"cannot start any token", "a value cannot start with {here}", "quote it", is_only_unquoted=True
    ),
    _Mistake(
        r"sequence entries are not allowed",
        "a list item cannot start here",
        "start the list on the next line, or write it as `[a, b]`",
    ),
    _Mistake(r"^(mid-line )?at `:`.*block mapping", "there is no key before this `:`", "write one"),
    _Mistake(
        r"^mid-line.*block mapping", "nothing can follow the value here", "put the whole value in quotes"
    ),
    _Mistake(
        r"block mapping.*expected (key|<block end>)",
        "this line is indented like no key above it",
        "keys of one mapping start in the same column",
        start="the mapping starts here",
    ),
    _Mistake(
        r"block collection",
        "a list item, `- `, should stand here",
        "a list and keys cannot be mixed on one level",
        start="the list starts here",
    ),
    _Mistake(
        r"could not find expected ':'",
        "this line is neither `key: value` nor part of the text above",
        "is a `:` missing, or a space after it?",
        is_at_start=True,
    ),
    _Mistake(
        r"block scalar",
        "`|` and `>` start a block of text, which needs a separate line",
        "start the text on the next line, or quote the whole value",
    ),
    _Mistake(
        r"incompatible YAML", "this is a version of YAML that is not known here", "remove the `%YAML` line"
    ),
    _Mistake(
        r"document start",
        "the document is over before this",
        "remove `...`, or the bracket that ends it",
    ),
    _Mistake(
        r"expected (the )?node content", "a value should stand here, not {here}", "quote it if it is text"
    ),
)


def syntax_finding(error: YAMLError, document: Document, compose: Compose) -> Finding:
    """The finding for the parser's first error; it never sees a second one.

    `compose` reads what a fix would leave.
    """
    problem = f"{getattr(error, 'context', None) or ''}: {getattr(error, 'problem', None) or error}"
    start = _index(getattr(error, "context_mark", None))
    stop = _index(getattr(error, "problem_mark", None))
    here = stop if stop is not None else (start or 0)
    if "nesting depth" in problem:
        return too_deep(document, here)
    if document.text[here : here + 1] == "\t":
        return _tab(document, here, compose)
    shown = _shown(document.text, here)
    whole = f"{'' if _is_first_on_line(document, here) else 'mid-line '}at {shown} {problem}"
    known = next((mistake for mistake in _MISTAKES if re.search(mistake.pattern, whole)), None)
    if known is None:
        return _finding(document, here, f"this is not YAML: {problem.removeprefix(': ')}", "", ())
    place = start if known.is_at_start and start is not None else here
    related: tuple[Related, ...] = ()
    if known.start and start is not None:
        related = (Related((), known.start, place=document.place_between(start, start + 1)),)
    found = _finding(document, place, known.message.format(here=shown), known.help, related)
    return replace(found, fix=quoted_rest(document, here)) if known.is_only_unquoted else found


def _index(mark: Mark | None) -> int | None:
    return None if mark is None else int(mark.index)


def _shown(text: str, index: int) -> str:
    character = text[index : index + 1]
    if not character:
        return "the end of the file"
    if character == "\\":
        return f"`{text[index : index + 2].strip()}`"
    if character == "`":
        return "a backtick"
    return "the end of the line" if character in "\r\n" else f"`{character}`"


def _finding(
    document: Document, index: int, message: str, hint: str, related: tuple[Related, ...]
) -> Finding:
    place = document.place_between(index, index + 1)
    return Finding("AM006", (), message, help=hint, related=related, file=document.file, place=place)


def too_deep(document: Document, index: int) -> Finding:
    """The finding for brackets or indentation beyond any sane depth."""
    message = "this is nested too deeply to be meant"
    place = document.place_between(index, index + 1)
    return Finding(
        "AM011", (), message, help="is a bracket repeated by accident?", file=document.file, place=place
    )


def _is_first_on_line(document: Document, index: int) -> bool:
    """Whether nothing but blanks stands before this character on its line."""
    place = document.place_between(index, index)
    return not document.lines[place.line - 1][: place.column - 1].strip()


def _tab(document: Document, index: int, compose: Compose) -> Finding:
    place = document.place_between(index, index + 1)
    message = (
        "this line is indented with a tab"
        if _is_first_on_line(document, index)
        else "a tab cannot stand here"
    )
    others = [
        number
        for number, line in enumerate(document.lines, start=1)
        if "\t" in line[: len(line) - len(line.lstrip())] and line.strip() and number != place.line
    ]
    hint = f"indent with spaces{also_on_lines(others)}"
    fix = spaces_for_tabs(document, compose)
    return Finding("AM005", (), message, help=hint, file=document.file, place=place, fix=fix)
