"""Help that teaches: what a command does, an example, and what it exits with."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from aimass_compiler.cli import compile_main
from aimass_compiler.cli.commands import Command, commands
from aimass_compiler.exit_codes import ExitCode
from cli.projects import Project


def as_words(text: str) -> str:
    """The text without its lines."""
    return " ".join(text.split())


@pytest.mark.parametrize("command", commands(), ids=lambda command: command.name)
def test_the_help_of_a_command_teaches(empty: Project, command: Command) -> None:
    help_ = empty.aimass(command.name, "--help").out
    assert as_words(command.description) in as_words(help_)
    _, _, examples = help_.partition("\nexamples:\n")
    assert f"  aimass {command.name}" in examples
    _, _, codes = help_.partition("\nexit codes:\n")
    told = [int(line.split()[0]) for line in codes.splitlines() if line[2] != " "]
    assert told == command.exit_codes
    assert set(told) >= {ExitCode.DONE, ExitCode.FAILED, ExitCode.USAGE, ExitCode.INTERRUPTED}


def test_the_overview_says_which_commands_exit_with_a_code(empty: Project) -> None:
    told = empty.aimass("--help").out
    assert "\n  1   a spec has errors" in told
    assert "\n  12  run, train, retrain, truth: the model missed a gate\n" in told
    assert "\n  13  run, train, retrain, soak, rebase, callers: the served model is wrong" in told


def test_an_option_that_there_is_not_is_named(empty: Project) -> None:
    done = empty.aimass("--verbose")
    assert done.code == 2
    assert "unrecognized arguments: --verbose" in done.err


@pytest.mark.parametrize("written", [["--"], ["--", "compile"]])
def test_what_comes_before_a_command_is_refused(project: Project, written: list[str]) -> None:
    done = project.aimass(*written)
    assert (done.code, done.out) == (2, "")
    assert not (project.root / "generated").exists()


def test_every_exit_code_is_one_of_a_command() -> None:
    assert {code for command in commands() for code in command.exit_codes} == set(ExitCode)


def test_a_command_whose_answer_is_2_says_so(empty: Project) -> None:
    codes = empty.aimass("drift", "--help").out.partition("\nexit codes:\n")[2]
    assert "\n  2   something differs\n" in codes
    assert "library that is not installed 2 something" in as_words(codes)


@pytest.mark.parametrize("command", commands(), ids=lambda command: command.name)
def test_every_argument_is_explained(empty: Project, command: Command) -> None:
    options, _, _ = empty.aimass(command.name, "--help").out.partition("examples:")
    _, _, explained = options.partition("positional arguments:" if "positional" in options else "options:")
    entries = [line for line in explained.splitlines() if line.startswith("  ") and line[2] != " "]
    lines = explained.splitlines()
    for entry in entries:
        has_text = "  " in entry.strip() or lines[lines.index(entry) + 1].startswith(" " * 10)
        assert has_text, entry


def test_the_help_lists_every_command(empty: Project) -> None:
    done = empty.aimass("--help")
    assert done.code == 0
    assert all(f"\n  {command.name} " in done.out for command in commands())
    assert "first steps:" in done.out


@pytest.mark.parametrize("words", [[], ["promote"]])
def test_help_fits_into_the_terminal(
    empty: Project, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    out = empty.aimass(*words, "--help").out
    prose, _, _ = out.partition("\nfirst steps:" if not words else "\nexamples:")
    _, _, codes = out.partition("\nexit codes:\n")
    assert max(map(len, [*prose.splitlines(), *codes.splitlines()])) < 80
    assert max(map(len, prose.splitlines())) > 70, "and uses its width"


def test_aimass_compile_is_aimass_compile(compiled: Project) -> None:
    assert compile_main(["--check"]) == 0
    with pytest.raises(SystemExit) as left:
        compile_main(["--help"])
    assert left.value.code == 0


def test_the_version_is_told(empty: Project) -> None:
    done = empty.aimass("--version")
    assert done.code == 0
    assert done.out.startswith("aimass-compile ")


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("help", "error: there is no command `help`\nhelp: `aimass --help` lists the commands\n"),
        ("complie", "error: there is no command `complie`\nhelp: did you mean `compile`?\n"),
        ("compile chrun", "error: there is no spec `chrun` in specs/\nhelp: did you mean `churn`?\n"),
        ("plan chrun", "error: there is no spec `chrun` in specs/\nhelp: did you mean `churn`?\n"),
        ("run chrun", "error: there is no spec `chrun` in specs/\nhelp: did you mean `churn`?\n"),
        (
            "explain chrun",
            "error: there is no model, key, kind or code `chrun`\nhelp: did you mean `churn`?\n",
        ),
        ("serve chrun", "error: there is no model `chrun`\nhelp: did you mean `churn`?\n"),
        ("soak chrun", "error: there is no model `chrun`\nhelp: did you mean `churn`?\n"),
        ("predict chrun --example", "error: there is no model `chrun`\nhelp: did you mean `churn`?\n"),
        (
            "explain bukcet",
            "error: there is no model, key, kind or code `bukcet`\nhelp: did you mean `bucket`?\n",
        ),
        (
            "build chrun prod",
            "error: there is no `chrun` in generated\nhelp: compile first: `aimass compile`\n",
        ),
        ("explain AM0034", "error: there is no code AM0034\nhelp: did you mean `AM034`?\n"),
        ("serve churn", "error: `churn` has no package yet\nhelp: `aimass run churn` makes one\n"),
    ],
)
def test_an_unknown_name_is_met_with_a_known_one(project: Project, written: str, told: str) -> None:
    done = project.aimass(*written.split())
    assert (done.code, done.out, done.err) == (2, "", told)


@pytest.mark.parametrize("port", ["65536", "-1", "http", "²"])
def test_a_port_that_is_none(project: Project, port: str) -> None:
    done = project.aimass("serve", "churn", f"--port={port}")
    assert done.code == 2
    assert f"a port is a whole number from 0 to 65535, not `{port}`" in done.err


@pytest.mark.skipif(sys.version_info < (3, 14), reason="Python itself colours help since 3.14")
@pytest.mark.parametrize("forbidden", [{}, {"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_usage_is_coloured_on_a_terminal_only(tmp_path: Path, forbidden: dict[str, str]) -> None:
    code = "import sys; from aimass_compiler.cli import main; sys.exit(main(['fix', *sys.argv[1:]]))"
    environment = {**os.environ, "TERM": "xterm", **forbidden}
    master, terminal = os.openpty()

    def told(*, elsewhere: bool) -> tuple[bytes, bytes]:
        with (tmp_path / "file").open("w+b") as file:
            command = [sys.executable, "-c", code, "--nonsense"]
            errors = file if elsewhere else terminal
            done = subprocess.run(command, stdout=terminal, stderr=errors, env=environment, check=False)
            assert done.returncode == ExitCode.USAGE
            os.write(terminal, b"the end")
            file.seek(0)
            return os.read(master, 1 << 16), file.read()

    try:
        assert (b"\x1b[" in told(elsewhere=False)[0]) == (not forbidden)
        written = told(elsewhere=True)[1]
        assert b"usage:" in written
        assert b"\x1b[" not in written
    finally:
        os.close(master)
        os.close(terminal)
