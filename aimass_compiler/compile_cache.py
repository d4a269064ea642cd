"""What compiling read and wrote the last time, so that only what is new is compiled.

Nothing heavy is imported here: where nothing has changed, this is all of the compiler that runs.
A model is up to date when the compiler, the settings, its spec and each of its generated files
are what they were. Size, inode and times tell that at once; where they differ, as after a fresh
checkout, hashes of the contents do. Whatever is not certain is compiled.
"""

from __future__ import annotations

import itertools
import json
import os
import sys
import time
from collections.abc import Mapping
from functools import cache

from aimass_compiler import conventions
from aimass_compiler.compile_record import Record, is_as_inventoried, record_of
from aimass_compiler.file_stamps import (
    TICK_SECONDS,
    Paths,
    Stamp,
    content_of,
    digest_of,
    hash_of,
    hash_of_bytes,
    is_past,
    stamp_of,
    stamps_of,
    walked,
)
from aimass_compiler.partial_values import whole_environments
from aimass_compiler.project import folders_in, folders_of_models, misnamed_settings, specs_below
from aimass_compiler.version import __version__

TYPE_CHECKING = False  # `typing` itself costs as much as all else here
if TYPE_CHECKING:
    from typing import Any

_FORMAT = 6
#: A spec as it was just before it was read: its stamp, or none where the last change is too young to tell
#: the next one from it, and the hash of its content.
Begun = tuple[Stamp, str]


