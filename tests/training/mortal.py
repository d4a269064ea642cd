"""Models of which one worker is killed once, in the middle of training."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING, Any

from aimass_compiler.catalog.models.language_model import LanguageModel
from aimass_compiler.catalog.models.lightgbm import Lightgbm
from aimass_compiler.catalog.models.mlp import Mlp
from aimass_compiler.catalog.models.xgboost import Xgboost

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aimass_compiler.catalog.model import Budget, Trained

#: After this step the last worker dies.
LAST_STEP = 2


def _mortal(train: Callable[..., Trained], *given: Any) -> Trained:
    *rows, budget, progress = given
    return train(*rows, budget, _watched(budget, progress))


def _watched(budget: Budget, progress: Any) -> Any:
    """Notes that a worker died, and whether a later life began with what an earlier one had kept."""
    assert budget.checkpoint is not None
    died, went_on = (budget.checkpoint.with_name(name) for name in ("died", "went_on"))
    is_later, began, share = died.exists(), time.time_ns(), budget.share

    def watched(step: int, losses: Mapping[str, float]) -> bool:
        assert budget.checkpoint is not None
        if not is_later and step == LAST_STEP and share.rank == share.size - 1 > 0:
            died.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        if is_later and step == 1 and share.is_first:
            went_on.write_text(str(budget.checkpoint.stat().st_mtime_ns < began))
        return bool(progress(step, losses))

    return watched


class MortalMlp(Mlp):
    """A network."""

    def train(self, *given: Any) -> Trained:
        return _mortal(super().train, *given)


class MortalLanguageModel(LanguageModel):
    """A language model."""

    def train(self, *given: Any) -> Trained:
        return _mortal(super().train, *given)


class MortalXgboost(Xgboost):
    """Boosted trees by XGBoost."""

    def train(self, *given: Any) -> Trained:
        return _mortal(super().train, *given)


class MortalLightgbm(Lightgbm):
    """Boosted trees by LightGBM."""

    def train(self, *given: Any) -> Trained:
        return _mortal(super().train, *given)
