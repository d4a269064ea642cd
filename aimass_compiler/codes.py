"""Every code that the compiler emits, with its explanation."""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module

import aimass_compiler
from aimass_compiler.explanations import Explanation

#: What runs models explains itself by exit codes and messages, not by codes.
_WITHOUT_CODES = (
    "aimass_compiler.runtime",
    "aimass_compiler.cli",
    "aimass_compiler.catalog",
    "aimass_compiler.expression",
)


@cache
def explanations() -> dict[str, Explanation]:
    """The explanations by code, gathered from the modules that emit them.

    Raises ValueError when two modules explain one code.
    """
    found: dict[str, Explanation] = {}
    for module in pkgutil.walk_packages(aimass_compiler.__path__, f"{aimass_compiler.__name__}."):
        if module.name.startswith(_WITHOUT_CODES):
            continue
        for explanation in getattr(import_module(module.name), "EXPLANATIONS", ()):
            if found.setdefault(explanation.code, explanation) is not explanation:
                raise ValueError(f"{explanation.code} is explained twice")
    return dict(sorted(found.items()))
