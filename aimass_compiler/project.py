"""A project on disk: its root, its settings and its specs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from aimass_compiler import conventions
from aimass_compiler.root import is_spec, root_around, strays


class Project(Struct, frozen=True):
    """The folder that holds specs/, generated/ and, if the organisation has its own settings, aimass.yaml."""

    root: Path

    @classmethod
    def around(cls, folder: Path) -> Project:
        """The nearest folder with settings or specs, from this one up to its repository; else this one."""
        return cls(Path(root_around(str(folder))))

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

    def models(self, more: Sequence[Path]) -> set[str]:
        """The models of all specs and of some more: a spec and its model have one name."""
        return {path.stem for path in (*self.specs(), *more)}

    def shown(self, path: Path) -> str:
        """What people call a file: its path below the root, or the whole path outside of it."""
        resolved = path.resolve()
        return resolved.relative_to(self.root).as_posix() if resolved.is_relative_to(self.root) else str(path)
