"""Which project, which specs and which package of a model a command is about."""

from __future__ import annotations

import argparse
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from aimass_compiler import conventions
from aimass_compiler.diagnostics import HintedError, did_you_mean
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.model_path import called, name_of, team_of
from aimass_compiler.project import Project
from aimass_compiler.stages import artifacts

#: What commands tell about the files that people write, for which `own_files` stands.
OWN_FILES = "a spec's name or path, or aimass.yaml (default: all of specs/, and aimass.yaml)"


class UnknownName(HintedError):  # noqa: N818  # it reads as what is the case
    """What was named does not exist; the message says what does. It ends the command."""

    exit_code = ExitCode.USAGE


def add_root(parser: argparse.ArgumentParser) -> None:
    """The option that names the project's folder."""
    parser.add_argument(
        "--root",
        type=Path,
        metavar="DIR",
        help="the project's folder (default: the nearest one from here upwards)",
    )


def add_spec(parser: argparse.ArgumentParser) -> None:
    """The argument that names one model of which there is a spec."""
    parser.add_argument(
        "model", metavar="MODEL", help="the model, such as churn or growth/churn, or the path of its spec"
    )


def add_format(parser: argparse.ArgumentParser) -> None:
    """The option that says how results are shown."""
    parser.add_argument(
        "--format", choices=("people", "json", "markdown"), default="people", help="how it is shown"
    )


def project_of(arguments: argparse.Namespace) -> Project:
    """The project that the arguments name, or the one around the current folder."""
    return Project(arguments.root.resolve()) if arguments.root else Project.around(Path())


def specs_of(project: Project, written: list[str]) -> list[Path]:
    """The specs that were named: by path, by model, or as all of a team (`growth/`); all when none was.

    Raises Unknown for a name that no spec has or that several have, and when there is no spec at all.
    """
    if not written:
        return _all_specs(project)
    known = {project.model_of(path): path for path in project.specs()}
    return [path for name in written for path in _specs(project, name, known)]


def spec_of(project: Project, written: str) -> Path:
    """The one spec that was named. Raises Unknown as `specs_of` does."""
    found = specs_of(project, [written])
    if len(found) > 1:
        models = ", ".join(f"`{project.model_of(path)}`" for path in found)
        raise UnknownName(f"`{written}` is {len(found)} models, and this is about one", f"name one: {models}")
    return found[0]


def model_called(written: str, known: Collection[str]) -> str:
    """The model of this path, or of this name where no other one has it; what nobody has stays as it is.

    Raises Unknown where several models have the name.
    """
    alike = called(written, known)
    if len(alike) > 1:
        either = " or ".join(f"`{path}`" for path in alike)
        raise UnknownName(f"{len(alike)} models are called `{written}`", f"name the one you mean: {either}")
    return alike[0] if alike else written


def models_called(written: Sequence[str], known: Collection[str]) -> list[str]:
    """The same of several, among which `growth/` stands for all models of a team.

    Raises Unknown where there is no such team.
    """
    found: list[str] = []
    for each in written:
        if each.endswith("/"):
            found += _of_team(each.rstrip("/"), known)
        else:
            found.append(model_called(each, known))
    return found


def _of_team(team: str, known: Iterable[str]) -> list[str]:
    models = list(known)
    found = sorted(path for path in models if team_of(path) == team)
    if not found:
        teams = {team_of(path) for path in models} - {""}
        raise UnknownName(f"there is no model of a team `{team}`", did_you_mean(team, teams))
    return found


def own_files(project: Project, written: list[str]) -> tuple[list[Path], bool]:
    """The specs that were named, and whether aimass.yaml is meant, too: by its path, or by naming nothing.

    Raises Unknown as `specs_of` does.
    """
    if not written:
        return _all_specs(project), project.settings.is_file()
    settings = [name for name in written if Path(name).resolve() == project.settings.resolve()]
    specs = [name for name in written if name not in settings]
    return specs_of(project, specs) if specs else [], bool(settings)


