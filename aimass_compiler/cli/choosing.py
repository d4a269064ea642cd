"""Which project and which specs a command is about."""

from __future__ import annotations

import argparse
from pathlib import Path

from aimass_compiler import conventions
from aimass_compiler.diagnostics import did_you_mean
from aimass_compiler.project import Project

#: What commands tell about the files that people write, for which `own_files` stands.
OWN_FILES = "a spec's name or path, or aimass.yaml (default: all of specs/, and aimass.yaml)"


class Unknown(Exception):  # noqa: N818  # it reads as what is the case
    """What was named does not exist; the message says what does. It ends the command."""

    exit_code = conventions.ExitCode.USAGE

    def __init__(self, message: str, help: str = "") -> None:  # noqa: A002  # the word that findings use
        super().__init__(message)
        self.help = help


def add_root(parser: argparse.ArgumentParser) -> None:
    """The option that names the project's folder."""
    parser.add_argument(
        "--root",
        type=Path,
        metavar="DIR",
        help="the project's folder (default: the nearest one from here upwards)",
    )


def project_of(arguments: argparse.Namespace) -> Project:
    """The project that the arguments name, or the one around the current folder."""
    return Project(arguments.root.resolve()) if arguments.root else Project.around(Path())


def specs_of(project: Project, written: list[str]) -> list[Path]:
    """The specs that were named, by path or by name; all of them when none was.

    Raises Unknown for a name that no spec has, and when there is no spec at all.
    """
    if not written:
        return _all_specs(project)
    return [_spec(project, name) for name in written]


def own_files(project: Project, written: list[str]) -> tuple[list[Path], bool]:
    """The specs that were named, and whether aimass.yaml is meant, too: by its path, or by naming nothing.

    Raises Unknown as `specs_of` does.
    """
    if not written:
        return _all_specs(project), project.settings.is_file()
    settings = [name for name in written if Path(name).resolve() == project.settings.resolve()]
    return [_spec(project, name) for name in written if name not in settings], bool(settings)


def _all_specs(project: Project) -> list[Path]:
    specs = project.specs()
    if not specs and not project.generated.is_dir():
        raise _no_specs(project)
    return specs


def _no_specs(project: Project) -> Unknown:
    if strays := project.strays():
        return _unread(strays[0])
    return Unknown(
        f"there is no spec in {project.root / conventions.SPECS_FOLDER}",
        "begin with `aimass init NAME DATA`, or say with --root where the project is",
    )


def _spec(project: Project, name: str) -> Path:
    if Path(name).suffix or "/" in name:
        if not Path(name).resolve().is_relative_to(project.root):
            raise Unknown(
                f"{name} lies outside of the project {project.root}", "--root names another project"
            )
        if project.shown(Path(name)) in project.strays():
            raise _unread(project.shown(Path(name)))
        return Path(name)
    known = {path.stem: path for path in project.specs()}
    if not known:
        raise _no_specs(project)
    if name not in known:
        if alike := [path for path in project.strays() if Path(path).stem == name]:
            raise _unread(alike[0])
        raise Unknown(f"there is no spec `{name}` in {conventions.SPECS_FOLDER}/", did_you_mean(name, known))
    return known[name]


def _unread(file: str) -> Unknown:
    from aimass_compiler.spec import naming

    (found,) = naming.unread([file])
    return Unknown(found.message, found.help)
