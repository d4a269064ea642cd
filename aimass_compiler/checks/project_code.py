"""The code of the project that a spec names is there; it is read, and never run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

from aimass_compiler.catalog.model import Model
from aimass_compiler.catalog.model_choice import KEY, ModelChoice
from aimass_compiler.catalog.project_code import file_of, name_in, names_defined
from aimass_compiler.catalog.transform import Transform
from aimass_compiler.diagnostics import Example, Explanation, Finding, did_you_mean
from aimass_compiler.diagnostics import Path as Place
from aimass_compiler.pipeline import Pipeline

EXPLANATIONS = (
    Explanation(
        "AM240",
        "a file of the project that a spec names is not there",
        "A model or transform of your own, the program that trains a model, and the trials that a search "
        "begins with are files of the project. DVC watches them, so that a changed one trains again, and can "
        "run nothing where one is missing.",
    ),
    Explanation(
        "AM229",
        "a Python file does not define what a spec takes of it",
        "`models/my_model.py:MyModel` is the class or function `MyModel` at the top of that file. Compiling "
        "reads the file and does not run it: a name that is only made while it runs cannot be found.",
    ),
)
EXAMPLES = (
    Example(
        "AM240",
        "`model: {custom: {path: models/spline.py:Spline}}`, and there is no `models/spline.py`.",
        "There is one.",
        "situation",
    ),
    Example(
        "AM229",
        "`model: {custom: {path: models/spline.py:Spline}}`, and `models/spline.py` defines `Splines`.",
        "It defines `Spline`.",
        "situation",
    ),
)


class CheckedSpec(Protocol):
    """A spec that was compiled."""

    @property
    def file(self) -> str:
        """What people call its file."""

    @property
    def pipeline(self) -> Pipeline | None:
        """None where a part of the spec is not what was meant."""


def findings(specs: Iterable[CheckedSpec], root: Path) -> Iterator[Finding]:
    """Files below the root that are missing, and names that they do not define."""
    for spec in specs:
        if spec.pipeline is not None:
            yield from _of(spec.pipeline, root, spec.file)


def _of(pipeline: Pipeline, root: Path, file: str) -> Iterator[Finding]:
    known = pipeline.search.warm_start
    if known is not None and not (root / known).exists():
        yield _missing(known, ("search", "warm_start"), file)
    for path, kind in _kinds(pipeline):
        code = getattr(kind, "path", "")
        made = getattr(kind, "data_files", ())
        for name in dict.fromkeys(each for each in kind.dependencies if each not in made):
            own: Place = (*path, "path") if code and file_of(code) == name else (*path, "files")
            if not (root / name).exists():
                yield _missing(name, own, file)
            elif own[-1] == "path":
                yield from _name(root / name, code, own, file)


def _missing(name: str, place: Place, file: str) -> Finding:
    return Finding(
        "AM240", place, f"there is no file `{name}`", help="paths start at the project's root", file=file
    )


def _kinds(pipeline: Pipeline) -> Iterator[tuple[Place, Model | Transform]]:
    """What may name code, each with its place."""
    for place, transform in enumerate(pipeline.features):
        yield ("features", place, transform.kind), transform
    if isinstance(pipeline.model, ModelChoice):
        for place, model in enumerate(pipeline.model.one_of):
            yield ("model", KEY, place, model.kind), model
    else:
        yield ("model", pipeline.model.kind), pipeline.model


def _name(code: Path, named: str, place: Place, file: str) -> Iterator[Finding]:
    shown, wanted = file_of(named), name_in(named)
    try:
        known = names_defined(code.read_text(encoding="utf-8"))
    except SyntaxError as error:
        message = f"`{shown}` is not Python: line {error.lineno}: {error.msg}"
        yield Finding("AM229", place, message, file=file)
        return
    except (OSError, ValueError) as error:
        yield Finding("AM229", place, f"`{shown}` cannot be read: {error}", file=file)
        return
    if wanted not in known:
        message = f"`{shown}` defines no `{wanted}`"
        yield Finding("AM229", place, message, help=did_you_mean(wanted, sorted(known)), file=file)
