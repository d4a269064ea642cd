"""A check of one model, held to each of the models that a search chooses from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from msgspec.structs import replace as with_changes

from aimass_compiler.catalog.model import Model
from aimass_compiler.catalog.model_choice import KEY
from aimass_compiler.diagnostics import Assign, Finding, Fix, Path, Remove, Rename, Severity

if TYPE_CHECKING:
    from types import ModuleType

    from aimass_compiler.pipeline import Pipeline


def findings_of(module: ModuleType, pipeline: Pipeline) -> Iterator[Finding]:
    """What a check finds; where it is about one model, what it finds of each that there is to choose from.

    What it says of a model is at its place in the list. A warning about another part, such as that a scaling
    changes nothing, is one where it holds for every model.
    """
    is_of_each = "model" in module.NEEDS and not getattr(module, "IS_OF_ALL_MODELS", False)
    if isinstance(pipeline.model, Model) or not is_of_each:
        yield from module.findings(pipeline)
        return
    found = [
        [_moved(finding, place) for finding in module.findings(pipeline.model_copy(update={"model": model}))]
        for place, model in enumerate(pipeline.model.candidates)
    ]
    seen: set[tuple[str, Path, str]] = set()
    for finding in (finding for findings in found for finding in findings):
        is_error = finding.severity == Severity.ERROR
        identity = (finding.code, finding.path, finding.message if is_error else "")
        if identity not in seen and (is_error or _is_of_a_model(finding) or _is_in_all(finding, found)):
            seen.add(identity)
            yield finding


def _is_of_a_model(finding: Finding) -> bool:
    return finding.path[:1] == ("model",)


def _is_in_all(finding: Finding, found: Sequence[Sequence[Finding]]) -> bool:
    """Whether every model leads to a finding of this code at this place."""
    return all(
        any((other.code, other.path) == (finding.code, finding.path) for other in findings)
        for findings in found
    )


def _moved(finding: Finding, place: int) -> Finding:
    """The finding of one model where that is an item of the list."""
    related = tuple(with_changes(each, path=_path(each.path, place)) for each in finding.related)
    fix = None if finding.fix is None else _moved_fix(finding.fix, place)
    return replace(finding, path=_path(finding.path, place), related=related, fix=fix)


def _moved_fix(fix: Fix, place: int) -> Fix:
    edits = tuple(
        with_changes(edit, path=_path(edit.path, place))
        if isinstance(edit, (Assign, Rename, Remove))
        else edit
        for edit in fix.edits
    )
    return with_changes(fix, edits=edits)


def _path(path: Path, place: int) -> Path:
    return (path[0], KEY, place, *path[1:]) if path[:1] == ("model",) else path
