"""Whatever stands in a spec, and whatever its file is called, GitHub's runner reads what was to be told."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from aimass_compiler.cli.views import github
from aimass_compiler.cli.views.cells import safe
from aimass_compiler.cli.views.placed_findings import placed
from aimass_compiler.compile import Upto, compile_specs
from aimass_compiler.project import Project
from aimass_compiler.render.emit import emit_json
from tests.cases.front_end import base
from tests.hostile.every_string import HOSTILE

#: What the runner gives a meaning, beside what others do.
STRANGE = (
    *("::", "::error::", "::set-output name=a::b", "\n::stop-commands::x", "\r::error::x", "##[error]x", ","),
    *("%", "%0A", "%250A", "%25", "%3A", "%2C", "a%", "line=7,col=1::", "=", "a=b,c=d", " :: ", "\r\n", "\n"),
    *HOSTILE,
)
_IN_DATA = (("%0D", "\r"), ("%0A", "\n"), ("%25", "%"))
_IN_PROPERTY = (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%"))


@dataclass(frozen=True)
class Command:
    """A workflow command, as the runner understands it."""

    name: str
    properties: dict[str, str]
    data: str


def read(line: str) -> Command:
    """`TryParseV2` of https://github.com/actions/runner/blob/main/src/Runner.Common/ActionCommand.cs."""
    assert line.startswith("::")
    told, found, data = line[2:].partition("::")
    assert found
    name, _, written = told.partition(" ")
    pairs = (pair.split("=", 1) for pair in written.split(",") if pair)
    return Command(
        name, {key: _unescaped(value, _IN_PROPERTY) for key, value in pairs}, _unescaped(data, _IN_DATA)
    )


def _unescaped(text: str, pairs: tuple[tuple[str, str], ...]) -> str:
    for escaped, character in pairs:
        text = text.replace(escaped, character)
    return text


def commands(text: str) -> list[Command]:
    """The commands of a log, of which the runner takes the lines apart at any kind of line end."""
    assert text.endswith("\n")
    return [read(line) for line in re.split(r"\r\n|\r|\n", text.removesuffix("\n"))]


def check(folder: Path, file: str, content: bytes) -> None:
    """Hold what the runner reads of a spec's findings to what they are."""
    spec = folder / "specs" / file
    spec.parent.mkdir()
    spec.write_bytes(content)
    checked = compile_specs(Project(folder), [spec], upto=Upto.CHECK)
    told = placed(checked.findings, checked.documents)
    found = commands(github.drawn(checked.findings, checked.documents))
    assert checked.findings
    for each, command in zip(told, found, strict=True):
        finding = each.finding
        assert (command.name, command.properties["title"]) == (finding.severity.value, finding.code)
        assert command.properties["file"] == shown(f"specs/{file}")
        assert each.place is None or command.properties["line"] == str(each.place.line)
        told_by = f"{finding.message}\nhelp: {finding.help}" if finding.help else finding.message
        assert command.data == shown(told_by)


def shown(text: str) -> str:
    """Lines without what could drive the terminal that shows a log."""
    return "\n".join(map(safe, text.split("\n")))


@pytest.mark.parametrize("text", STRANGE, ids=ascii)
def test_what_stands_in_a_spec_is_read_as_it_was_told(text: str, tmp_path: Path) -> None:
    check(tmp_path, "churn.yaml", emit_json({**base(), text: 1, "kind": text}))


@pytest.mark.parametrize("name", [text for text in STRANGE if "/" not in text], ids=ascii)
def test_a_file_is_found_whatever_it_is_called(name: str, tmp_path: Path) -> None:
    check(tmp_path, f"{name}.yaml", emit_json(base()))
