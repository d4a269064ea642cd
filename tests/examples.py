"""How many examples a property is tried with: all of them, or few where somebody waits (`make quick`)."""

from __future__ import annotations

from hypothesis import settings

QUICK = "quick"


def at_most(count: int) -> settings:
    """That many examples; a tenth of them in `make quick`."""
    is_quick = settings.get_current_profile_name() == QUICK
    return settings(max_examples=max(count // 10, 5) if is_quick else count)
