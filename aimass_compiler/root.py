"""Which folder is the project, and which files in it are meant, found without importing anything heavy."""

from __future__ import annotations

import os

from aimass_compiler import conventions

SPEC_SUFFIXES = (".yaml", ".yml")


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
