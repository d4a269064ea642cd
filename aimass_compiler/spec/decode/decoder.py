"""Plain data into typed records, and every mismatch into a finding about the user's own value."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError

from aimass_compiler.catalog.quantities import PLACE_BELOW, Frozen
from aimass_compiler.diagnostics import nearest
from aimass_compiler.spec.decode.foreign_documents import is_other_version, is_something_else
from aimass_compiler.spec.decode.json_schema_paths import keys_at
from aimass_compiler.spec.decode.mismatches import Mismatch, findings, value_at
from aimass_compiler.spec.report import MOST

if TYPE_CHECKING:
    from aimass_compiler.diagnostics import Finding, Path

R = TypeVar("R", bound=Frozen)


def _as_read(path: Path) -> str:  # noqa: ARG001  # where there is no text, nothing was written
    return ""


def decode(
    kind: type[R], data: Mapping[str, Any], file: str, written: Callable[[Path], str] = _as_read
) -> tuple[R | None, list[Finding]]:
    """The record that the data describes, and what is wrong with it; `written` is how a value was written.

    What is wrong is left out and the rest decoded again, so that a mistake hides nothing elsewhere; where a
    part cannot be without it, the whole part is. `failed_parts` names the parts of which this is so. There is
    no record where the document is of another kind or version, or holds too many mistakes.
    """
    try:
        return kind.model_validate(data, by_alias=True, by_name=False), []
    except ValidationError as error:
        mismatches = _mismatches(data, error, written)
    found = findings(kind, data, mismatches[: MOST + 1], file)
    if len(mismatches) > MOST or is_other_version(data) or is_something_else(data):
        return None, found
    wrong = [finding.path for finding in found]
    for paths in (wrong, [_above_lists(path) for path in wrong], [path[:1] for path in wrong]):
        rest = _without_all(data, paths)
        sound = {
            **{name: kind.stand_ins[name] for name in kind.stand_ins if not _is_absent(name, rest)},
            **rest,
        }
        try:
            return kind.model_validate(sound, by_alias=True, by_name=False), found
        except ValidationError:
            continue
    return None, found


def failed_parts(kind: type[Frozen], data: Mapping[str, Any], findings: Iterable[Finding]) -> frozenset[str]:
    """The parts of a document whose values are not what was written, by what was found: `serving.limits`.

    A misspelt key stands for the nearest one that is not there. What an environment overrides counts as
    the part that it overrides.
    """
    failed = {_part(kind, data, finding) for finding in findings if finding.is_error}
    missing = {field.alias or name for name, field in kind.model_fields.items() if field.is_required()}
    lacking = {name for name in missing.difference(data) if "task" in failed or not _is_absent(name, data)}
    return frozenset({*failed, *lacking} - {""})


def _is_absent(part: str, data: Mapping[str, Any]) -> bool:
    """Whether the data says that there is no such part: a task by its name has no target."""
    return part == "target" and isinstance(data.get("task"), str)


def _part(kind: type[Frozen], data: Mapping[str, Any], finding: Finding) -> str:
    path = _above_lists(finding.path)
    if finding.code == "AM102" and path == finding.path:
        known = keys_at(kind, data, path[:-1])
        meant = nearest(str(path[-1]), known.keys() - value_at(data, path[:-1]).keys())
        path = (*path[:-1], meant) if meant else ()
    if path[:1] == ("environments",) and len(path) > 2:  # noqa: PLR2004  # environments, its name, a part
        path = path[2:]
    return ".".join(map(str, path))


def _above_lists(path: Path) -> Path:
    """The path, or that of the whole list where it leads into one: a list without an item means another."""
    first = next((place for place, step in enumerate(path) if isinstance(step, int)), len(path))
    return path[:first]


def _without_all(data: Any, paths: Iterable[Path]) -> Any:
    for path in paths:
        data = _without(data, path)
    return data


def _mismatches(
    data: Mapping[str, Any], error: ValidationError, written: Callable[[Path], str]
) -> list[Mismatch]:
    return [
        Mismatch(
            line["type"],
            line.get("ctx", {}),
            line["msg"],
            line["loc"],
            path := written_path(data, (*line["loc"], *line.get("ctx", {}).get(PLACE_BELOW, ()))),
            line["input"],
            text=written(path),
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
