"""The libraries that train models, one file each: how they build, train and export models."""

from __future__ import annotations

import os
import platform
import sys
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from msgspec import Struct


class Wheels(Struct, frozen=True, kw_only=True):
    """Where a library can be installed, if not everywhere that this package can."""

    before: tuple[int, int]
    """The first Python that there is none for."""
    platforms: tuple[tuple[str, str], ...] = ()
    """Systems, as `sys.platform` calls them, and machines, as `platform.machine()` does; none are all."""

    def __str__(self) -> str:
        python = f"Python before {'.'.join(map(str, self.before))}"
        platforms = ", ".join(f"{system} on {machine}" for system, machine in self.platforms)
        return f"{python} and {platforms}" if platforms else python

    @property
    def fit_here(self) -> bool:
        """Whether the library can be installed for the Python that runs this."""
        here = (sys.platform, platform.machine())
        return (not self.platforms or here in self.platforms) and sys.version_info[:2] < self.before


class Framework(Struct, frozen=True, kw_only=True):
    """A library that trains models."""

    module: str
    """What is imported of it."""
    extra: str
    """The extra of this distribution that brings it, to where models are trained."""
    uses_gpus: bool = False
    """Whether what the extra brings can train on a GPU."""
    trainer: str | None = None
    """The trainer of Ray Train that spreads one training over workers, as MODULE:CLASS; None if none does."""
    wheels: Wheels | None = None
    """What there are wheels for, where that is not everything."""
    fits_pins: bool = True
    """Whether pip installs it beside the versions that images are pinned to."""

    @property
    def is_installed(self) -> bool:
        """Whether it can be imported here."""
        return find_spec(self.module) is not None

    @property
    def is_missing(self) -> bool:
        """Whether nothing can be trained for its lack; on a cluster (RAY_ADDRESS) it is needed there."""
        return not self.is_installed and not os.environ.get("RAY_ADDRESS")

    @property
    def how_to_install(self) -> str:
        """What brings it, as a hint; where nothing does here, what to do instead."""
        if self.wheels is None or self.wheels.fit_here:
            return f"`pip install 'aimass-compiler[{self.extra}]'` brings it"
        return (
            f"it can be installed for {self.wheels}: train on such a machine, or choose another `framework`"
        )


@cache
def names() -> tuple[str, ...]:
    """The frameworks, sorted: the files of this folder."""
    return tuple(sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py")))


def framework_named(name: str) -> Framework:
    """The framework that the file of this name declares.

    Raises LookupError when there is no such file.
    """
    if name not in names():
        raise LookupError(name)
    module = import_module(f"{__name__}.{name}")
    (framework,) = (value for value in vars(module).values() if isinstance(value, Framework))
    return framework