def of_organisation(project: Project, written: list[str]) -> list[Path]:
    """The files of teams, policies, contracts and features that were named, which concern every spec."""
    folders = [project.root / folder for folder in conventions.ORGANISATION_FOLDERS]
    named = [Path(name).resolve() for name in written if Path(name).suffix]
    return [path for path in named if any(path.is_relative_to(folder) for folder in folders)]


def _all_specs(project: Project) -> list[Path]:
    specs = project.specs()
    if not specs and not project.generated.is_dir():
        raise _no_specs(project)
    return specs


def _no_specs(project: Project) -> UnknownName:
    if strays := project.strays():
        return _unread(strays[0])
    return UnknownName(
        f"there is no spec in {project.root / conventions.SPECS_FOLDER}",
        "begin with `aimass init NAME DATA`, or say with --root where the project is",
    )


def _specs(project: Project, name: str, known: Mapping[str, Path]) -> list[Path]:
    folder = name.rstrip("/").removeprefix(f"{conventions.SPECS_FOLDER}/")
    if name.endswith("/") or (name != folder and not Path(folder).suffix):
        return [known[model] for model in _of_team(folder, known)]
    model = model_called(name, known)
    return [known[model] if model in known else _spec(project, name, known)]


def _spec(project: Project, name: str, known: Mapping[str, Path]) -> Path:
    """The spec of a path that a command was given. Raises Unknown where it is none."""
    if Path(name).suffix:
        if not Path(name).resolve().is_relative_to(project.root):
            raise UnknownName(
                f"{name} lies outside of the project {project.root}", "--root names another project"
            )
        if project.shown(Path(name)) in project.strays():
            raise _unread(project.shown(Path(name)))
        return Path(name)
    if not known:
        raise _no_specs(project)
    if alike := [path for path in project.strays() if Path(path).stem == name_of(name)]:
        raise _unread(alike[0])
    raise UnknownName(f"there is no spec `{name}` in {conventions.SPECS_FOLDER}/", did_you_mean(name, known))


def _unread(file: str) -> UnknownName:
    from aimass_compiler.checks import model_names

    (found,) = model_names.unread([file])
    return UnknownName(found.message, found.help)


def require_results(project: Project, path: str) -> None:
    """Raise UnknownName where nothing of a model was run here."""
    if not (project.root / conventions.ARTIFACTS_FOLDER / path).is_dir():
        way = f"`aimass run {path}` trains it; in a clone `dvc pull` brings what was trained"
        raise UnknownName(f"`{path}` has no results here", way)


def package_of(project: Project, name: str) -> Path:
    """The package folder of a model, or the folder itself when a path was given.

    Raises Unknown when nothing was packaged there.
    """
    given, models = Path(name), project.models()
    if (given / conventions.SIGNATURE_FILE).is_file():
        return given
    name = model_called(name, models)
    package = project.root / conventions.ARTIFACTS_FOLDER / name / artifacts.PACKAGE
    if (package / conventions.SIGNATURE_FILE).is_file():
        return package
    if name in models:
        raise _no_package(project, name)
    raise UnknownName(f"there is no model `{name}`", did_you_mean(name, models))


def signature_of(package: Path) -> dict[str, Any]:
    """The contract of a package. Raises Unknown when it is damaged."""
    from aimass_compiler.catalog.servers import server_of

    path = package / conventions.SIGNATURE_FILE
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UnknownName(
            f"{path} cannot be read: {error}", "package the model again: `aimass run`"
        ) from None
    if not isinstance(document, dict) or server_of(document.get("format")) is None:
        raise UnknownName(f"{path} is no contract of this version", "package the model again: `aimass run`")
    return document


def _no_package(project: Project, name: str) -> UnknownName:
    """In a clone of a model that was run, the package need not be made again."""
    lock = f"{conventions.GENERATED_FOLDER}/{name}/{conventions.DVC_LOCK}"
    if not (project.root / lock).exists():
        return UnknownName(f"`{name}` has no package yet", f"`aimass run {name}` makes one")
    way = f"`dvc pull` gets the one that {lock} has on record, `aimass run {name}` makes one"
    return UnknownName(f"the package of `{name}` is not here", way)
