"""How many examples a property is tried with: all at night, fewer by day, few where somebody waits."""

from __future__ import annotations

from hypothesis import settings

QUICK, DAY, NIGHT = "quick", "day", "night"
#: The profiles, and of how many examples one is tried.
PROFILES = {QUICK: 10, DAY: 3, NIGHT: 1}


def at_most(count: int) -> settings:
    """That many examples in `make nightly`; a third of them by day, and a tenth in `make quick`."""
    return settings(max_examples=max(count // PROFILES[settings.get_current_profile_name()], 5))
