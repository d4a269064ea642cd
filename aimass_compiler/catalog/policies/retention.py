"""Prometheus keeps what it knows for so long."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from aimass_compiler.catalog.policy_rule import PolicyObjection, PolicyRule
from aimass_compiler.catalog.quantities import Duration
from aimass_compiler.conventions import SETTINGS_FILE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.pipeline import Pipeline


class Retention(PolicyRule):
    """Prometheus keeps what it knows for so long.

    Slow alerts look three days back, and who asks why on Monday wants to see Friday.
    """

    reads: ClassVar[tuple[str, ...]] = ("settings",)
    is_of_environment: ClassVar[bool] = False
    unseen: ClassVar[str] = "Prometheus is not ours, and may be no object of this cluster"

    metrics: Duration = Duration("3d")
    """The least that `prometheus.retention` in aimass.yaml may say."""

    def objections(self, model: Pipeline, environment: str) -> Iterator[PolicyObjection]:
        del environment
        kept, path = model.settings.prometheus.retention, ("prometheus", "retention")
        hint = f"write `prometheus: {{retention: {self.metrics}}}` or more, as Prometheus is set up"
        if kept is None:
            yield PolicyObjection(path, "no one says how long Prometheus keeps samples", hint, SETTINGS_FILE)
        elif kept.seconds < self.metrics.seconds:
            message = f"Prometheus keeps samples for {kept}, and must for {self.metrics}"
            yield PolicyObjection(path, message, hint, SETTINGS_FILE)
