"""One mistake, one finding: what only follows from another, or repeats it, is not told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler.diagnostics import nearest
from aimass_compiler.spec.decode import above_lists
from aimass_compiler.spec.model_spec import ModelSpec

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from aimass_compiler.diagnostics import Finding, Path
    from aimass_compiler.spec.document import Document


#: The first code about keys and values; those before are about the text.
_OF_VALUES = "AM100"


def without_consequences(judged: Iterable[Finding], mismatches: Sequence[Finding]) -> list[Finding]:
    """What was found in a spec of which parts did not fit, without what is about defaults in their place.

    Nothing is said of such a part, of the mapping that it belongs to, and of the values beside it: they
    were held against a default that nobody means.
    """
    doubtful = [_meant(above_lists(found.path)) for found in mismatches if found.is_error and found.path]
    return [finding for finding in judged if not any(_is_about(finding.path, path) for path in doubtful)]


def _meant(path: Path) -> Path:
    """The path, with the key that a misspelt one at the top of the document stands for."""
    if len(path) > 1 or path[0] in ModelSpec.model_fields:
        return path
    return (nearest(str(path[0]), ModelSpec.model_fields) or path[0],)


def _is_about(path: Path, doubtful: Path) -> bool:
    above = doubtful[:-1]
    is_beside = bool(above) and path[: len(above)] == above and len(path) <= len(doubtful)
    return is_beside or path[: len(doubtful)] == doubtful


def in_one_place(findings: Sequence[Finding], document: Document) -> list[Finding]:
    """The findings without those about what an alias repeats, and about what is wrong in another way, too."""
    if len(findings) < 2:  # noqa: PLR2004  # two can be about the same
        return list(findings)
    places = [document.place_of_finding(finding) for finding in findings]
    told = list(zip(findings, places, strict=True))
    written = {(found.code, place) for found, place in told if not document.is_repeated(found.path)}
    wrong = {place for found, place in told if found.is_error}
    unread = {place for found, place in told if found.is_error and found.code < _OF_VALUES}
    return [
        found
        for found, place in told
        if not (document.is_repeated(found.path) and (found.code, place) in written)
        and not (found.code == "AM018" and place in wrong)
        and not (found.code >= _OF_VALUES and place in unread)
    ]


def beside_settings(findings: Sequence[Finding], settings: str) -> tuple[Finding, ...]:
    """Each finding once; where environments are declared wrongly, specs are not told that they know none."""
    are_wrong = any(found.is_error and _is_of_environments(found, settings) for found in findings)
    return tuple(found for found in dict.fromkeys(findings) if not (are_wrong and found.code == "AM207"))


def _is_of_environments(found: Finding, settings: str) -> bool:
    return found.file == settings and (found.code < _OF_VALUES or found.path[:1] == ("environments",))
