"""The commands: one file each, found by its name."""

from __future__ import annotations

import argparse
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from msgspec import Struct


class CommandModule(Protocol):
    """What the file of a command defines; its docstring is the command's description."""

    PLACE: int
    """Where it stands in the list of commands: the order in which a newcomer meets them."""
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
    def is_detailed(self) -> bool:
        """Whether 2 is an answer of this command, so that it cannot stand for misuse."""
        return bool(getattr(self.module, "IS_DETAILED", False))

    def declare(self, parser: argparse.ArgumentParser) -> None:
        self.module.declare(parser)

    def run(self, arguments: argparse.Namespace) -> int:
        return self.module.run(arguments)


def names() -> list[str]:
    """The words behind `aimass`: the files of this folder."""
    return sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py"))


def command(name: str) -> Command:
    """One command, described by its module's docstring; no other is imported."""
    module = cast("CommandModule", import_module(f"{__name__}.{name}"))
    return Command(name, (module.__doc__ or "").strip(), module)


def commands() -> list[Command]:
    """Every command, in the order in which a newcomer meets them."""
    return sorted(map(command, names()), key=lambda command: command.module.PLACE)
