"""Every command that a page shows is one that the command line takes, with the words that it takes."""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from aimass_compiler.cli.commands import ORDER, command
from aimass_compiler.cli.overview import parser_of
from tests.documentation.blocks import PAGES, ROOT, blocks

SHELLS = {"sh", "bash", "console", "shell", ""}
INLINE = re.compile(r"(?<!`)`(aimass [a-z][^`\n]*)`(?!`)")
#: Where the words of a command end: at a pipe, a redirection or another command.
ENDS = re.compile(r"^(?:\||\|\||&&|;|&|>|>>|2>|<|#)")
PROMPT = re.compile(r"^\s*(?:\$ )?(?:[A-Z_]+=\S+ +)*(?=aimass\s)")
ELLIPSES = ("…", "...")
#: What prose may leave out, and names that stand for any of several words.
LEFT_OUT = re.compile(
    r"the following arguments are|one of the arguments|.*expected one argument|.*invalid choice: '[A-Z]+'"
)


class Refused(Exception):  # noqa: N818  # it reads as what is the case
    """What the command line says of words that it does not take."""


def shown(text: str) -> Iterator[tuple[int, str]]:
    """The commands of a block, each with its line; lines that end with `\\` go on."""
    pending, began = "", 0
    for number, line in enumerate(text.splitlines()):
        pending, began = (pending + line.strip(), began) if pending else (line, number)
        if pending.endswith("\\"):
            pending = pending[:-1]
            continue
        if PROMPT.match(pending):
            yield began, PROMPT.sub("", pending)
        pending = ""


def words_of(written: str) -> list[str]:
    """The words of a command without what a shell does with it, and what stands for anything."""
    split = shlex.shlex(written, posix=True, punctuation_chars="|&;<>")
    split.whitespace_split = True
    split.commenters = ""
    found: list[str] = []
    for word in split:
        if ENDS.match(word):
            break
        found.append(word.strip("[]"))
    return [word for word in found[1:] if word and word not in ELLIPSES]


def refused(words: list[str], monkeypatch: pytest.MonkeyPatch) -> str:
    """What the command's own parser says against the words; empty where it takes them."""

    def refuse(parser: argparse.ArgumentParser, message: str) -> NoReturn:
        raise Refused(message)

    monkeypatch.setattr(argparse.ArgumentParser, "error", refuse)
    if not words or words[0] in ("--help", "--version"):
        return ""
    if words[0] not in ORDER:
        return f"there is no command {words[0]}"
    try:
        parser_of(command(words[0]), f"aimass {words[0]}").parse_args(words[1:])
    except Refused as said:
        return str(said)
    except SystemExit:  # `--help` and `--version` of a command
        return ""
    return ""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_in_blocks_are_complete(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = {
        f"{block.place}+{line}: {written}": problem
        for block in blocks(page)
        if block.language in SHELLS
        for line, written in shown(block.text)
        if (problem := refused(words_of(written), monkeypatch))
    }
    assert said == {}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_in_prose_name_what_there_is(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They may leave out what is clear there, and stand for several."""
    text = page.read_text(encoding="utf-8")
    said = {}
    for found in INLINE.finditer(text):
        try:
            problem = refused(words_of(found[1]), monkeypatch)
        except ValueError:  # quotes that a sentence closes
            continue
        if problem and not LEFT_OUT.match(problem):
            said[f"{page.relative_to(ROOT)}: {found[1]}"] = problem
    assert said == {}


def test_there_are_commands_to_look_at() -> None:
    found = [written for page in PAGES for block in blocks(page) for _, written in shown(block.text)]
    assert len(found) > 60
    assert {words_of(written)[0] for written in found} >= {
        "init",
        "run",
        "serve",
        "publish",
        "promote",
        "apply",
    }


def test_every_block_is_run_or_says_why_not() -> None:
    """By test_files.py, by test_sessions.py, or by what a comment says."""
    here = SHELLS - {""} | {"yaml", "python", "mermaid"}
    for block in (each for page in PAGES for each in blocks(page)):
        assert block.language in here or block.run_by or block.reason, f"{block.place}: a comment must say"
        assert not block.run_by or (ROOT / block.run_by).is_file(), f"{block.place}: there is no such test"
