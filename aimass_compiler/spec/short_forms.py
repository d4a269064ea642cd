"""What a value that was written in short becomes when something is added to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aimass_compiler.diagnostics import Path
    from aimass_compiler.spec.scalars import Scalar


def nested(path: Path, value: Any) -> Any:
    """The value below mappings and lists for each step."""
    for step in reversed(path):
        value = {step: value} if isinstance(step, str) else [value]
    return value


def long_form(path: Path, was: Scalar, missing: Path, value: Any) -> Any:
    """The value at `path`, of which `was` is the short form, with `value` at the steps that are missing.

    None where nobody can say what the short form stands for.
    """
    from aimass_compiler.catalog import family_of

    first, *rest = missing
    if isinstance(first, int):
        return value if first == 0 and not rest else None
    if first == was and family_of(first):
        return {first: nested(tuple(rest), value)}
    short = _short_key(path)
    if short is None:
        return None
    if first == short:
        return value if rest in ([], [0]) else None
    return {short: was, first: nested(tuple(rest), value)}


def _short_key(path: Path) -> str | None:
    """The key that a bare value at this path stands for."""
    from aimass_compiler.catalog import FAMILIES, load, names
    from aimass_compiler.pipeline.columns import NumberColumn

    if path[:2] == ("data", "columns") and len(path) == len(("data", "columns", "name")):
        return NumberColumn.short_form
    name = path[-1] if path else None
    families = [family for family in FAMILIES if name in names(family)]
    return load(families[0], str(name)).short_form if families else None
