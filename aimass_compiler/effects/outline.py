"""What a plan means for the first models that it changes, at once: for people who wait for a compile."""

from __future__ import annotations

from aimass_compiler.effects.models import differing, models
from aimass_compiler.effects.renames import with_renames
from aimass_compiler.effects.telling import told_by_values
from aimass_compiler.effects.told import Effects
from aimass_compiler.plan.comparison import Plan


def outline(plan: Plan, at_most: int) -> Effects:
    """The first models that change, by their values alone: what fits on a screen, at once."""
    found, unchanged = differing(plan)
    names = sorted(found)[:at_most]
    told = map(told_by_values, with_renames(models(plan, {name: found[name] for name in names})))
    return Effects(plan, tuple(told), unchanged_models=unchanged, left_out=len(found) - len(names))
