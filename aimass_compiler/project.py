"""A project on disk: its root, its settings and its specs.

The fast path asks it first, so nothing is imported here that costs more than the answer.
"""

from __future__ import annotations

import os

from aimass_compiler import conventions, model_path

TYPE_CHECKING = False  # `typing` itself costs as much as all else here
if TYPE_CHECKING:
    from collections.abc import Iterator
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
        """Every spec of the project, sorted by its path."""
        folder = self.specs_folder
        return sorted(folder / name for name in specs_below(str(folder))[0])

    def organisation_files(self) -> list[Path]:
        """What may be files of teams, policies, contracts and shared features."""
        folders = [self.root / folder for folder in conventions.ORGANISATION_FOLDERS]
        found = (path for folder in folders for path in sorted(folder.rglob("*")))
        return [path for path in found if is_spec(path.name) and path.is_file() and not path.is_symlink()]

    def strays(self) -> list[str]:
        """Files below specs/ that are not read, though people may take them for specs."""
        return [f"{conventions.SPECS_FOLDER}/{path}" for path in specs_below(str(self.specs_folder))[1]]

    def models(self) -> set[str]:
        """The models of all specs, by their paths: a spec and its model have one name."""
        return {_without_suffix(name) for name in specs_below(str(self.specs_folder))[0]}

    def model_of(self, spec: Path) -> str:
        """The model that a spec describes, by its path."""
        return model_path.path_of(team_of_spec(self.shown(spec)), spec.stem)

    def spec_name(self, spec: Path) -> str:
        """What tells a spec of specs/ from the others: its path in there; empty for a file elsewhere."""
        shown, start = self.shown(spec), f"{conventions.SPECS_FOLDER}/"
        return shown[len(start) :] if shown.startswith(start) else ""

    def shown(self, path: Path) -> str:
        """What people call a file: its path below the root, or the whole path outside of it.

        Links are resolved, but for those of specs/: that would take longer than reading what is in there.
        """
        whole, start = str(path), f"{self.root}{os.sep}"
        if whole.startswith(f"{start}{conventions.SPECS_FOLDER}{os.sep}") and os.pardir not in whole:
            return whole[len(start) :].replace(os.sep, "/")
        # pathlib raises at a link that leads to itself; reading it is reported as what it is.
        resolved = type(path)(os.path.realpath(path))
        return resolved.relative_to(self.root).as_posix() if resolved.is_relative_to(self.root) else whole


def team_of_spec(file: str) -> str:
    """The team of a spec by what people call its file; empty outside of the folders of specs/."""
    folder, _, rest = file.partition("/")
    team, _, name = rest.rpartition("/")
    return team if folder == conventions.SPECS_FOLDER and name and "/" not in team else ""


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


def specs_below(folder: str) -> tuple[list[str], list[str]]:
    """The specs of specs/, and the strays, which somebody takes for specs; both by their path in it.

    Strays lie deeper than in the folder of a team, or end in `.YAML`.
    """
    specs: list[str] = []
    strays: list[str] = []
    for above, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        below = "" if above == folder else os.path.relpath(above, folder).replace(os.sep, "/") + "/"
        is_deep = below.count("/") > model_path.DEEPEST
        for name in names:
            if name.lower().endswith(SPEC_SUFFIXES) and not name.startswith("."):
                (strays if is_deep or not is_spec(name) else specs).append(below + name)
    return sorted(specs), sorted(strays)


def folders_of_models(folder: str, teams: set[str]) -> Iterator[str]:
    """The folders in generated/, and in the place of a team's those in it. Raises OSError."""
    for name in folders_in(folder):
        if name in teams:
            yield from (f"{name}/{each}" for each in folders_in(os.path.join(folder, name)))
        else:
            yield name


def folders_in(folder: str) -> list[str]:
    """The names of the folders in a folder. Raises OSError."""
    with os.scandir(folder) as entries:
        return [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]


def _without_suffix(name: str) -> str:
    return name.rpartition(".")[0]


def is_spec(name: str) -> bool:
    """Whether a file of specs/ is one, by its name."""
    return name.endswith(SPEC_SUFFIXES) and not name.startswith(".")
