"""Which libraries trained a model: those that the process had loaded when it was done."""

from __future__ import annotations

import sys
from importlib.metadata import PackageNotFoundError, packages_distributions, version


def loaded_libraries() -> dict[str, str]:
    """The version of each installed distribution of which a module is loaded, by its name."""
    loaded = {name.partition(".")[0] for name in sys.modules}
    owners = {
        owner for module, names in packages_distributions().items() if module in loaded for owner in names
    }
    return dict(sorted(found for owner in owners if (found := _versioned(owner))))


def _versioned(name: str) -> tuple[str, str] | None:
    try:
        return name, version(name)
    except PackageNotFoundError:  # what an update left half removed
        return None
