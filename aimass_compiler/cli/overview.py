"""What the command line tells about itself: its commands, their arguments, and the exit codes."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from aimass_compiler import __version__
from aimass_compiler.cli import terminal
from aimass_compiler.cli.commands import ORDER, Command, commands
from aimass_compiler.diagnostics import did_you_mean
from aimass_compiler.exit_codes import ExitCode

_DESCRIPTION = """\
Models in production, declared, reviewed and delivered like the rest of your infrastructure.

One YAML file in specs/ describes one model. It is compiled into DVC stages, training jobs and
Kubernetes manifests, which are committed to git."""

_EPILOG = """\
first steps:
  aimass init churn data/customers.csv    propose a spec from a data file
  aimass compile                          compile specs/ into generated/
  aimass run churn                        train, evaluate, package and test it here
  aimass serve churn                      serve it here

exit codes:
"""


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
    parser = _parser(program, chosen.description, epilog)
    chosen.declare(parser)
    return parser


def _parser_of_all() -> argparse.ArgumentParser:
    """What tells about every command, and runs none: that is found by its word."""
    parser = _parser("aimass", _DESCRIPTION, _EPILOG + "\n".join(map(_exit_code, ExitCode)))
    chosen = parser.add_subparsers(title="commands", metavar="COMMAND")
    for each in commands():
        chosen.add_parser(each.name, help=each.summary)
    return parser


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
    return f"  {code.value:<3} {whose}{code.meaning}"


def _exit_codes_of(command: Command) -> str:
    """Those that this command exits with."""
    meanings = {code.value: code.meaning for code in command.exit_codes}
    if command.is_detailed:
        meanings[ExitCode.FAILED] += f", or {meanings[ExitCode.USAGE]}"
        meanings[ExitCode.USAGE] = "something differs"
    return "\n".join(f"  {value:<3} {meaning}" for value, meaning in meanings.items())
