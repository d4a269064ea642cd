"""The same learning rate from the end of the warm-up to the last step."""

from __future__ import annotations

from aimass_compiler.catalog.schedule import Schedule


class ConstantRate(Schedule):
    """The same learning rate from the end of the warm-up to the last step."""

    def share_after_warmup(self, done: float, epochs: float) -> float:
        del done, epochs
        return 1.0
