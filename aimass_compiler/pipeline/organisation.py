"""What holds for all models of a repository: its settings, and what stands beside them."""

from __future__ import annotations

from msgspec import Struct

from aimass_compiler.pipeline.settings import Settings


class Organisation(Struct, frozen=True):
    """An organisation, as its files describe it."""

    settings: Settings

    def settings_of(self, model: str) -> Settings:
        """The settings that hold for a model, by its path."""
        del model
        return self.settings
