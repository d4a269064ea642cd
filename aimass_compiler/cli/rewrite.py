"""People's own files rewritten by a command: shown, refused or written, each as a whole."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from aimass_compiler.cli import terminal
from aimass_compiler.cli.selection import OWN_FILES, add_root
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.project import Project


class Rewritten(NamedTuple):
    """A file's content as it was read, and as it is to be."""

    before: bytes
    after: bytes


def declare_rewriting(parser: argparse.ArgumentParser, files: str = OWN_FILES) -> None:
    """The arguments of every command that rewrites specs; `files` says which of them."""
    parser.add_argument("specs", nargs="*", metavar="SPEC", help=files)
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--dry-run", action="store_true", help="show what would change and write nothing")
    mode.add_argument(
        "--check", action="store_true", help="write nothing; exit 3 when something would change"
    )
    parser.add_argument("--diff", action="store_true", help="show the changes line by line")
    add_root(parser)


def rewrite(
    arguments: argparse.Namespace,
    project: Project,
    files: Mapping[Path, Rewritten],
    advice: str,
    done: str = "",
) -> int:
    """Show and write what differs; answers an ExitCode.

    `advice` is the way out after `--check`, and `done` what is said of a file that was written, if anything.
    """
    changed = {path: texts for path, texts in files.items() if texts.before != texts.after}
    if arguments.diff:
        for path, texts in changed.items():
            _show_diff(project.shown(path), texts)
    if arguments.dry_run or arguments.check:
        for path in changed:
            print(f"{project.shown(path)} would change")
        if arguments.check and changed:
            count = "a file" if len(changed) == 1 else f"{len(changed)} files"
            terminal.error(f"{count} would change", advice)
            return ExitCode.STALE
        return ExitCode.DONE
    problems = {path: _written(path, texts) for path, texts in changed.items()}
    for path, problem in problems.items():
        if problem:
            terminal.error(problem)
        elif done:
            print(f"{project.shown(path)} {done}")
    return ExitCode.FAILED if any(problems.values()) else ExitCode.DONE


def _show_diff(shown: str, texts: Rewritten) -> None:
    from aimass_compiler.plan.difference import file_diff

    sys.stdout.writelines(file_diff(shown, texts.before, texts.after))


def _written(path: Path, texts: Rewritten) -> str:
    """Write one file, unless somebody changed it since; why not, or nothing."""
    from aimass_compiler.atomic_file import replace_file

    target = path.resolve()  # what a link leads to is written, and the link stays
    try:
        if target.read_bytes() != texts.before:
            return f"{path} changed in the meantime and was left alone"
        mode = target.stat().st_mode
        replace_file(target, texts.after)
        target.chmod(mode)
    except OSError as error:
        return f"{path} could not be written: {error.strerror}"
    return ""
