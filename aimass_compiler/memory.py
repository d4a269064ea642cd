"""What the last compile read and wrote, so that the next one does only what is new.

Nothing heavy is imported here: where nothing has changed, this is all of the compiler that runs.
A model is up to date when the compiler, the settings, its spec and each of its generated files
are what they were. Size, inode and times tell that at once; where they differ, as after a fresh
checkout, hashes of the contents do. Whatever is not certain is compiled.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import sys
import time
from collections.abc import Mapping
from functools import cache, lru_cache

from aimass_compiler import __version__, conventions
from aimass_compiler.conflict_markers import is_conflicted
from aimass_compiler.root import is_spec, misnamed_settings, strays

_FORMAT = 3
#: A file can change again within one tick of the file system's clock, and show the same time.
_TICK_SECONDS = 0.02
#: That of file systems that keep whole seconds, or only even ones: exFAT, FAT, HFS+.
_COARSE_TICK_SECONDS = 2

#: Size, inode, and the times of the last change of content and of the inode, in nanoseconds; of several files
#: one after the other.
Stamp = list[int]
#: A spec as it was just before it was read: its stamp, or none where the last change is too young to tell
#: the next one from it, and the hash of its content.
Begun = tuple[Stamp, str]
#: What the compiler wrote in a model's folder, files and the folders they are in. Most models have the same.
Paths = tuple[str, ...]


class Model:
    """What was known of one spec and of what was generated for it when both were last in step."""

    __slots__ = ("files", "folder", "inventory", "paths", "spec", "text")

    def __init__(self, spec: Stamp, text: str, folder: str, inventory: str, files: int, paths: Paths) -> None:
        self.spec = spec
        self.text = text
        """The hash of the spec's content, with that of dvc.lock."""
        self.folder = folder
        """A digest over the stamps of the model's folder and of all paths in it."""
        self.inventory = inventory
        """The hash of the inventory, which in turn holds the hashes of the model's files."""
        self.files = files
        """How many files the compiler wrote."""
        self.paths = paths

    def recorded(self) -> list[object]:
        return [self.spec, self.text, self.folder, self.inventory, self.files]


