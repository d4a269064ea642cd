"""The wheel in environments that have nothing else: what a person gets who installs it."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

from scripts.release import distributions
from scripts.release.failure import ReleaseFailed, run
from scripts.release.version import ROOT

#: Imports the modules of each named distribution, and prints the names of those that have one.
_IMPORT = """\
import importlib, importlib.metadata, re, sys
found = {}
for module, names in importlib.metadata.packages_distributions().items():
    for name in names:
        found.setdefault(re.sub(r"[-_.]+", "-", name).lower(), []).append(module)
if "mxnet" in sys.argv[1:]:
    from aimass_compiler.catalog.frameworks import _numpy_names
    _numpy_names.put_back()
for name in sys.argv[1:]:
    for module in found.get(name, []):
        importlib.import_module(module)
        print(name)
"""
_PINS = ROOT / "requirements"
_AFTER_NAME = re.compile(r"[^\w.-]")
#: Which of these an extra brings depends on the system.
_EITHER = frozenset({"tensorflow", "tensorflow-cpu", "xgboost", "xgboost-cpu"})


def try_extra(wheel: Path, extra: str, python: str) -> None:
    """Install the wheel with an extra, or without one, and use it. Raises ReleaseFailed.

    The versions are those that everything was tested with, of requirements/dev.txt.
    """
    with tempfile.TemporaryDirectory(prefix="aimass-release-") as temporary:
        environment = Path(temporary) / "venv"
        _install(wheel, extra, python, environment)
        programs = environment / "bin"
        for program in ("aimass-compile", "aimass"):
            run([programs / program, "--help"], Path(temporary))
        project = distributions.export(ROOT, Path(temporary) / "project")
        # Exits with a code of its own where any file would be another one.
        run([programs / "aimass-compile", "--check", "--no-cache", "--root", project])
        if extra:
            _import(programs / "python", brought_by(extra), extra)
        else:
            _refuse_more_than_the_core(programs / "python")
    print(f"{extra or 'core'}: installed, imported and used", flush=True)


def try_uvx(wheel: Path) -> None:
    """Call the wheel without installing it. Raises ReleaseFailed."""
    said = run(["uvx", "--isolated", "--from", wheel, "aimass-compile", "--help"])
    if "usage: aimass-compile" not in said:
        raise ReleaseFailed(f"uvx printed no usage:\n{said}")
    print("uvx: aimass-compile printed its help", flush=True)


def brought_by(extra: str) -> set[str]:
    """The distributions that an extra names, with those of the extras that it includes."""
    found: set[str] = set()
    for requirement in distributions.extras()[extra]:
        name, _, rest = requirement.partition("[")
        if name == "aimass-compiler":
            for included in rest.partition("]")[0].split(","):
                found |= brought_by(included)
        else:
            found.add(re.sub(r"[-_.]+", "-", _AFTER_NAME.split(name)[0]).lower())
    return found


def _install(wheel: Path, extra: str, python: str, environment: Path) -> None:
    run(["uv", "venv", "--quiet", "--python", python, environment])
    install: list[str | Path] = [
        "uv",
        "pip",
        "install",
        "--quiet",
        "--python",
        environment / "bin" / "python",
    ]
    options: Sequence[str] = ()
    if "dvc" in (brought_by(extra) if extra else ()):
        # DVC brings one package that has no wheel. It is built with pinned tools, as everywhere here.
        run([*install, "--require-hashes", "-r", _PINS / "build.txt"])
        options = ("--no-build-isolation-package", "antlr4-python3-runtime")
    asked = f"aimass-compiler[{extra}] @ {wheel.as_uri()}" if extra else f"aimass-compiler @ {wheel.as_uri()}"
    run([*install, *options, "--constraints", _PINS / "dev.txt", asked])


def _import(python: Path, names: set[str], extra: str) -> None:
    imported = set(run([python, "-c", _IMPORT, *sorted(names)]).split())
    missing = names - imported - _EITHER
    if missing:
        raise ReleaseFailed(f"[{extra}] does not bring {', '.join(sorted(missing))}")


def _refuse_more_than_the_core(python: Path) -> None:
    """Raises ReleaseFailed where more is installed than requirements/core.txt pins."""
    listed = run(["uv", "pip", "freeze", "--python", python]).splitlines()
    found = {re.split(r"==| @ ", line)[0] for line in listed} - {"aimass-compiler"}
    pinned = set(re.findall(r"^([\w.-]+)==", (_PINS / "core.txt").read_text(encoding="utf-8"), re.MULTILINE))
    if not found <= pinned:
        raise ReleaseFailed(f"the core brings more than it must: {', '.join(sorted(found - pinned))}")
