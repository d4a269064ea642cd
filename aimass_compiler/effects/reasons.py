"""Why one stage would run of its own, in the spec's words."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from aimass_compiler.diagnostics import Path
from aimass_compiler.effects.edits import shown
from aimass_compiler.effects.normal import Normal, origin
from aimass_compiler.effects.told import State


class Reasons(Struct, frozen=True):
    """Why one stage would run of its own, and what is not known of it."""

    reads: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    otherwise: State = State.UNAFFECTED
    """Its state where none of this makes it run."""
    runs: bool = False
    is_first: bool = False
    """Whether there is no run before."""


def keys_of(paths: Iterable[Path], pipeline: Normal) -> tuple[str, ...]:
    """The values at these paths as the spec names them, each once."""
    return tuple(dict.fromkeys(shown(origin(path, pipeline)) for path in paths))
