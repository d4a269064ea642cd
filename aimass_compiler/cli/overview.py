"""What the command line tells about itself: its commands, their arguments, and the exit codes."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Sequence
from textwrap import fill

from aimass_compiler.cli import terminal
from aimass_compiler.cli.commands import GROUPS, ORDER, Command, command, commands
from aimass_compiler.diagnostics import did_you_mean
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.version import __version__

_DESCRIPTION = """\
Models in production, declared, reviewed and delivered like the rest of your infrastructure.

One YAML file in specs/ describes one model. It is compiled into DVC stages, training jobs and
Kubernetes manifests, which are committed to git."""

_FIRST_STEPS = """\
first steps:
  aimass init churn data/customers.csv    propose a spec from a data file
  aimass compile                          compile specs/ into generated/
  aimass run churn                        train, evaluate, package and test it here
  aimass serve churn                      serve it here

`aimass COMMAND --help` has arguments and examples."""
#: So far to the right explanations of commands and exit codes begin.
_COMMAND, _CODE = 12, 6
_WIDEST = 112


def answer(written: Sequence[str]) -> int:
    """What `aimass` says where no command is named."""
    if not written:
        _parser_of_all().print_help(sys.stderr)
        return ExitCode.USAGE
    if written[0].startswith("-"):
        parser = _parser_of_all()
        parser.parse_args(written)
        parser.error("the command comes first")
    hint = did_you_mean(written[0], ORDER) or "`aimass --help` lists the commands"
    terminal.error(f"there is no command `{written[0]}`", hint)
    return ExitCode.USAGE


def parser_of(chosen: Command, program: str) -> argparse.ArgumentParser:
    """The arguments of one command."""
    epilog = f"examples:\n{chosen.examples}\n\nexit codes:\n{_exit_codes_of(chosen)}"
    parser = _parser(program, _in_lines(chosen.description), epilog)
    chosen.declare(parser)
    return parser


def _parser_of_all() -> argparse.ArgumentParser:
    """What tells about every command, and runs none: that is found by its word."""
    codes = "\n".join(_exit_code(code) for code in ExitCode)
    epilog = f"{_groups()}\n{_FIRST_STEPS}\n\nexit codes:\n{codes}"
    parser = _parser("aimass", _in_lines(_DESCRIPTION), epilog)
    parser.usage = "aimass [-h] [--version] COMMAND ..."
    return parser


def _groups() -> str:
    """The commands, each in a line or more."""
    lines = []
    for title, names in GROUPS.items():
        lines += [f"{title}:", *(_hung(name, command(name).summary, _COMMAND) for name in names), ""]
    return "\n".join(lines)


def _in_lines(text: str) -> str:
    """Paragraphs in lines of the terminal's width; what is indented stays as it is."""
    paragraphs = text.split("\n\n")
    return "\n\n".join(each if "\n " in f"\n{each}" else fill(each, _width()) for each in paragraphs)


def _hung(name: str, text: str, indent: int) -> str:
    """A name and what it means, whose further lines begin where the first one does."""
    begin = f"  {name:<{indent - 3}} "
    return fill(text, _width(), initial_indent=begin, subsequent_indent=" " * indent)


def _width() -> int:
    """As argparse has it for arguments, up to what is read with ease."""
    return min(shutil.get_terminal_size().columns, _WIDEST) - 2


class _ArgumentParser(argparse.ArgumentParser):
    """Takes optional positionals behind options, too, as Python does since 3.12.7 (gh-59317)."""

    def _match_arguments_partial(
        self, actions: Sequence[argparse.Action], arg_strings_pattern: str
    ) -> list[int]:
        """How many arguments each positional takes; those that take none wait while an option follows."""
        counts = super()._match_arguments_partial(actions, arg_strings_pattern)
        while "O" in arg_strings_pattern and counts and not counts[-1]:
            counts.pop()
        return counts


def _parser(program: str, description: str, epilog: str) -> argparse.ArgumentParser:
    parser = _ArgumentParser(
        prog=program,
        description=description,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        conflict_handler="resolve",  # of a command about versions of models, `--version` is one of those
    )
    # Since 3.14 Python colours help, and asks standard output only, wherever it writes.
    is_coloured = terminal.is_coloured(sys.stdout) and terminal.is_coloured(sys.stderr)
    setattr(parser, "color", is_coloured)  # noqa: B010  # types of older Pythons do not know it
    parser.add_argument("--version", action="version", version=f"aimass-compile {__version__}")
    return parser


def _exit_code(code: ExitCode) -> str:
    users = [each.name for each in commands() if code in each.own_exit_codes]
    whose = f"{', '.join(users)}: " if users else ""
    return _hung(str(code.value), f"{whose}{code.meaning}", _CODE)


def _exit_codes_of(command: Command) -> str:
    """Those that this command exits with."""
    meanings = {code.value: code.meaning for code in command.exit_codes}
    if command.is_detailed:
        meanings[ExitCode.FAILED] += f", or {meanings[ExitCode.USAGE]}"
        meanings[ExitCode.USAGE] = "something differs"
    return "\n".join(_hung(str(value), meaning, _CODE) for value, meaning in meanings.items())
