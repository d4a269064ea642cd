"""Plain data into typed records, and every mismatch into a finding about the user's own value."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError

from aimass_compiler.diagnostics import nearest
from aimass_compiler.spec import enough
from aimass_compiler.spec.mismatches import Mismatch, findings
from aimass_compiler.values import Frozen

if TYPE_CHECKING:
    from aimass_compiler.diagnostics import Finding, Path

R = TypeVar("R", bound=Frozen)


def _as_read(path: Path) -> str:  # noqa: ARG001  # where there is no text, nothing was written
    return ""


def decode(
    kind: type[R], data: Mapping[str, Any], file: str, written: Callable[[Path], str] = _as_read
) -> tuple[R | None, list[Finding]]:
    """The record that the data describes, and what is wrong with it; `written` is how a value was written.

    What is wrong is left out and the rest decoded again, so that a misspelt key hides nothing; of a list
    whose item cannot be left out, the whole is.
    There is no record when that fails too, or when something is wrong with one of the kind's
    foundations, by which the rest is judged.
    """
    try:
        return kind.model_validate(data, by_alias=True, by_name=False), []
    except ValidationError as error:
        mismatches = _mismatches(data, error, written)
        found = findings(kind, data, mismatches[: enough.MOST], file)
        if len(mismatches) > enough.MOST:
            return None, enough.first(found, uncounted=len(mismatches) - enough.MOST)
    if any(_is_meant(finding, key, data) for finding in found for key in kind.foundations):
        return None, found
    for paths in ([finding.path for finding in found], [above_lists(finding.path) for finding in found]):
        try:
            return kind.model_validate(_without_all(data, paths), by_alias=True, by_name=False), found
        except ValidationError:
            continue
    return None, found


def above_lists(path: Path) -> Path:
    """The path, or that of the whole list where it leads into one: a list without an item means another."""
    first = next((place for place, step in enumerate(path) if isinstance(step, int)), len(path))
    return path[:first]


def _without_all(data: Any, paths: Iterable[Path]) -> Any:
    for path in paths:
        data = _without(data, path)
    return data


def _is_meant(finding: Finding, key: str, data: Mapping[str, Any]) -> bool:
    """Whether a finding is about this key of the document, or about a misspelt one in its place."""
    name = str(finding.path[0]) if finding.path else ""
    return name == key or (key not in data and finding.path == (name,) and nearest(name, (key,)) == key)


def _mismatches(
    data: Mapping[str, Any], error: ValidationError, written: Callable[[Path], str]
) -> list[Mismatch]:
    return [
        Mismatch(
            line["type"],
            line.get("ctx", {}),
            line["msg"],
            line["loc"],
            path := written_path(data, line["loc"]),
            value := line["input"],
            text=written(path),
            texts=tuple(written((*path, place)) for place in range(len(value))) if _is_list(value) else (),
        )
        for line in error.errors(include_url=False)
    ]


def written_path(data: Any, location: Sequence[str | int]) -> Path:
    """Where in the written data an error lies: steps that only the decoder takes are left out."""
    path: list[str | int] = []
    current = data
    for step in location:
        is_item = _is_list(current) and isinstance(step, int) and step < len(current)
        if is_item or (isinstance(current, Mapping) and step in current):
            current = current[step]
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
    if _is_list(data) and rest:
        return [_without(value, rest) if place == step else value for place, value in enumerate(data)]
    return data


def _is_list(data: Any) -> bool:
    return isinstance(data, Sequence) and not isinstance(data, str)
