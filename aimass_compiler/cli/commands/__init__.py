"""The commands: one file each, found by its name."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

#: The order in which a newcomer meets them; others follow by name.
_ORDER = ("init", "compile", "plan", "run", "serve", "predict", "explain", "schema")


class _CommandModule(Protocol):
    EXAMPLES: str

    def declare(self, parser: argparse.ArgumentParser) -> None: ...

    def run(self, arguments: argparse.Namespace) -> int: ...


@dataclass(frozen=True)
class Command:
    """One word behind `aimass`."""

    name: str
    description: str
    module: Any

    @property
    def summary(self) -> str:
        first, _, _ = self.description.partition("\n")
        return first[:1].lower() + first[1:].rstrip(".")

    @property
    def examples(self) -> str:
        return str(self.module.EXAMPLES).strip("\n")

    def declare(self, parser: argparse.ArgumentParser) -> None:
        self.module.declare(parser)

    def run(self, arguments: argparse.Namespace) -> int:
        return int(self.module.run(arguments))


def commands() -> list[Command]:
    """Every command, described by its module's docstring."""
    names = {path.stem for path in Path(__file__).parent.glob("[a-z]*.py")}
    ordered = [*(name for name in _ORDER if name in names), *sorted(names - set(_ORDER))]
    modules = {name: import_module(f"{__name__}.{name}") for name in ordered}
    return [Command(name, (module.__doc__ or "").strip(), module) for name, module in modules.items()]
