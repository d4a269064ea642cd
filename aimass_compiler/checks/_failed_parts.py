"""Parts of a spec that are not what was meant, and what can be said beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aimass_compiler.diagnostics import Finding


def is_failed(part: str, failed: frozenset[str]) -> bool:
    """Whether a part of the spec, what it belongs to, or something in it is among those that failed."""
    return any(f"{each}.".startswith(f"{part}.") or f"{part}.".startswith(f"{each}.") for each in failed)


def in_sound_parts(found: Iterable[Finding], file: str, failed: frozenset[str]) -> list[Finding]:
    """What targets cannot express: where parts failed, the errors in others, for a warning may follow."""
    return [one for one in found if not failed or (one.is_error and not is_failed(_part(one, file), failed))]


def _part(finding: Finding, file: str) -> str:
    """The part of the spec that a finding is about; an environment's is the one that it overrides."""
    path = finding.path[2:] if finding.path[:1] == ("environments",) else finding.path
    return ".".join(map(str, path)) if finding.file == file else "settings"
