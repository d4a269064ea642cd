"""Warnings as the compile cache keeps them: they are reported of specs that are not compiled again, too."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from aimass_compiler.compile_cache import CompileCache
from aimass_compiler.diagnostics import Finding


def encoded(findings: Iterable[Finding]) -> str | None:
    """The findings as JSON, empty where there are none; None where JSON does not hold all of them."""
    listed = [*findings]
    if not listed:
        return ""
    try:
        text = msgspec.json.encode(listed)
        found = _decoded(text)
    except (TypeError, ValueError, msgspec.MsgspecError):
        return None
    is_whole = found == listed and [each.fix for each in found] == [each.fix for each in listed]
    return text.decode() if is_whole else None


def recorded(cache: CompileCache, specs: Iterable[str]) -> list[Finding]:
    """What the last compile found in those of these specs, by their paths in specs/, that need none now."""
    return [finding for text in cache.findings([*specs]).values() for finding in _decoded(text.encode())]


def _decoded(text: bytes) -> list[Finding]:
    return msgspec.json.decode(text, type=list[Finding])
