"""Which models a change makes due: for training, and for delivery to an environment."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from aimass_compiler import conventions
from aimass_compiler.impact.consistency import tracked_data
from aimass_compiler.programs import git
from aimass_compiler.releases import release_file, version_record
from aimass_compiler.releases.version_record import VersionRecord
from aimass_compiler.releases.version_rows import changed_rows
from aimass_compiler.render.pipeline_json import TRAINED_FROM

_UNKNOWN = "0" * 40
#: What names a model's owner and the like, and no model that comes out of training.
_NAME = "name"


def due_for_training(root: Path, models: Iterable[str], since: str | None = None) -> dict[str, str]:
    """The models whose recipe or data is not that of their newest version, each with the reason.

    `since` a revision, only those whose recipe or data has changed count: what fails is not tried again by
    each change of something else. Raises DamagedRecord and GitError.
    """
    listed = [*models]
    if since not in (None, "", _UNKNOWN) and _is_known(since or "", root):
        listed = _changed_since(root, listed, git.commit_of(since or "", root))
    newest = {model: next(reversed(version_record.versions_of(root, model)), None) for model in listed}
    made = [
        (record.commit, _pipeline_path(model)) for model, record in newest.items() if record and record.commit
    ]
    recipes = git.contents_at(made, root) if made else {}
    reasons = ((model, _reason(root, model, record, recipes)) for model, record in newest.items())
    return {model: reason for model, reason in reasons if reason}


def _is_known(revision: str, root: Path) -> bool:
    """Whether git has the revision; one that a forced push replaced it has not."""
    try:
        git.commit_of(revision, root)
    except git.GitError:
        return False
    return True


def _reason(
    root: Path,
    model: str,
    newest: VersionRecord | None,
    recipes: Mapping[tuple[str, str], bytes | None],
) -> str:
    """Why a model is due; empty where it is not. There are the `recipes` that versions were made from."""
    if newest is None:
        return "it has no version yet"
    for path in changed_rows(root, newest):
        return f"{path} has other rows than {newest.name}"
    made_from = (newest.commit, _pipeline_path(model))
    if newest.commit and _trained_from(recipes[made_from]) != _recipe(root, model):
        return f"its recipe is not that of {newest.name}"
    return ""


def _changed_since(root: Path, models: Sequence[str], commit: str) -> list[str]:
    """The models whose recipe or data differ from a commit; git is asked once for all of them."""
    changed = {*(git.changed_since(commit, root, ".") or ()), *git.changed_or_untracked(root)}
    touched = [(commit, path) for model in models if (path := _pipeline_path(model)) in changed]
    recipes = git.contents_at(touched, root) if touched else {}
    notes = {path for path in changed if path.endswith(".dvc")}
    return [
        model
        for model in models
        if _is_other_recipe(root, model, recipes.get((commit, _pipeline_path(model)), b""))
        or (notes and notes.intersection(tracked_data(root, model)))
    ]


def _is_other_recipe(root: Path, model: str, before: bytes | None) -> bool:
    """Whether a recipe differs from what it was `before`; empty where its file is the same."""
    return before != b"" and _trained_from(before) != _recipe(root, model)


def _recipe(root: Path, model: str) -> Any:
    return _trained_from(_content(root / _pipeline_path(model)))


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
