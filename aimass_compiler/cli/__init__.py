"""The command line: arguments to one call to a view; the only place that prints."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Any

from aimass_compiler import __version__
from aimass_compiler.cli import terminal
from aimass_compiler.cli.commands import Command, command, commands, names
from aimass_compiler.conventions import ExitCode
from aimass_compiler.diagnostics import did_you_mean

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


def main(arguments: Sequence[str] | None = None) -> int:
    """`aimass COMMAND …`; only the module of that command is imported."""
    written = list(sys.argv[1:] if arguments is None else arguments)
    if written and written[0] in names():
        return _run_command(command(written[0]), f"aimass {written[0]}", written[1:])
    if not written:
        _parser_of_all().print_help(sys.stderr)
        return ExitCode.USAGE
    if not written[0].startswith("-"):
        terminal.complain(f"there is no command `{written[0]}`", did_you_mean(written[0], names()))
        return ExitCode.USAGE
    return _run(_parser_of_all(), written)


def compile_main(arguments: Sequence[str] | None = None) -> int:
    """`aimass-compile …`, the same as `aimass compile …`."""
    written = list(sys.argv[1:] if arguments is None else arguments)
    return _run_command(command("compile"), "aimass-compile", written)


def _run_command(chosen: Command, program: str, written: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog=program, **_texts(chosen))
    parser.add_argument("--version", action="version", version=f"aimass-compile {__version__}")
    chosen.declare(parser)
    parser.set_defaults(run=chosen.run)
    return _run(parser, written)


def _parser_of_all() -> argparse.ArgumentParser:
    """What tells about every command, and runs none: that is found by its word."""
    parser = argparse.ArgumentParser(
        prog="aimass",
        description=_DESCRIPTION,
        epilog=_EPILOG + _exit_codes(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"aimass-compile {__version__}")
    chosen = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for each in commands():
        chosen.add_parser(each.name, help=each.summary)
    return parser


def _texts(chosen: Command) -> dict[str, Any]:
    return {
        "description": chosen.description,
        "epilog": f"examples:\n{chosen.examples}\n\nexit codes:\n{_exit_codes()}",
        "formatter_class": argparse.RawDescriptionHelpFormatter,
    }


def _exit_codes() -> str:
    return "\n".join(f"  {code.value:<3} {code.meaning}" for code in ExitCode)


def _run(parser: argparse.ArgumentParser, written: Sequence[str]) -> int:
    try:
        try:
            arguments = parser.parse_args(written)
            return int(arguments.run(arguments))
        finally:
            sys.stdout.flush()  # here, and not when Python ends, where nobody could catch what follows
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return int(ExitCode.INTERRUPTED)
    except BrokenPipeError:
        # Whoever read our output has enough; Python would complain again when it closes the pipe.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return int(ExitCode.DONE)
