"""The certain fixes of findings made in the texts of specs: round by round, each proved before the next."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from aimass_compiler.checking import Checked, check_specs
from aimass_compiler.diagnostics import Finding, Place
from aimass_compiler.spec.edits import Replacement, applied, overlap, replacements

if TYPE_CHECKING:
    from pathlib import Path

    from aimass_compiler.project import Project
    from aimass_compiler.spec.document import Document

#: A fix may make way for another one, and one that is refused splits the rest into several rounds.
_MOST_ROUNDS = 100
#: What the parser cannot go on from, so that it sees nothing of what comes after.
_FATAL = ("AM005", "AM006")
#: The first codes of later phases: of decoding, of what is predicted, and of all that depends on it.
_PHASES = ("AM100", "AM201", "AM205")
#: Behind every text that was parsed to its end.
_END = Place(sys.maxsize, 1, sys.maxsize, 1)


@dataclass
class Fixed:
    """What fixes did: the texts that changed, before and after, what was mended, and what is wrong now."""

    checked: Checked
    before: dict[Path, bytes] = field(default_factory=dict)
    after: dict[Path, bytes] = field(default_factory=dict)
    made: list[Finding] = field(default_factory=list)


def fix_specs(
    project: Project, specs: Sequence[Path], *, has_settings: bool = True, is_unsafe_too: bool = False
) -> Fixed:
    """Make every certain fix of these specs, and of the settings where they are meant, too, in memory.

    Fixes that are not safe are made only where they are asked for.
    A fix that does not take its own problem away, or brings a new one, is not made: after each round
    the texts are read again. A mended text may show problems that it hid, of a later phase. What is left
    has no fix: none that would mend it.
    """
    fixed = Fixed(check_specs(project, specs, {}))
    refused: set[Finding] = set()
    meant = {project.shown(path) for path in (*specs, *([project.settings] if has_settings else ()))}
    for _ in range(_MOST_ROUNDS):
        pending = [
            found
            for found in fixed.checked.findings
            if found.fix
            and found.file in meant
            and found not in refused
            and (found.fix.is_safe or is_unsafe_too)
        ]
        level = min(map(_level, pending), default=0)
        batch = [found for found in pending if _level(found) == level]
        if not batch:
            break
        _advance(project, specs, fixed, batch, refused)
    left = (
        replace(found, fix=None)
        if found.file in meant and found.fix and (found.fix.is_safe or is_unsafe_too)
        else found
        for found in fixed.checked.findings
    )
    fixed.checked = Checked(tuple(left), fixed.checked.documents)
    return fixed


def _advance(
    project: Project, specs: Sequence[Path], fixed: Fixed, batch: Sequence[Finding], refused: set[Finding]
) -> bool:
    """Make as many fixes of a batch at once as go together; whether any was made.

    No others follow, because their places were those of the text before. What fails alone is refused.
    """
    if _made(project, specs, fixed, batch):
        return True
    if len(batch) == 1:
        refused.update(batch)
        return False
    middle = len(batch) // 2
    halves = batch[:middle], batch[middle:]
    return any(_advance(project, specs, fixed, half, refused) for half in halves)


def _level(finding: Finding) -> int:
    """Which phase finds it, counted from 0: parsing the text."""
    return (finding.code not in _FATAL) + sum(finding.code >= first for first in _PHASES)


def _made(project: Project, specs: Sequence[Path], fixed: Fixed, batch: Sequence[Finding]) -> bool:
    """Make what of a batch does not overlap, if the texts are better for it; whether that was so."""
    chosen = dict(_apart(fixed.checked, batch))
    changes: dict[str, list[Replacement]] = {}
    for finding, found in chosen.items():
        changes.setdefault(finding.file, []).extend(found)
    paths = {project.shown(path): path for path in (project.settings, *specs)}
    before, after = {}, {}
    for file, wanted in changes.items():
        content = fixed.after.get(paths[file]) or paths[file].read_bytes()
        if (text := _changed(content, fixed.checked.documents[file], wanted)) is None:
            return False
        before[paths[file]], after[paths[file]] = content, text
    if not after:
        return False
    checked = check_specs(project, specs, {**fixed.after, **after})
    if not _is_better(fixed.checked, checked, list(chosen)):
        return False
    fixed.checked = checked
    fixed.before = before | fixed.before
    fixed.after |= after
    fixed.made += chosen
    return True


def _apart(checked: Checked, batch: Sequence[Finding]) -> Iterator[tuple[Finding, tuple[Replacement, ...]]]:
    """Of fixes that are in each other's way the first; the others have their turn in the next round."""
    taken: dict[str, list[Replacement]] = {}
    for finding in batch:
        document = checked.documents.get(finding.file)
        found = replacements(document, finding.fix) if document and finding.fix else None
        if not found or overlap(sorted([*taken.get(finding.file, ()), *found])):
            continue
        taken.setdefault(finding.file, []).extend(found)
        yield finding, found


def _changed(content: bytes, document: Document, changes: Sequence[Replacement]) -> bytes | None:
    """The new content; None where the document is not exactly what the file holds."""
    before = document.text.encode("utf-8", "surrogatepass")
    if not content.endswith(before):  # in front of it there may be a byte order mark
        return None
    return content.removesuffix(before) + applied(document.text, changes).encode()


def _is_better(before: Checked, after: Checked, mended: Sequence[Finding]) -> bool:
    """Whether the mended findings are gone, and none came that the same phase, or an earlier one, finds."""
    if _level(mended[0]) == 0:
        return all(_reach(before, finding.file) < _reach(after, finding.file) for finding in mended)
    was, now = Counter(map(_told, before.findings)), Counter(map(_told, after.findings))
    gone = all(now[_told(finding)] < was[_told(finding)] for finding in mended)
    level = max(map(_level, mended))
    new = [finding for finding in after.findings if now[_told(finding)] > was[_told(finding)]]
    return gone and not any(_level(finding) <= level for finding in new)


def _reach(checked: Checked, file: str) -> Place:
    """How far the parser came in a file."""
    stops = [found.place for found in checked.findings if found.file == file and found.code in _FATAL]
    return next((place for place in stops if place), _END)


def _told(finding: Finding) -> tuple[str, str, str]:
    """What a finding is known by when lines and items have moved."""
    return finding.file, finding.code, finding.message
