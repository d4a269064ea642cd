"""What models have in common that can be held to rise, or to fall, with a feature."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from aimass_compiler.catalog.model import Budget, Model
from aimass_compiler.catalog.task import Task


class MonotoneModel(Model):
    """A model that can be held to rise, or to fall, with a feature."""

    monotone: Mapping[str, Literal["increasing", "decreasing"]] = Field(default_factory=dict)
    """With which features, by the names of their columns, the prediction or the probability of the `positive`
    class may only rise (`increasing`) or only fall."""

    def directions(self, task: Task, budget: Budget) -> list[int] | None:
        """1, -1 or 0 for each feature, for a number or the last of two classes; None where none is held."""
        if not self.monotone:
            return None
        sign = -1 if task.is_binary and task.positive == task.classes[0] else 1
        signs = {"increasing": sign, "decreasing": -sign}
        return [signs[self.monotone[name]] if name in self.monotone else 0 for name in budget.features]
