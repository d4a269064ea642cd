"""The commands: one file each, found by its name."""

from __future__ import annotations

import argparse
from importlib import import_module
from typing import Protocol, cast

from msgspec import Struct

from aimass_compiler.exit_codes import ExitCode

#: What every command may exit with.
_COMMON = (ExitCode.DONE, ExitCode.FAILED, ExitCode.USAGE, ExitCode.INTERRUPTED)

#: Every command by what it is for, in the order in which a newcomer meets them.
GROUPS = {
    "begin": ("init", "profile"),
    "write specs": ("compile", "check", "fix", "fmt", "plan", "impact", "explain", "policies", "schema"),
    "train here or in a cluster": ("fetch", "contract", "run", "runs", "report", "train", "retrain"),
    "ask a model": ("serve", "predict", "score", "soak"),
    "make versions and release them": (
        "image",
        "publish",
        "rebase",
        "promote",
        "rollback",
        "reject",
        "hold",
        "history",
        "evidence",
        "verify",
        "site",
    ),
    "bring releases to clusters": ("build", "apply", "delete", "diff", "drift", "status", "fleet"),
    "watch models in production": ("alerts", "logs", "erase", "truth", "callers", "size"),
    "in workflows": ("ci",),
}
#: All of them.
ORDER = tuple(name for names in GROUPS.values() for name in names)


class CommandModule(Protocol):
    """What the file of a command defines; its docstring is the command's description."""

    EXAMPLES: str

    def declare(self, parser: argparse.ArgumentParser) -> None:
        """Declare the arguments."""

    def run(self, arguments: argparse.Namespace) -> int:
        """Do it; answers an ExitCode."""


class Command(Struct, frozen=True):
    """One word behind `aimass`."""

    name: str
    description: str
    module: CommandModule

    @property
    def summary(self) -> str:
        first, _, _ = self.description.partition("\n")
        return first[:1].lower() + first[1:].rstrip(".")

    @property
    def examples(self) -> str:
        return self.module.EXAMPLES.strip("\n")

    @property
    def own_exit_codes(self) -> tuple[ExitCode, ...]:
        """What it exits with beside those of every command."""
        return tuple(getattr(self.module, "EXIT_CODES", ()))

    @property
    def exit_codes(self) -> list[ExitCode]:
        """All that it exits with, in order."""
        return sorted({*_COMMON, *self.own_exit_codes})

    @property
    def is_detailed(self) -> bool:
        """Whether 2 is an answer of this command, so that it cannot stand for misuse."""
        return bool(getattr(self.module, "IS_DETAILED", False))

    def declare(self, parser: argparse.ArgumentParser) -> None:
        self.module.declare(parser)

    def run(self, arguments: argparse.Namespace) -> int:
        return self.module.run(arguments)


def command(name: str) -> Command:
    """One command, described by its module's docstring; no other is imported."""
    module = cast("CommandModule", import_module(f"{__name__}.{name}"))
    return Command(name, (module.__doc__ or "").strip(), module)


def commands() -> list[Command]:
    """Every command, in their order."""
    return [command(name) for name in ORDER]
