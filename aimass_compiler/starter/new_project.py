"""A folder into a project: settings, hooks and what git leaves out; nothing that is there is changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path

from msgspec import Struct

from aimass_compiler import conventions
from aimass_compiler.render.emit import inline
from aimass_compiler.version import __version__

_IGNORED = ("/.venv/", f"/{conventions.ARTIFACTS_FOLDER}/", "/dvc_plots/", "__pycache__/")


class NewProject(Struct, frozen=True):
    """What a project begins with."""

    environments: Sequence[str] = ("dev", "staging", "prod")
    """In the order of promotion."""
    registry: str = ""
    """Where images go; empty where that is not known yet."""
    compiler: Mapping[str, str] = {}
    """Where workflows get the compiler from, as `ci.github.compiler` has it; empty for no workflows."""


def files_of(wanted: NewProject) -> dict[str, str]:
    """Every file that a new project begins with, by its path."""
    return {
        conventions.SETTINGS_FILE: _settings(wanted),
        ".gitignore": "".join(f"{line}\n" for line in _IGNORED),
        ".pre-commit-config.yaml": _template("pre-commit-config.yaml"),
    }


def create_missing(root: Path, files: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """Write the files that are not there; answers those written, and those that stay. Raises OSError."""
    written, kept = [], []
    for name, text in files.items():
        path = root / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as stream:
                stream.write(text)
            written.append(name)
        except FileExistsError:
            kept.append(name)
    return written, kept


def release_here() -> dict[str, str]:
    """The release of this compiler, as workflows would install it."""
    return {"version": __version__}


def _settings(wanted: NewProject) -> str:
    lines = [
        "# What holds for every model of this repository: `aimass explain aimass.yaml` has all keys.",
        "environments: # in the order of promotion; one more is one line and `aimass compile`",
        *(f"  {inline(name)}: {{namespace: {inline(f'ml-{name}')}}}" for name in wanted.environments),
    ]
    if wanted.registry:
        lines.append(f"images: {{registry: {inline(wanted.registry)}}}")
    if wanted.compiler:
        compiler = inline(dict(wanted.compiler))
        lines.append("ci: # the workflows .github/workflows/aimass-*.yml")
        lines.append(f"  github:\n    compiler: {compiler}")
    return "".join(f"{line}\n" for line in lines)


def _template(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
