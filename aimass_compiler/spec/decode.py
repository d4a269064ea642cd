"""Plain data into typed records, and every mismatch into a finding about the user's own value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

from pydantic import ValidationError

from aimass_compiler.diagnostics import Finding, Path
from aimass_compiler.spec.mismatches import told
from aimass_compiler.values import Frozen

R = TypeVar("R", bound=Frozen)


def decode(kind: type[R], data: Mapping[str, Any], file: str) -> tuple[R | None, list[Finding]]:
    """The record that the data describes, and what is wrong with it.

    What is wrong is left out and the rest decoded again, so that a misspelt key hides nothing;
    only when that fails too is there no record.
    """
    try:
        return kind.model_validate(data), []
    except ValidationError as error:
        findings = list(_findings(kind, data, error, file))
    pruned = data
    for finding in findings:
        pruned = _without(pruned, finding.path)
    try:
        return kind.model_validate(pruned), findings
    except ValidationError:
        return None, findings


def _findings(kind: type[Frozen], data: Mapping[str, Any], error: ValidationError, file: str) -> Iterator[Finding]:
    seen: set[tuple[Path, bool]] = set()
    for line in error.errors(include_url=False):
        path = written_path(data, line["loc"])
        finding = told(kind, line, path, file)
        if (finding.path, finding.at_key) not in seen:
            seen.add((finding.path, finding.at_key))
            yield finding


def written_path(data: Any, location: Sequence[str | int]) -> Path:
    """Where in the written data an error lies: steps that only the decoder takes are left out."""
    path: list[str | int] = []
    current = data
    for step in location:
        if isinstance(current, Mapping) and step in current:
            current = current[step]
        elif isinstance(current, Sequence) and not isinstance(current, str) and isinstance(step, int) and step < len(current):
            current = current[step]
        else:
            continue
        path.append(step)
    return tuple(path)


def _without(data: Any, path: Path) -> Any:
    """A copy of the data without the mapping entry at this path; list items stay."""
    if not path:
        return data
    step, rest = path[0], path[1:]
    if isinstance(data, Mapping):
        if not rest:
            return {key: value for key, value in data.items() if key != step}
        return {key: _without(value, rest) if key == step else value for key, value in data.items()}
    if isinstance(data, Sequence) and not isinstance(data, str) and rest:
        return [_without(value, rest) if place == step else value for place, value in enumerate(data)]
    return data
