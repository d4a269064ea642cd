"""Every code that the compiler emits, with its explanation."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType

from aimass_compiler.diagnostics import Example, Explanation

_PACKAGE = Path(__file__).parents[1]
#: What runs models explains itself by exit codes and messages, not by codes.
_WITHOUT_CODES = (
    "aimass_compiler.runtime",
    "aimass_compiler.cli",
    "aimass_compiler.catalog",
    "aimass_compiler.engines",
    "aimass_compiler.expression",
)


@cache
def explanations() -> dict[str, Explanation]:
    """The explanations by code, gathered from the modules that emit them.

    Raises ValueError when two modules explain one code.
    """
    found: dict[str, Explanation] = {}
    for module in _modules():
        for explanation in getattr(module, "EXPLANATIONS", ()):
            if found.setdefault(explanation.code, explanation) is not explanation:
                raise ValueError(f"{explanation.code} is explained twice")
    return dict(sorted(found.items()))


@cache
def examples() -> dict[str, tuple[Example, ...]]:
    """The examples by code, in the order in which their module shows them."""
    found: dict[str, dict[Example, None]] = {}
    for module in _modules():
        for example in getattr(module, "EXAMPLES", ()):
            found.setdefault(example.code, {})[example] = None
    return {code: tuple(found[code]) for code in sorted(found)}


def _modules() -> Iterator[ModuleType]:
    for module in pkgutil.walk_packages([str(_PACKAGE)], f"{_PACKAGE.name}."):
        if not module.name.startswith(_WITHOUT_CODES):
            yield import_module(module.name)
