"""The models that a plan changes: pipelines before and after, which is an old one renamed, documents."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from pathlib import Path as FilePath
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace
from pydantic_core import PydanticCustomError, PydanticKnownError

from aimass_compiler import conventions
from aimass_compiler.catalog.quantities import Bytes, Cores, Duration, Percentage
from aimass_compiler.conflict_markers import is_conflicted
from aimass_compiler.diagnostics import Path
from aimass_compiler.impact.edits import leaves
from aimass_compiler.model_path import name_of, owner_of, team_of
from aimass_compiler.partial_values import whole_environments
from aimass_compiler.plan.comparison import Action, FileChange, Files, Plan
from aimass_compiler.project import team_of_spec
from aimass_compiler.render.facts import Resolved, decoded
from aimass_compiler.spec.yaml.document import Document

Normal = Mapping[str, Any]

#: Ours has about ten; what is nested deeper was written by nobody's compiler.
_DEEPEST = 40
#: Where each part comes from that the compiler works out of others.
_ORIGINS: Mapping[Path, Path] = {
    ("task", "kind"): ("target",),
    ("task", "target"): ("target",),
    ("task", "classes"): ("target",),
    ("task", "positive"): ("positive",),
    ("task", "weight"): ("weight",),
    ("retraining", "attempts"): ("evaluation", "on_failure", "retrain"),
    ("retraining", "adjust"): ("evaluation", "on_failure", "adjust"),
    ("retraining", "gates"): ("evaluation", "gates"),
    ("retraining", "decision"): ("evaluation", "decision"),
}
#: What a spec says itself of the task.
_OF_TASK = {("task", "target"), ("task", "positive"), ("task", "weight")}
#: What is the same in two models that are one: a rename often comes with a small change.
_ALIKE = 0.8
#: The note where only the pipelines can be compared.
_NO_RECORD = (
    f"there is no {conventions.RESOLVED_FILE} of this format before, so that alerts, settings, contract and "
    "what runs cannot be compared"
)
#: With more pairs than this, only what is the same to the last value is looked for.
_MOST_PAIRS = 400

_Values = frozenset[tuple[str, str]]
#: What an environment has from the settings, and where it stands there.
_OF_SETTINGS: Mapping[Path, Path] = {
    (): ("environments", "*"),
    ("namespace",): ("environments", "*", "namespace"),
    ("image_registry",): ("images", "registry"),
}


class ChangedModel(Struct, frozen=True):
    """One model before and after: its pipeline where there is one, and its files by path in its folder."""

    name: str
    """Its path."""
    changes: tuple[FileChange, ...]
    before: Files
    after: Files
    old: Normal | None = None
    new: Normal | None = None
    old_facts: Resolved | None = None
    new_facts: Resolved | None = None
    """Its records."""
    notes: tuple[str, ...] = ()
    """What cannot be compared, and why."""
    renamed_from: str = ""

    @property
    def is_kept(self) -> bool:
        """Whether it was there before under the same name, and is there still."""
        return self.old is not None and self.new is not None and not self.renamed_from


def differing(plan: Plan) -> tuple[dict[str, list[FileChange]], int]:
    """The changes by model, and how many models have none."""
    found: defaultdict[str, list[FileChange]] = defaultdict(list)
    folders: set[str] = set()
    of_teams = plan.of_teams
    for change in plan.changes:
        folder = owner_of(change.path, of_teams)
        if folder == conventions.FLEET_FOLDER:
            continue
        folders.add(folder)
        if folder and change.action is not Action.UNCHANGED:
            found[folder].append(change)
    return dict(found), len(folders) - len(found)


def models(plan: Plan, changed: Mapping[str, Sequence[FileChange]]) -> list[ChangedModel]:
    """The models with changes, by name."""
    before, after = _by_model(plan.previous, changed), _by_model(plan.files, changed)
    return [
        _model(name, tuple(changes), before.get(name, {}), after.get(name, {}))
        for name, changes in sorted(changed.items())
    ]


def _by_model(files: Files, wanted: Mapping[str, object]) -> dict[str, dict[str, bytes]]:
    found: defaultdict[str, dict[str, bytes]] = defaultdict(dict)
    for path, content in files.items():
        folder = owner_of(path, wanted)
        if folder in wanted:
            found[folder][path[len(folder) + 1 :]] = content
    return found


def _model(name: str, changes: tuple[FileChange, ...], before: Files, after: Files) -> ChangedModel:
    """The model with its pipelines read."""
    path = conventions.PIPELINE_FILE
    old = new = None
    notes = []
    try:
        new = normal(after[path]) if path in after else None
        # What is the same was not written in vain, and is not read in vain either.
        old = new if before.get(path) == after.get(path) else normal(before[path]) if path in before else None
    except Unreadable as unreadable:
        notes.append(f"the values of {path} before cannot be compared: {unreadable}")
    old_facts, new_facts = _facts(before), _facts(after)
    if old is not None and old_facts is None:
        notes.append(_NO_RECORD)
    return ChangedModel(name, changes, before, after, old, new, old_facts, new_facts, tuple(notes))


class SettledModels:
    """Models whose files are as they should be, so that a plan has none of them; read when asked for."""

    def __init__(self, generated: FilePath, models: Collection[str] = ()) -> None:
        self._generated = generated
        self.models = frozenset(models)

    def record(self, model: str) -> bytes | None:
        """What the compiler knows of one of them; None of any other."""
        return self._content(model, conventions.RESOLVED_FILE) if model in self.models else None

    def model(self, name: str) -> ChangedModel:
        """One of them, as one that does not change."""
        named = {
            file: self._content(name, file) for file in (conventions.PIPELINE_FILE, conventions.RESOLVED_FILE)
        }
        files = {file: content for file, content in named.items() if content is not None}
        return _model(name, (), files, files)

    def _content(self, model: str, file: str) -> bytes | None:
        try:
            return (self._generated / model / file).read_bytes()
        except OSError:
            return None


NONE_SETTLED = SettledModels(FilePath())


def facts_of(files: Files, model: str, settled: SettledModels = NONE_SETTLED) -> Resolved | None:
    """The record of one model among the files of all, and those that are settled."""
    record = files.get(f"{model}/{conventions.RESOLVED_FILE}") or settled.record(model)
    return _facts({conventions.RESOLVED_FILE: record}) if record is not None else None


def _facts(files: Files) -> Resolved | None:
    """The record of a model; None where another version of the compiler left none, or another one."""
    content = files.get(conventions.RESOLVED_FILE)
    try:
        return None if content is None else decoded(content)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None


def with_renames(models: Sequence[ChangedModel]) -> list[ChangedModel]:
    """The models, of which one that is another one renamed takes its place."""
    gone = {model.name: model for model in models if model.new is None and model.old is not None}
    come = {model.name: model for model in models if model.old is None and model.new is not None}
    names = renamed(
        {name: model.old for name, model in gone.items() if model.old is not None},
        {name: model.new for name, model in come.items() if model.new is not None},
    )
    taken = set(names.values())
    return [
        _renamed(model, gone[names[model.name]]) if model.name in names else model
        for model in models
        if model.name not in taken
    ]


def _renamed(model: ChangedModel, was: ChangedModel) -> ChangedModel:
    changes = tuple(sorted((*was.changes, *model.changes), key=lambda change: change.path))
    return replace(
        model,
        changes=changes,
        before=was.before,
        old=was.old,
        old_facts=was.old_facts,
        notes=was.notes,
        renamed_from=was.name,
    )


def renamed(gone: Mapping[str, Normal], come: Mapping[str, Normal]) -> dict[str, str]:
    """The new models that were called otherwise, by their new names; each old one is one new one."""
    old = {name: _values(pipeline) for name, pipeline in sorted(gone.items())}
    new = {name: _values(pipeline) for name, pipeline in sorted(come.items())}
    by_content = {content: name for name, content in old.items()}
    found = {name: by_content.pop(content) for name, content in new.items() if content in by_content}
    left = [name for name in old if name not in found.values()]
    waiting = [name for name in new if name not in found]
    if len(left) * len(waiting) > _MOST_PAIRS:
        return found
    ranked = sorted((-_likeness(old[was], new[now]), was, now) for was in left for now in waiting)
    for unlike, was, now in ranked:
        if -unlike >= _ALIKE and now not in found and was not in found.values():
            found[now] = was
    return found


def _values(pipeline: Normal) -> _Values:
    """Everything but name and team, in a form that can be counted."""
    metadata = {**mapping(pipeline.get("metadata")), "name": None}
    return frozenset(
        (json.dumps(path), json.dumps(value))
        for path, value in leaves({**pipeline, "team": None, "metadata": metadata})
    )


def _likeness(before: _Values, after: _Values) -> float:
    return len(before & after) / max(len(before | after), 1)


class Places(Struct, frozen=True):
    """The documents that one model comes from; either may be unknown."""

    spec: Document | None = None
    settings: Document | None = None

    @classmethod
    def of(cls, model: str, documents: Mapping[str, Document], settings_file: str) -> Places:
        """The documents of a model among those that were read."""
        team, name = team_of(model), name_of(model)
        of_team = (each for each in documents.values() if team_of_spec(each.file) == team)
        specs = (each for each in of_team if at(each.data, "metadata.name") == name)
        return cls(next(specs, None), documents.get(settings_file))

    def setting(self, path: Path) -> str:
        """Where this value of the settings stands, or the nearest above it; "" where it is a default."""
        if self.settings is None or not path or path[0] not in self.settings.data:
            return ""
        return f"{self.settings.file}:{self.settings.place_of(path).line}"

    def line(self, path: Path, *, is_gone: bool = False) -> str:
        """Where the value at this path of a spec stands, or the nearest above it; "" where it is unknown.

        For a value that `is_gone` that is the key of what held it.
        """
        document = self.spec
        if path[:1] == ("environments",) and path[2:3] in _OF_SETTINGS:
            document = self.settings
            path = tuple(path[1] if step == "*" else step for step in _OF_SETTINGS[path[2:3]])
        if document is None or not path or path[0] not in document.data:
            return ""
        place = document.place_of(path[:-1], at_key=True) if is_gone else document.place_of(path)
        return f"{document.file}:{place.line}"


class Unreadable(Exception):  # noqa: N818  # it reads as what is the case
    """A pipeline.json that cannot be compared; the message says why."""


def normal(content: bytes) -> Normal:
    """What a pipeline.json holds. Raises Unreadable where it is none of the format that is written now."""
    if is_conflicted(content):
        raise Unreadable("a merge left conflict markers in it")
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        raise Unreadable("it is not JSON") from None
    if not isinstance(document, dict) or _is_deep(document):
        raise Unreadable("it is no pipeline")
    if document.get("format") != conventions.PIPELINE_FORMAT:
        raise Unreadable(f"its format is not {conventions.PIPELINE_FORMAT}")
    return whole_environments(document)


def _is_deep(document: Any) -> bool:
    level = [document]
    for _ in range(_DEEPEST):
        level = [
            part
            for node in level
            if isinstance(node, (dict, list))
            for part in (node.values() if isinstance(node, dict) else node)
        ]
        if not level:
            return False
    return True


def at(node: Any, dotted: str) -> Any:
    """The value below dotted keys; None where there is none."""
    for key in dotted.split("."):
        node = node.get(key) if isinstance(node, Mapping) else None
    return node


def mapping(node: Any) -> Mapping[str, Any]:
    """The node where it is a mapping; else one without keys."""
    return node if isinstance(node, Mapping) else {}


def named(node: Any) -> Mapping[str, Mapping[str, Any]]:
    """The mappings that a mapping holds."""
    return {name: part for name, part in mapping(node).items() if isinstance(part, Mapping)}


def number(node: Any) -> float | None:
    """The node where it is a number."""
    is_number = isinstance(node, (int, float)) and not isinstance(node, bool)
    return node if is_number else None


def amount(kind: type[Duration | Cores | Bytes | Percentage], node: Any) -> Decimal | None:
    """How much an amount is in the unit of size 1; None where it is no such amount."""
    try:
        return kind.read(node).amount
    except (PydanticCustomError, PydanticKnownError, ValueError):
        return None


def origin(path: Path, pipeline: Normal) -> Path:
    """Where a spec says what stands at a path of its pipeline."""
    if path[:2] == ("task", "classes") and at(pipeline, "task.classes"):
        return ("data", "columns", str(at(pipeline, "task.target")), "values", *path[2:])
    start = _ORIGINS.get(path[:2])
    return path if start is None else start if path[0] == "task" else (*start, *path[2:])


def is_derived(path: Path) -> bool:
    """Whether what stands there only follows from other parts, which are reported themselves."""
    return path[:1] in {("task",), ("retraining",), ("repetition",), ("format",)} and path[:2] not in _OF_TASK
