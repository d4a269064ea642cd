"""Whether spec, dvc.lock and the .dvc files of the data match, as git has them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from aimass_compiler import conventions
from aimass_compiler.conflict_markers import is_conflicted
from aimass_compiler.diagnostics import Example, Explanation, Finding, Severity
from aimass_compiler.impact.changes import listed
from aimass_compiler.impact.edits import edits
from aimass_compiler.impact.models import Normal, Unreadable, at, mapping, normal
from aimass_compiler.impact.stage_runs import Reading, Run, keys_of
from aimass_compiler.programs import git
from aimass_compiler.programs.dvc_files import tracked_md5
from aimass_compiler.stages import REPEAT, SCORE, STAGES

EXPLANATIONS = (
    Explanation(
        "AM039",
        "dvc.lock does not match the spec or the data",
        "`dvc.lock` is the link from a commit to its data and model. Where the spec says something else "
        "than what it was run with, or the `.dvc` file of the data names other rows, a clone of this commit "
        "trains another model than the one that was judged, or the same one on other rows. While you work "
        "that is nothing unusual, and a warning. In a commit, which CI and colleagues get, `aimass compile "
        "--check` fails: run the model and commit all that it changed. Where CI trains, leave `dvc.lock` "
        "out of git, as before the first run.",
    ),
)
EXAMPLES = (
    Example(
        "AM039",
        "`training.seed` was changed and committed, and `generated/churn/dvc.lock` is of the run before.",
        "`aimass run churn` was run, and the new `dvc.lock` committed with it.",
        "situation",
    ),
)
_COMMIT = "commit all that the run changed: the spec, generated/ and the `.dvc` file"


def conflicts(root: Path, models: Iterable[str]) -> Iterator[Finding]:
    """Conflict markers in what is generated for these models, and in the .dvc files of their data."""
    seen: set[str] = set()
    for model in models:
        folder = f"{conventions.GENERATED_FOLDER}/{model}"
        for name in (conventions.INVENTORY_FILE, conventions.DVC_LOCK):
            if is_conflicted(_content(root / folder / name)):
                yield _conflict(
                    f"{folder}/{name}", f"`aimass compile` resolves it, then `aimass run {model}`"
                )
        for path in tracked_data(root, model):
            if path not in seen and is_conflicted(_content(root / path)):
                seen.add(path)
                way = f"`git checkout --ours {path}` (or `--theirs`), then `dvc checkout {path}`"
                yield _conflict(path, f"choose the right data: {way}")


def disagreements(root: Path, models: Iterable[str]) -> Iterator[Finding]:
    """Models whose dvc.lock is not of their spec or of their data; errors where that is committed."""
    reading = Reading(root)
    for model, record, lock in _recorded(reading, models):
        yield from _other_spec(root, model, record, lock)
        yield from _other_data(reading, record, lock)


def data_disagreements(root: Path, models: Iterable[str]) -> Iterator[Finding]:
    """Models whose dvc.lock is not of their data alone: a plan reports the rest."""
    reading = Reading(root)
    for _, record, lock in _recorded(reading, models):
        yield from _other_data(reading, record, lock)


def _recorded(reading: Reading, models: Iterable[str]) -> Iterator[tuple[str, Mapping[str, Run], str]]:
    for model in models:
        lock = f"{conventions.GENERATED_FOLDER}/{model}/{conventions.DVC_LOCK}"
        record = reading.record(model)
        if record and not is_conflicted(_content(reading.root / lock)):
            yield model, record, lock


def _other_spec(root: Path, model: str, record: Mapping[str, Run], lock: str) -> Iterator[Finding]:
    path = f"{conventions.GENERATED_FOLDER}/{model}/{conventions.PIPELINE_FILE}"
    pipeline = _pipeline(root / path)
    keys = dict.fromkeys(
        key
        for stage in (*STAGES, REPEAT, SCORE)
        if stage.name in record and pipeline is not None
        for part in stage.reads
        for key in keys_of(
            (
                edit.path
                for edit in edits(
                    record[stage.name].values.get(part), at(pipeline, part), tuple(part.split("."))
                )
            ),
            pipeline,
        )
    )
    if keys:
        message = f"`{lock}` was recorded before {listed([f'`{key}`' for key in keys])} changed"
        hint = f"`aimass run {model}`, and {_COMMIT}; where CI trains: `git rm --cached {lock}`"
        yield _finding(message, hint, lock, is_committed=git.are_committed((lock, path), root))


def _other_data(reading: Reading, record: Mapping[str, Run], lock: str) -> Iterator[Finding]:
    """Data of which the .dvc file and dvc.lock name different versions."""
    used = {str(entry.get("path")): str(entry.get("md5")) for run in record.values() for entry in run.needed}
    for path, md5 in sorted(used.items()):
        tracked = reading.tracked(path)
        named = tracked_md5(tracked[1]) if tracked else ""
        if tracked and named and named != md5:
            message = f"`{tracked[0]}` names another version of {path} than `{lock}` was run with"
            hint = f"`dvc checkout {tracked[0]}` and run the model where the first is right; then {_COMMIT}"
            is_committed = git.are_committed((lock, tracked[0]), reading.root)
            yield _finding(message, hint, tracked[0], is_committed=is_committed)


def _finding(message: str, hint: str, file: str, *, is_committed: bool) -> Finding:
    severity = Severity.ERROR if is_committed else Severity.WARNING
    return Finding("AM039", (), message, help=hint, severity=severity, file=file)


def _conflict(path: str, way: str) -> Finding:
    return Finding("AM022", (), f"a merge left conflict markers in `{path}`", help=way, file=path)


def tracked_data(root: Path, model: str) -> list[str]:
    """The .dvc files of a model's data, or of folders that it is in, as far as they are there."""
    found = []
    for path in _data(root, model):
        places = [Path(path), *Path(path).parents[:-1]]
        found += [f"{place.as_posix()}.dvc" for place in places if (root / f"{place}.dvc").is_file()][:1]
    return sorted(set(found))


def _data(root: Path, model: str) -> list[str]:
    """The files that a model's data comes from."""
    pipeline = _pipeline(root / conventions.GENERATED_FOLDER / model / conventions.PIPELINE_FILE)
    sources: Any = at(pipeline, "data.sources") if pipeline is not None else None
    found = {path for source in mapping(sources).values() for path in _paths_of(source)}
    return sorted(path for path in found if "://" not in path)


def _paths_of(source: Any) -> Iterator[str]:
    """The paths of a source, or of the sources of a union."""
    for kind in mapping(source).values():
        yield from (path for key in ("path", "snapshot") if isinstance(path := mapping(kind).get(key), str))
        for part in mapping(kind).get("sources") or ():
            yield from _paths_of(part)


def _pipeline(path: Path) -> Normal | None:
    try:
        return normal(path.read_bytes())
    except (OSError, Unreadable):
        return None


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