class CompileCache:
    """What was recorded of one project; empty where that is nothing, or of another compiler."""

    def __init__(
        self,
        root: str,
        models: dict[str, Record],
        settings: str,
        workflows: Record | None = None,
        fleet: Record | None = None,
        *,
        is_kept: bool = True,
    ) -> None:
        self._root = root
        self._models = models
        self._workflows = workflows
        self._fleet = fleet
        self._settings = settings
        self._is_kept = is_kept
        self._has_news = False
        self._looked: dict[str, bool] = {}

    def unchanged(self, specs: list[str]) -> dict[str, int]:
        """Of these specs, by their paths in specs/, what needs no compiling, each with its number of files.

        Each is looked at once, however often it is asked for.
        """
        self._looked |= {name: self._is_unchanged(name) for name in specs if name not in self._looked}
        if self._has_news:
            self._save()
        return {name: self._models[name].files for name in specs if self._looked[name]}

    def findings(self, specs: list[str]) -> dict[str, str]:
        """The warnings, as JSON, of those of these specs that need no compiling and have some."""
        return {name: found for name in self.unchanged(specs) if (found := self._models[name].findings)}

    def _is_unchanged(self, name: str) -> bool:
        model = self._models.get(name)
        return model is not None and self._is_read(name, model) and self._is_written(name, model)

    def _is_read(self, name: str, model: Record) -> bool:
        """Whether the spec is what was compiled last."""
        stamp = stamp_of(_spec_path(self._root, name))
        if stamp is None or stamp == model.spec:
            return stamp is not None
        if hash_of(_spec_path(self._root, name)) != model.text:
            return False
        if is_past(stamp):
            model.spec, self._has_news = stamp, True
        return True

    def _is_written(self, name: str, model: Record) -> bool:
        """Whether all files are there that were written for the spec, and no others of ours."""
        return self._is_in_step(_folder_path(self._root, name), model)

    def _is_in_step(self, folder: str, model: Record) -> bool:
        stamps = stamps_of(folder, model.paths)
        digest = digest_of(stamps)
        if stamps and digest == model.folder:
            return True
        if not is_as_inventoried(folder, model.inventory):
            return False
        if all(map(is_past, stamps)):
            model.folder, self._has_news = digest, True
        return True

    def unchanged_workflows(self, models: int) -> int | None:
        """How many workflows there are where none would change, for so many models; None where one may."""
        folder, known = _workflows_path(self._root), self._workflows
        if known is None or known.text != str(models):
            return None
        if not known.files:
            return None if os.path.lexists(os.path.join(folder, conventions.INVENTORY_FILE)) else 0
        found = known.files if self._is_in_step(folder, known) else None
        if self._has_news:
            self._save()
        return found

    def keep_workflows(self, models: int) -> None:
        """Record that the workflows are in step, for so many models."""
        folder = _workflows_path(self._root)
        time.sleep(TICK_SECONDS)
        found = record_of(folder, [], str(models))
        self._workflows = found or Record([], str(models), "", "", 0, ())
        if self._is_kept:
            self._save()

    def unchanged_fleet(self, specs: list[str]) -> int | None:
        """How many files there are that are made once for all of these specs; None where one may change."""
        folder, known = _fleet_path(self._root), self._fleet
        if known is None or known.text != self._texts(specs):
            return None
        if not known.files:
            return None if os.path.lexists(folder) else 0
        found = known.files if self._is_in_step(folder, known) else None
        if self._has_news:
            self._save()
        return found

    def keep_fleet(self, specs: list[str]) -> None:
        """Record that what is made once for all of these specs is in step."""
        text = self._texts(specs)
        if not self._is_kept or not text:
            return
        time.sleep(TICK_SECONDS)
        self._fleet = record_of(_fleet_path(self._root), [], text) or Record([], text, "", "", 0, ())
        self._save()

    def _texts(self, specs: list[str]) -> str:
        """Tells all specs from any others; empty where one of them is not on record."""
        if not all(name in self._models for name in specs):
            return ""
        owners = os.path.join(self._root, conventions.GITHUB_FOLDER, conventions.CODE_OWNERS_FILE)
        texts = [(name, self._models[name].text) for name in sorted(specs)]
        return digest_of([*texts, hash_of(owners)])

    def pipelines(self, specs: list[str]) -> dict[str, dict[str, Any]]:
        """The pipeline.json of those of these specs that need no compiling, by their paths in specs/."""
        paths = {
            name: os.path.join(_folder_path(self._root, name), conventions.PIPELINE_FILE)
            for name in self.unchanged(specs)
        }
        return {
            name: whole_environments(json.loads(content_of(path) or b"{}")) for name, path in paths.items()
        }

    def begin(self, spec: os.PathLike[str]) -> Begun | None:
        """What is to be on record of a spec that is about to be read; None where nothing is kept.

        Call it before: a spec that changes afterwards is then found changed by the next compile.
        """
        path = os.path.abspath(spec)
        if not self._is_kept or not path.startswith(_spec_path(self._root, "")):
            return None
        stamp, text = stamp_of(path), hash_of(path)
        if not (stamp and text):
            return None
        return (stamp if is_past(stamp) else []), text

    def recorded(self, begun: Mapping[str, tuple[Begun, str]]) -> dict[str, Record]:
        """The records of specs, by their paths in specs/, whose models' folders are in step now.

        Beside each is what its warnings are, as JSON.
        """
        time.sleep(TICK_SECONDS if begun else 0)
        found = {
            name: record_of(_folder_path(self._root, name), stamp, text, findings)
            for name, ((stamp, text), findings) in begun.items()
        }
        return {name: record for name, record in found.items() if record}

    def keep(self, records: Mapping[str, Record]) -> None:
        """Put records where the next compile finds them."""
        if self._is_kept and records:
            self._models |= records
            self._save()

    def forget(self) -> None:
        """Take away what is recorded, so that the next compile looks at every spec."""
        if self._models:
            self._models = {}
            self._save()

    def _save(self) -> None:
        path = _cache_path(self._root)
        layouts: dict[Paths, int] = {}
        record = {
            "format": _FORMAT,
            "compiler": compiler(),
            "settings": self._settings,
            "models": {
                name: [*model.as_list(), layouts.setdefault(model.paths, len(layouts)), model.findings]
                for name, model in self._models.items()
            },
            "workflows": self._workflows and [*self._workflows.as_list(), self._workflows.paths],
            "fleet": self._fleet and [*self._fleet.as_list(), self._fleet.paths],
            "layouts": list(layouts),
        }
        try:
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
            partial = f"{path}.{os.getpid()}"
            with open(partial, "w", encoding="utf-8") as stream:
                stream.write(json.dumps(record))  # at once, which is done in C
            os.replace(partial, path)
            self._has_news = False
        except OSError:
            return  # a home that cannot be written only costs time