class Memory:
    """What is remembered of one project; empty when that is nothing, or from another compiler."""

    def __init__(self, root: str, models: dict[str, Model], settings: str, *, is_kept: bool = True) -> None:
        self._root = root
        self._models = models
        self._settings = settings
        self._is_kept = is_kept
        self._has_news = False
        self._looked: dict[str, bool] = {}

    def settled(self, specs: list[str]) -> dict[str, int]:
        """Of these names of spec files, those that need no compiling, each with its number of files.

        Each is looked at once, however often it is asked for.
        """
        self._looked |= {name: self._is_settled(name) for name in specs if name not in self._looked}
        if self._has_news:
            self._save()
        return {name: self._models[name].files for name in specs if self._looked[name]}

    def _is_settled(self, name: str) -> bool:
        model = self._models.get(name)
        return model is not None and self._is_read(name, model) and self._is_written(name, model)

    def _is_read(self, name: str, model: Model) -> bool:
        """Whether the spec, and what DVC recorded of its model, is what was compiled last."""
        stamp = self._stamp_read(name)
        if stamp is None or stamp == model.spec:
            return stamp is not None
        if self._text_read(name) != model.text:
            return False
        if _is_past(stamp):
            model.spec, self._has_news = stamp, True
        return True

    def _stamp_read(self, name: str) -> Stamp | None:
        """That of the spec, with that of its model's dvc.lock where there is one."""
        stamp = _stamp(_spec_path(self._root, name))
        return None if stamp is None else stamp + (_stamp(_lock_path(self._root, name)) or [])

    def _text_read(self, name: str) -> str:
        """The hash of the spec's content, with that of its model's dvc.lock; empty where no spec is there."""
        text = _hash_of(_spec_path(self._root, name))
        return text and text + _hash_of(_lock_path(self._root, name))

    def _is_written(self, name: str, model: Model) -> bool:
        """Whether all files are there that were written for the spec, and no others of ours."""
        folder = _folder_path(self._root, name)
        stamps = _stamps(folder, model.paths)
        digest = _digest(stamps)
        if stamps and digest == model.folder:
            return True
        if not _is_as_inventoried(folder, model.inventory):
            return False
        if all(map(_is_past, stamps)):
            model.folder, self._has_news = digest, True
        return True

    def begin(self, spec: os.PathLike[str]) -> Begun | None:
        """What is to be on record of a spec that is about to be read; None where nothing is kept.

        Call it before: a spec that changes afterwards is then found changed by the next compile.
        """
        path, name = os.path.abspath(spec), os.path.basename(spec)
        if not self._is_kept or path != _spec_path(self._root, name):
            return None
        stamp, text = self._stamp_read(name), self._text_read(name)
        if not (stamp and text):
            return None
        return (stamp if _is_past(stamp) else []), text

    def learnt(self, begun: Mapping[str, Begun]) -> dict[str, Model]:
        """The records of specs, by the names of their files, whose models' folders are in step now."""
        time.sleep(_TICK_SECONDS if begun else 0)
        found = {}
        for name, (stamp, text) in begun.items():
            folder = _folder_path(self._root, name)
            content = _content(os.path.join(folder, conventions.INVENTORY_FILE))
            if content is not None and not _has_conflict(folder):
                listed = _listed(content)
                paths = _paths(tuple(listed))
                stamps = _stamps(folder, paths)
                digest = _digest(stamps) if all(map(_is_past, stamps)) else ""
                found[name] = Model(stamp, text, digest, _hash(content), len(listed) + 1, paths)
        return found

    def keep(self, learnt: Mapping[str, Model]) -> None:
        """Put records where the next compile finds them."""
        if self._is_kept and learnt:
            self._models |= learnt
            self._save()

    def forget(self) -> None:
        """Take away what is remembered, so that the next compile looks at every spec."""
        if self._models:
            self._models = {}
            self._save()

    def _save(self) -> None:
        path = _memory_path(self._root)
        layouts: dict[Paths, int] = {}
        record = {
            "format": _FORMAT,
            "compiler": compiler(),
            "settings": self._settings,
            "models": {
                name: [*model.recorded(), layouts.setdefault(model.paths, len(layouts))]
                for name, model in self._models.items()
            },
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


def recall(root: str, *, is_kept: bool = True) -> Memory:
    """What is remembered of the project at a root; `is_kept` says whether anything is to be, at all."""
    path = os.path.join(root, conventions.SETTINGS_FILE)
    settings = _hash_of(path)
    if not is_kept or misnamed_settings(root) or (os.path.lexists(path) and not settings):
        return Memory(root, {}, settings, is_kept=False)
    try:
        with open(_memory_path(root), encoding="utf-8") as stream:
            record = json.load(stream)
        if (record["format"], record["settings"]) == (_FORMAT, settings) and record["compiler"] == compiler():
            layouts = [tuple(map(str, paths)) for paths in record["layouts"]]
            models = {
                name: Model(spec, text, folder, inventory, files, layouts[layout])
                for name, (spec, text, folder, inventory, files, layout) in record["models"].items()
            }
            return Memory(root, models, settings)
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        pass
    return Memory(root, {}, settings)


def settled_files(memory: Memory, root: str) -> int | None:
    """How many generated files there are when compiling all specs would change none; else None."""
    try:
        folder = os.path.join(root, conventions.SPECS_FOLDER)
        specs = sorted(filter(is_spec, os.listdir(folder)))
        if strays(folder):
            return None
        with os.scandir(os.path.join(root, conventions.GENERATED_FOLDER)) as entries:
            folders = {entry.name for entry in entries if entry.is_dir(follow_symlinks=False)}
    except OSError:
        return None
    if not specs or folders != {_model_of(name) for name in specs}:
        return None
    files = memory.settled(specs)
    return sum(files.values()) if len(files) == len(specs) else None


def has_run(root: str) -> bool:
    """Whether DVC keeps data of a project, or ran any of its models: then a check looks at that, too."""
    folder = os.path.join(root, conventions.GENERATED_FOLDER)
    try:
        locks = (os.path.join(folder, model, conventions.DVC_LOCK) for model in os.listdir(folder))
        return os.path.isdir(os.path.join(root, ".dvc")) or any(map(os.path.exists, locks))
    except OSError:
        return True


@cache
def compiler() -> str:
    """Tells this compiler from any other: its version, its source, and the environment it runs in."""
    environment = [_stamp(path) for path in sys.path if path.endswith("site-packages")]
    source = _digest(_walked(os.path.dirname(__file__)))
    return _hash(f"{__version__} {sys.version} {environment} {source}".encode())


def _walked(folder: str) -> list[tuple[str, Stamp]]:
    """The files in a folder with their stamps, in the order of the system; nothing when it cannot be read.

    Links are files here: they are not followed. Bytecode does not count.
    """
    found: list[tuple[str, Stamp]] = []
    try:
        _collect(folder, "", found)
    except OSError:
        return []
    return found


def _collect(folder: str, below: str, found: list[tuple[str, Stamp]]) -> None:
    with os.scandir(folder) as entries:
        for entry in entries:
            if not entry.is_dir(follow_symlinks=False):
                found.append((below + entry.name, _stamp_of(entry.stat(follow_symlinks=False))))
            elif entry.name != "__pycache__":
                _collect(entry.path, f"{below}{entry.name}/", found)


def _stamps(folder: str, paths: Paths) -> list[Stamp]:
    """The stamps of a folder, of paths in it and of its dvc.lock; nothing where one of the paths is missing.

    Whatever comes or goes changes the stamp of the folder that it is in, so none has to be listed for that.
    """
    start = folder + os.sep
    try:
        stamps = [_stamp_of(os.lstat(path)) for path in (folder, *[start + path for path in paths])]
    except (OSError, ValueError):
        return []
    lock = _stamp(start + conventions.DVC_LOCK)
    return [*stamps, lock] if lock else stamps


@lru_cache(maxsize=256)
def _paths(listed: tuple[str, ...]) -> Paths:
    """The files of an inventory, itself, and all folders that they are in; held once for all models alike."""
    files = {*listed, conventions.INVENTORY_FILE}
    folders = {path[:place] for path in files for place, sign in enumerate(path) if sign == "/"}
    return tuple(sorted(files | folders))


def _digest(seen: object) -> str:
    return _hash(repr(seen).encode())


def _is_as_inventoried(folder: str, inventory: str) -> bool:
    """Whether a folder holds the inventory of this hash, all files as it lists them, and no remains."""
    content = _content(os.path.join(folder, conventions.INVENTORY_FILE))
    if content is None or _hash(content) != inventory:
        return False
    listed, there = _listed(content), {path for path, _ in _walked(folder)}
    has_remains = any(path.rpartition("/")[2].startswith(".") for path in there - listed.keys())
    return (
        not has_remains
        and not _has_conflict(folder)
        and {*listed, conventions.INVENTORY_FILE} <= there
        and all(_hash_of(os.path.join(folder, path)) == digest for path, digest in listed.items())
    )


def _listed(inventory: bytes) -> dict[str, str]:
    """The files of an inventory with their hashes."""
    files: dict[str, str] = json.loads(inventory)["files"]
    return files


def _has_conflict(folder: str) -> bool:
    """Whether a merge left conflict markers in a model's dvc.lock."""
    return is_conflicted(_content(os.path.join(folder, conventions.DVC_LOCK)) or b"")


def _stamp(path: str) -> Stamp | None:
    try:
        return _stamp_of(os.lstat(path))
    except OSError:
        return None


def _stamp_of(seen: os.stat_result) -> Stamp:
    return [seen.st_size, seen.st_ino, seen.st_mtime_ns, seen.st_ctime_ns]


def _is_past(stamp: Stamp) -> bool:
    """Whether the last change is so long ago that the next one will show another time."""
    last = max(stamp[2:])
    tick = _TICK_SECONDS if last % 1_000_000_000 else _COARSE_TICK_SECONDS
    return time.time_ns() - last > tick * 1e9


def _content(path: str) -> bytes | None:
    """What a file holds; None where there is none, or a link or something stranger."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
        with open(descriptor, "rb") as stream:
            return stream.read() if stat.S_ISREG(os.fstat(descriptor).st_mode) else None
    except OSError:
        return None


def _hash_of(path: str) -> str:
    content = _content(path)
    return "" if content is None else _hash(content)


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _model_of(name: str) -> str:
    """The model that a spec's file describes: both have one name, or the spec has an error."""
    return name.rpartition(".")[0]


def _spec_path(root: str, name: str) -> str:
    return os.path.join(root, conventions.SPECS_FOLDER, name)


def _lock_path(root: str, name: str) -> str:
    return os.path.join(_folder_path(root, name), conventions.DVC_LOCK)


def _folder_path(root: str, name: str) -> str:
    return os.path.join(root, conventions.GENERATED_FOLDER, _model_of(name))


def _memory_path(root: str) -> str:
    """A file of the user's cache folder, named by the project's root.

    Source: https://specifications.freedesktop.org/basedir-spec/latest/
    """
    folder = os.environ.get(conventions.VARIABLE_CACHE)
    if not folder:
        caches = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
        folder = os.path.join(caches, conventions.MANAGER)
    return os.path.join(
        folder, f"{_hash(os.path.realpath(root).encode('utf-8', 'surrogateescape'))[:32]}.json"
    )
