"""What gradient-boosted trees have in common, whichever library grows them (Friedman 2001)."""

from __future__ import annotations

from typing import Annotated, ClassVar, cast

from pydantic import Field

from aimass_compiler.catalog.model import Budget
from aimass_compiler.catalog.monotone_model import MonotoneModel
from aimass_compiler.catalog.quantities import Integer, Number, Tunable


class BoostedTrees(MonotoneModel):
    """Trees that each correct the ones before them; a missing value takes its own branch."""

    accepts_missing: ClassVar[bool] = True
    ignores_scale: ClassVar[bool] = True

    n_estimators: Tunable[Annotated[Integer, Field(ge=1, le=100_000)]] = 500
    """How many rounds at most; `training.early_stopping` ends them when they stop helping."""
    learning_rate: Tunable[Annotated[Number, Field(gt=0, le=1)]] = 0.1
    """How much of each tree is added."""

    def steps(self, budget: Budget) -> int:
        del budget
        return cast("int", self.n_estimators)
