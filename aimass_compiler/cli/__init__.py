"""The command line: arguments to one call to a view; the only place that prints."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Any

from aimass_compiler import __version__
from aimass_compiler.cli import terminal
from aimass_compiler.cli.commands import Command, commands
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
    """`aimass COMMAND …`."""
    parser = _parser("aimass", _DESCRIPTION, _EPILOG + _exit_codes())
    parser.add_argument("--version", action="version", version=f"aimass-compile {__version__}")
    chosen = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in commands():
        _declare(command, chosen.add_parser(command.name, help=command.summary, **_texts(command)))
    word = next(iter(sys.argv[1:] if arguments is None else arguments), "")
    if not word:
        parser.print_help(sys.stderr)
        return ExitCode.USAGE
    if not word.startswith("-") and word not in chosen.choices:
        terminal.complain(f"there is no command `{word}`", did_you_mean(word, chosen.choices))
        return ExitCode.USAGE
    return _run(parser, arguments)


def compile_main(arguments: Sequence[str] | None = None) -> int:
    """`aimass-compile …`, the same as `aimass compile …`."""
    command = next(command for command in commands() if command.name == "compile")
    parser = argparse.ArgumentParser(prog="aimass-compile", **_texts(command))
    parser.add_argument("--version", action="version", version=f"aimass-compile {__version__}")
    _declare(command, parser)
    return _run(parser, arguments)


def _parser(name: str, description: str, epilog: str) -> argparse.ArgumentParser:
    return argparse.ArgumentParser(
        prog=name,
        description=description,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def _texts(command: Command) -> dict[str, Any]:
    return {
        "description": command.description,
        "epilog": f"examples:\n{command.examples}\n\nexit codes:\n{_exit_codes()}",
        "formatter_class": argparse.RawDescriptionHelpFormatter,
    }


def _exit_codes() -> str:
    return "\n".join(f"  {code.value:<3} {code.meaning}" for code in ExitCode)


def _declare(command: Command, parser: argparse.ArgumentParser) -> None:
    command.declare(parser)
    parser.set_defaults(run=command.run)


def _run(parser: argparse.ArgumentParser, written: Sequence[str] | None) -> int:
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
