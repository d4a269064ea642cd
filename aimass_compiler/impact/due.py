"""Which models a change makes due: for training, and for delivery to an environment."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from aimass_compiler import conventions
from aimass_compiler.impact.consistency import tracked_data
from aimass_compiler.impact.stage_runs import tracked_md5
from aimass_compiler.programs import git
from aimass_compiler.releases import release_file, version_record
from aimass_compiler.render.pipeline_json import TRAINED_FROM

_UNKNOWN = "0" * 40
#: What names a model's owner and the like, and no model that comes out of training.
_NAME = "name"


def due_for_training(root: Path, models: Iterable[str], since: str | None = None) -> dict[str, str]:
    """The models whose recipe or data is not that of their newest version, each with the reason.

    `since` a revision, only those whose recipe or data has changed count: what fails is not tried again by
    each change of something else. Raises DamagedRecord and GitError.
    """
    before = None if since in (None, "", _UNKNOWN) or not _is_known(since or "", root) else since
    found = {}
    for model in models:
        reason = _reason(root, model)
        if reason and (before is None or _has_changed(root, model, before)):
            found[model] = reason
    return found


def _is_known(revision: str, root: Path) -> bool:
    """Whether git has the revision; one that a forced push replaced it has not."""
    try:
        git.commit_of(revision, root)
    except git.GitError:
        return False
    return True


def _reason(root: Path, model: str) -> str:
    """Why a model is due; empty where it is not."""
    versions = version_record.versions_of(root, model)
    if not versions:
        return "it has no version yet"
    newest = versions[-1]
    for path, known in sorted(newest.data.items()):
        note = _content(root / f"{path}.dvc")
        if note is not None and tracked_md5(note) not in ("", known):
            return f"{path} has other rows than {newest.name}"
    if newest.commit and _recipe_at(root, model, newest.commit) != _recipe(root, model):
        return f"its recipe is not that of {newest.name}"
    return ""


def _has_changed(root: Path, model: str, since: str) -> bool:
    """Whether recipe or data differ from a revision."""
    if _recipe_at(root, model, since) != _recipe(root, model):
        return True
    notes = sorted(tracked_data(root, model))
    before = git.files_at(since, root, notes) if notes else {}
    return any(_content(root / note) != before.get(note) for note in notes)


def _recipe(root: Path, model: str) -> Any:
    return _trained_from(_content(root / _pipeline_path(model)))


def _recipe_at(root: Path, model: str, revision: str) -> Any:
    path = _pipeline_path(model)
    return _trained_from(git.files_at(revision, root, [path]).get(path))


def _pipeline_path(model: str) -> str:
    return f"{conventions.GENERATED_FOLDER}/{model}/{conventions.PIPELINE_FILE}"


def _trained_from(content: bytes | None) -> Any:
    """What of a pipeline.json decides which model comes out of training; None where there is none."""
    if content is None:
        return None
    document = json.loads(content)
    parts = {key: value for key, value in document.items() if key in TRAINED_FROM}
    return {**parts, "metadata": document.get("metadata", {}).get(_NAME)}


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def due_for_delivery(root: Path, environments: Iterable[str], since: str) -> list[str]:
    """The environments where what changed since a revision runs; all where git does not know the revision.

    Of a model that is not released in an environment nothing runs there. Raises GitError.
    """
    if not since or since == _UNKNOWN or not _is_known(since, root):
        return list(environments)
    released = [path.partition("/")[0] for path in _changed(root, since, conventions.RELEASES_FOLDER)]
    generated = _changed(root, since, conventions.GENERATED_FOLDER)
    return [
        each
        for each in environments
        if each in released or any(_runs(root, path, each) for path in generated)
    ]


def _runs(root: Path, path: str, environment: str) -> bool:
    """Whether a file below generated/ is of what runs in an environment."""
    models = (path.rpartition(own)[0] for own in ("/base/", f"/overlays/{environment}/") if own in path)
    return any(release_file.file_of(root, environment, model).exists() for model in models)


def _changed(root: Path, since: str, folder: str) -> list[str]:
    """The files of a folder that differ from a revision, by their path in it. Raises GitError."""
    return git.changed_since(git.commit_of(since, root), root, folder) or []


def released_overlays(root: Path, since: str | None = None) -> list[tuple[str, str]]:
    """Every environment and model that is released there; `since` a revision, those whose release changed."""
    places = release_file.released_places(root)
    if since is None:
        return places
    changed = [f"{path}/" for path in _changed(root, since, conventions.RELEASES_FOLDER)]
    return [each for each in places if any(path.startswith(f"{'/'.join(each)}/") for path in changed)]
