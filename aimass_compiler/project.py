"""A project on disk: its root, its settings and its specs.

The fast path asks it first, so nothing is imported here that costs more than the answer.
"""

from __future__ import annotations

import os

from aimass_compiler import conventions

TYPE_CHECKING = False  # `typing` itself costs as much as all else here
if TYPE_CHECKING:
    from pathlib import Path

SPEC_SUFFIXES = (".yaml", ".yml")


class Project:
    """The folder that holds specs/, generated/ and, if the organisation has its own settings, aimass.yaml."""

    __slots__ = ("root",)

    def __init__(self, root: Path) -> None:
        self.root = root

    @classmethod
    def around(cls, folder: Path) -> Project:
        """The nearest folder with settings or specs, from this one up to its repository; else this one."""
        return cls(type(folder)(root_around(str(folder))))

    @property
    def settings(self) -> Path:
        return self.root / conventions.SETTINGS_FILE

    @property
    def generated(self) -> Path:
        return self.root / conventions.GENERATED_FOLDER

    @property
    def specs_folder(self) -> Path:
        return self.root / conventions.SPECS_FOLDER

    def specs(self) -> list[Path]:
        """Every spec of the project, sorted by name."""
        return sorted(path for path in self.specs_folder.glob("*") if is_spec(path.name))

    def strays(self) -> list[str]:
        """Files below specs/ that are not read, though people may take them for specs."""
        return [f"{conventions.SPECS_FOLDER}/{path}" for path in strays(str(self.specs_folder))]

    def models(self) -> set[str]:
        """The models of all specs: a spec and its model have one name."""
        return {path.stem for path in self.specs()}

    def shown(self, path: Path) -> str:
        """What people call a file: its path below the root, or the whole path outside of it."""
        resolved = path.resolve()
        return resolved.relative_to(self.root).as_posix() if resolved.is_relative_to(self.root) else str(path)

    def usual(self, path: Path) -> str:
        """What people call a spec in specs/; `shown` resolves links, which takes longer than reading it."""
        return f"{conventions.SPECS_FOLDER}/{path.name}"


def root_around(folder: str) -> str:
    """The nearest folder with settings or specs, from this one up to its repository; else this one."""
    start = candidate = os.path.realpath(folder)
    while True:
        settings = os.path.join(candidate, conventions.SETTINGS_FILE)
        specs = os.path.join(candidate, conventions.SPECS_FOLDER)
        if os.path.isfile(settings) or os.path.isdir(specs):
            return candidate
        above = os.path.dirname(candidate)
        is_repository = os.path.exists(os.path.join(candidate, ".git"))
        if is_repository or above == candidate:
            return start  # what lies above is somebody else's
        candidate = above


def misnamed_settings(folder: str) -> list[str]:
    """The files in a folder that people, or some systems, take for its settings, and that are not."""
    stem = conventions.SETTINGS_FILE.rpartition(".")[0]
    alike = {f"{stem}{suffix}" for suffix in SPEC_SUFFIXES}
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    return sorted(name for name in names if name.lower() in alike and name != conventions.SETTINGS_FILE)


def strays(folder: str) -> list[str]:
    """Files below specs/ that somebody takes for specs, by their path in it: in folders, or as `.YAML`."""
    found = []
    for above, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        below = "" if above == folder else os.path.relpath(above, folder).replace(os.sep, "/") + "/"
        alike = (name for name in names if name.lower().endswith(SPEC_SUFFIXES) and not name.startswith("."))
        found += [below + name for name in alike if below or not is_spec(name)]
    return sorted(found)


def is_spec(name: str) -> bool:
    """Whether a file of specs/ is one, by its name."""
    return name.endswith(SPEC_SUFFIXES) and not name.startswith(".")
