"""The certain fixes of findings, made in the texts: those that do not overlap; check again, repeat."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from aimass_compiler.diagnostics import Finding, Place
from aimass_compiler.spec.edits.replacements import Replacement, applied, overlap, replacements

if TYPE_CHECKING:
    from pathlib import Path

    from aimass_compiler.spec.yaml.document import Document

#: A fix may make way for another one.
_MOST_ROUNDS = 100
#: The first code about keys and values; those before are about the text.
_OF_VALUES = "AM100"
#: What the parser cannot go on from, so that it sees nothing of what comes after.
_FATAL = ("AM005", "AM006")
#: Behind every text that was parsed to its end.
_END = Place(sys.maxsize, 1, sys.maxsize, 1)


class Checked(Protocol):
    """What is wrong with files, and where."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was found."""

    @property
    def documents(self) -> Mapping[str, Document]:
        """The files that were read, by what people call them."""


@dataclass
class FixResult:
    """What fixes did: the texts that changed, before and after, what was fixed, and what is wrong now."""

    found: Checked
    """What was wrong at first."""
    left: tuple[Finding, ...]
    """What is wrong now; it has no fix, or none that would do."""
    documents: Mapping[str, Document]
    before: dict[Path, bytes] = field(default_factory=dict)
    after: dict[Path, bytes] = field(default_factory=dict)
    made: list[Finding] = field(default_factory=list)


def fix(
    check: Callable[[Mapping[Path, bytes]], Checked],
    paths: Mapping[str, Path],
    *,
    is_unsafe_too: bool = False,
) -> FixResult:
    """Make every certain fix of these files in memory; `check` takes texts in the place of what is on disk.

    Fixes that are not safe are made only where they are asked for. One that does not remove its own
    finding, or after which less of the text can be read, is refused.
    """
    fixed = FixResult(checked := check({}), (), {})
    refused: set[Finding] = set()
    is_one_by_one = False
    for _ in range(_MOST_ROUNDS):
        pending = [found for found in _fixable(checked, paths, is_unsafe_too) if found not in refused]
        batch = dict(_apart(checked, pending[:1] if is_one_by_one else pending))
        before, after = _texts(checked, batch, paths, fixed.after)
        if not after:
            break
        then = check({**fixed.after, **after})
        failed = _still_there(checked, then, [*batch])
        if not failed and _reads_less(checked, then, {found.file for found in batch}):
            failed = [*batch] if len(batch) == 1 else []
            is_one_by_one = True
        elif not failed:
            checked, is_one_by_one = then, False
            fixed.before = before | fixed.before
            fixed.after |= after
            fixed.made += batch
        refused.update(failed)
    fixable = {*_fixable(checked, paths, is_unsafe_too)}
    fixed.left = tuple(replace(found, fix=None) if found in fixable else found for found in checked.findings)
    fixed.documents = checked.documents
    return fixed


def _fixable(
    checked: Checked, paths: Mapping[str, Path], is_unsafe_too: bool
) -> Iterator[Finding]:  # as above
    for found in checked.findings:
        if found.fix and found.file in paths and (found.fix.is_safe or is_unsafe_too):
            yield found


def _apart(checked: Checked, pending: Sequence[Finding]) -> Iterator[tuple[Finding, tuple[Replacement, ...]]]:
    """Of fixes that are in each other's way the first; the others have their turn in the next round."""
    taken: dict[str, list[Replacement]] = {}
    for finding in pending:
        document = checked.documents.get(finding.file)
        found = replacements(document, finding.fix) if document and finding.fix else None
        if not found or overlap(sorted([*taken.get(finding.file, ()), *found])):
            continue
        taken.setdefault(finding.file, []).extend(found)
        yield finding, found


def _texts(
    checked: Checked,
    batch: Mapping[Finding, Sequence[Replacement]],
    paths: Mapping[str, Path],
    changed: Mapping[Path, bytes],
) -> tuple[dict[Path, bytes], dict[Path, bytes]]:
    """The texts of a batch before and after; none of a file that does not hold exactly what was read."""
    wanted: dict[str, list[Replacement]] = {}
    for finding, found in batch.items():
        wanted.setdefault(finding.file, []).extend(found)
    before, after = {}, {}
    for file, changes in wanted.items():
        document, path = checked.documents[file], paths[file]
        content = changed.get(path) or path.read_bytes()
        read = document.text.encode("utf-8", "surrogatepass")
        if content.endswith(read):  # in front of it there may be a byte order mark
            before[path] = content
            after[path] = content.removesuffix(read) + applied(document.text, changes).encode()
    return before, after


def _still_there(before: Checked, after: Checked, batch: Sequence[Finding]) -> list[Finding]:
    """Those of the findings that their fixes did not remove; lines and items may have moved."""
    was, now = Counter(map(_known_by, before.findings)), Counter(map(_known_by, after.findings))
    removed = Counter(map(_known_by, batch))
    return [
        found
        for found in batch
        if (
            _reach(after, found.file) <= _reach(before, found.file)
            if found.code in _FATAL
            else now[_known_by(found)] > was[_known_by(found)] - removed[_known_by(found)]
        )
    ]


def _reads_less(before: Checked, after: Checked, files: Collection[str]) -> bool:
    """Whether the parser sees less of any of these files, or finds more wrong with what it saw before."""
    return any(
        _reach(after, file) < _reach(before, file)
        or (_reach(after, file) == _reach(before, file) and _unread(after, file) - _unread(before, file))
        for file in files
    )


def _reach(checked: Checked, file: str) -> Place:
    """How far the parser came in a file."""
    stops = [found.place for found in checked.findings if found.file == file and found.code in _FATAL]
    return next((place for place in stops if place), _END)


def _unread(checked: Checked, file: str) -> Counter[tuple[str, str, str]]:
    """The errors of a file's text."""
    found = (each for each in checked.findings if each.file == file and each.is_error)
    return Counter(_known_by(each) for each in found if each.code < _OF_VALUES)


def _known_by(finding: Finding) -> tuple[str, str, str]:
    """What a finding is known by when lines and items have moved."""
    return finding.file, finding.code, finding.message
