"""What a language model is fine-tuned from, and how."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from aimass_compiler.catalog.adapter import Adapter
    from aimass_compiler.catalog.base_model import AnyBase


class FineTuningSetup(Struct, frozen=True):
    """What a language model is fine-tuned from, and how; every parameter is a value, not a range."""

    base: AnyBase
    adapter: Adapter
    """What learns."""
    sequence_length: int
    """How many tokens prompt and answer have together at most."""
    template: str | None = None
    """The chat template below the project's root; by default the base's own."""
    beta: float | None = None
    """Where preferences are learned, how closely the answers stay to those of the base."""
