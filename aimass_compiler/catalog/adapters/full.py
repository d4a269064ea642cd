"""All weights of the base learn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aimass_compiler.catalog.adapter import Adapter

if TYPE_CHECKING:
    from pathlib import Path


class Full(Adapter):
    """All weights of the base learn: four times their memory, and a whole model to serve."""

    def save(self, model: Any, folder: Path) -> str:
        model.save_pretrained(folder / "weights", safe_serialization=True)
        return "weights"
