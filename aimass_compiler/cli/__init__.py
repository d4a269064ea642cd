"""The command line: arguments to one call to a view; the only place that prints."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence

from aimass_compiler.character_set import print_everywhere
from aimass_compiler.cli import fast_path
from aimass_compiler.exit_codes import ExitCode

#: The option that gives exit codes the meaning that Terraform gives them.
DETAILED = "--detailed-exitcode"


def main(arguments: Sequence[str] | None = None) -> int:
    """`aimass COMMAND …`."""
    written = list(sys.argv[1:] if arguments is None else arguments)
    return _guarded(lambda: _aimass(written))


def compile_main(arguments: Sequence[str] | None = None) -> int:
    """`aimass-compile …`, the same as `aimass compile …`."""
    written = list(sys.argv[1:] if arguments is None else arguments)
    return _guarded(lambda: _command("compile", "aimass-compile", written))


def _aimass(written: list[str]) -> int:
    word = written[0] if written else ""
    if word == "compile" or word in _words():
        return _command(word, f"aimass {word}", written[1:])
    from aimass_compiler.cli import overview

    return overview.answer(written)


def _words() -> tuple[str, ...]:
    from aimass_compiler.cli.commands import ORDER

    return ORDER


def _command(name: str, program: str, written: list[str]) -> int:
    """Run one command; no other is imported, and not even this one where the answer is at hand."""
    known = {}
    if name == "compile":
        code, known["cache"] = fast_path.answer(written)
        if code is not None:
            return code
    # Pydantic would look through the metadata of every installed package for plugins, of which we use none.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    import argparse

    from aimass_compiler.cli import terminal
    from aimass_compiler.cli.commands import command
    from aimass_compiler.cli.overview import parser_of
    from aimass_compiler.cli.selection import UnknownName

    chosen = command(name)
    is_detailed = chosen.is_detailed or DETAILED in written
    misused = ExitCode.FAILED if is_detailed else ExitCode.USAGE  # there, 2 is for a change
    try:
        return int(chosen.run(parser_of(chosen, program).parse_args(written, argparse.Namespace(**known))))
    except SystemExit as left:
        if left.code == ExitCode.USAGE and is_detailed:
            return misused
        raise
    except UnknownName as unknown:
        terminal.error(str(unknown), unknown.help)
        return misused if unknown.exit_code == ExitCode.USAGE else unknown.exit_code
    except ModuleNotFoundError as missing:
        from aimass_compiler.cli.missing_extra import how_to_install

        told = how_to_install(missing)
        if told is None:
            raise
        terminal.error(*told)
        return ExitCode.FAILED


def _guarded(run: Callable[[], int]) -> int:
    print_everywhere()
    try:
        try:
            return run()
        finally:
            sys.stdout.flush()  # here, and not when Python ends, where nobody could catch what follows
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return int(ExitCode.INTERRUPTED)
    except BrokenPipeError:
        # Whoever read our output has enough; Python would complain again when it closes the pipe.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return int(ExitCode.DONE)