def open_cache(root: str, *, is_kept: bool = True) -> CompileCache:
    """What is recorded of the project at a root; `is_kept` says whether anything is to be, at all."""
    path = os.path.join(root, conventions.SETTINGS_FILE)
    settings = _digest_of_organisation(root)
    if not is_kept or misnamed_settings(root) or (os.path.lexists(path) and not hash_of(path)):
        return CompileCache(root, {}, settings, is_kept=False)
    try:
        with open(_cache_path(root), encoding="utf-8") as stream:
            record = json.load(stream)
        if (record["format"], record["settings"]) == (_FORMAT, settings) and record["compiler"] == compiler():
            layouts = [tuple(map(str, paths)) for paths in record["layouts"]]
            models = {
                name: Record(spec, text, folder, inventory, files, layouts[layout], findings)
                for name, (spec, text, folder, inventory, files, layout, findings) in record["models"].items()
            }
            beside = (_beside(record["workflows"]), _beside(record["fleet"]))
            return CompileCache(root, models, settings, *beside)
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        pass
    return CompileCache(root, {}, settings)


def _beside(written: list[Any] | None) -> Record | None:
    """The record of files that belong to no single model."""
    if not written:
        return None
    spec, text, folder, inventory, files, paths = written
    return Record(spec, text, folder, inventory, files, tuple(map(str, paths)))


def _digest_of_organisation(root: str) -> str:
    """A digest over the settings and all that stands beside them."""
    found = {conventions.SETTINGS_FILE: hash_of(os.path.join(root, conventions.SETTINGS_FILE))}
    for name in conventions.ORGANISATION_FOLDERS:
        folder = os.path.join(root, name)
        found |= {f"{name}/{path}": hash_of(os.path.join(folder, path)) for path, _ in walked(folder)}
    return digest_of(sorted(found.items()))


def unchanged_files(cache: CompileCache, root: str) -> int | None:
    """How many generated files there are when compiling all specs would change none and report nothing;
    else None."""
    try:
        specs, strays = specs_below(os.path.join(root, conventions.SPECS_FOLDER))
        teams = {name.partition("/")[0] for name in specs if "/" in name}
        folders = set(folders_of_models(os.path.join(root, conventions.GENERATED_FOLDER), teams))
    except OSError:
        return None
    folders -= {conventions.FLEET_FOLDER}
    if strays or not specs or folders != {_model_of(name) for name in specs}:
        return None
    files = cache.unchanged(specs)
    if len(files) < len(specs) or cache.findings(specs):
        return None
    beside = (cache.unchanged_workflows(len(specs)), cache.unchanged_fleet(specs))
    return sum((*files.values(), *filter(None, beside))) if None not in beside else None


def has_run(root: str) -> bool:
    """Whether DVC keeps data of a project, or ran any of its models: then a check looks at that, too."""
    folder = os.path.join(root, conventions.GENERATED_FOLDER)
    try:
        names = folders_in(folder)
        if os.path.isdir(os.path.join(root, ".dvc")):
            return True
        of_teams = (f"{name}/{each}" for name in names for each in folders_in(os.path.join(folder, name)))
        folders = itertools.chain(names, of_teams)
        return any(os.path.exists(os.path.join(folder, each, conventions.DVC_LOCK)) for each in folders)
    except OSError:
        return True


@cache
def compiler() -> str:
    """Tells this compiler from any other: its version, its source, and the environment it runs in."""
    environment = [stamp_of(path) for path in sys.path if path.endswith("site-packages")]
    source = digest_of(walked(os.path.dirname(__file__)))
    return hash_of_bytes(f"{__version__} {sys.version} {environment} {source}".encode())


def _model_of(name: str) -> str:
    """The model of a spec, by its path in specs/: both have one name, or the spec has an error."""
    return name.rpartition(".")[0]


def _spec_path(root: str, name: str) -> str:
    return os.path.join(root, conventions.SPECS_FOLDER, name)


def _folder_path(root: str, name: str) -> str:
    return os.path.join(root, conventions.GENERATED_FOLDER, _model_of(name))


def _fleet_path(root: str) -> str:
    return os.path.join(root, conventions.GENERATED_FOLDER, conventions.FLEET_FOLDER)


def _workflows_path(root: str) -> str:
    return os.path.join(root, conventions.GITHUB_FOLDER, conventions.WORKFLOWS_FOLDER)


def _cache_path(root: str) -> str:
    """A file of the user's cache folder, named by the project's root.

    Source: https://specifications.freedesktop.org/basedir-spec/latest/
    """
    folder = os.environ.get(conventions.VARIABLE_CACHE)
    if not folder:
        caches = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
        folder = os.path.join(caches, conventions.MANAGER)
    return os.path.join(
        folder, f"{hash_of_bytes(os.path.realpath(root).encode('utf-8', 'surrogateescape'))[:32]}.json"
    )
