"""The version that a release is of, and what CHANGELOG.md says about it."""

from __future__ import annotations

import re
from pathlib import Path

from aimass_compiler.version import __version__
from scripts.release.failure import ReleaseFailed

ROOT = Path(__file__).parents[2]
_HEADING = re.compile(r"^## (?P<version>\S+)(?: \((?P<date>[^)]*)\))?$", re.MULTILINE)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_RELATIVE = re.compile(r"\]\((?!\w+:|#)(?P<path>[^)]+)\)")


def refuse_other_tag(tag: str, version: str = __version__, changes: str | None = None) -> None:
    """Raises ReleaseFailed for a tag that is not the version's, or a version whose changes have no date."""
    if tag != f"v{version}":
        raise ReleaseFailed(
            f"the tag is {tag}, and aimass_compiler/version.py says version {version}: tag v{version}, or "
            "change __version__ first"
        )
    date, _ = section(changes if changes is not None else _changes(), version)
    if not _DATE.fullmatch(date):
        raise ReleaseFailed(
            f"CHANGELOG.md says `{date}` where the date of {version} belongs: "
            f"write `## {version} (2026-12-31)`"
        )


def notes(address: str | None = None, version: str = __version__, changes: str | None = None) -> str:
    """What changed in a version, with links that work elsewhere: `address` is where the tag's files are."""
    _, text = section(changes if changes is not None else _changes(), version)
    if address is None:
        return text
    return _RELATIVE.sub(lambda link: f"]({address.rstrip('/')}/{link['path']})", text)


def section(changes: str, version: str) -> tuple[str, str]:
    """The date in a version's heading, and the text below it. Raises ReleaseFailed where there is none."""
    headings = list(_HEADING.finditer(changes))
    for heading, following in zip(headings, [*headings[1:], None], strict=True):
        if heading["version"] == version:
            end = following.start() if following else len(changes)
            return heading["date"] or "", changes[heading.end() : end].strip() + "\n"
    raise ReleaseFailed(f"CHANGELOG.md has no section for {version}: add `## {version} (2026-12-31)`")


def _changes() -> str:
    return (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
