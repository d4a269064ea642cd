"""Code of the project: a name in one of its Python files, which only the runtime imports."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from aimass_compiler.catalog.quantities import Flag, Integer, Number, Tunable
from aimass_compiler.catalog.source import inside
from aimass_compiler.diagnostics import HintedError

_PLACE = re.compile(r"(?P<file>[^:]+\.py):(?P<name>[A-Za-z_]\w*)")


class CodeError(HintedError):
    """Code of the project cannot be used, or answers what it must not."""


def _file(path: str) -> str:
    found = PurePosixPath(inside(path))
    if "://" in path or not found.parts:
        raise PydanticCustomError("project_file", "`{path}` is no file of the project", {"path": path})
    return str(found)


def _place(path: str) -> str:
    found = _PLACE.fullmatch(path)
    if found is None:
        raise PydanticCustomError(
            "python_place",
            "`{path}` names no Python file and what to take of it; write it like `models/mine.py:MyModel`",
            {"path": path},
        )
    return f"{_file(found['file'])}:{found['name']}"


#: A file or folder below the project's root.
ProjectFile = Annotated[str, AfterValidator(_file)]
#: A file and what to take of it, such as `models/my_model.py:MyModel`.
PythonPlace = Annotated[str, AfterValidator(_place)]
#: A value as YAML writes it, for code that says itself what it means.
Plain = Flag | Integer | Number | str | None | tuple[Flag | Integer | Number | str, ...]
#: A value, or a range to search.
Hyperparameter = Tunable[Plain]


def file_of(place: str) -> str:
    """The file, below the project's root."""
    return place.rpartition(":")[0]


def name_in(place: str) -> str:
    """What to take of the file."""
    return place.rpartition(":")[2]


def names_defined(source: str) -> set[str]:
    """The names that a Python file defines or imports at its top, read without running it.

    Raises SyntaxError.
    """
    import ast

    found: set[str] = set()
    for node in ast.walk(_without_bodies(ast.parse(source))):
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            found.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            found |= {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
    return found


def _without_bodies(tree: Any) -> Any:
    import ast

    for node in ast.walk(tree):
        if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            node.body = []
    return tree


def imported(root: Path, place: str) -> Any:
    """What a place names, its file imported. Files beside it and below the root can be imported from it.

    Raises CodeError with the line of the file that failed.
    """
    import importlib.util
    import sys

    file, name = root / file_of(place), name_in(place)
    if not file.is_file():
        raise CodeError(f"there is no file {file_of(place)}", "paths start at the project's root")
    sys.path += [path for path in (str(file.parent), str(root)) if path not in sys.path]
    sys.dont_write_bytecode = True  # else a folder that DVC watches changes whenever it is read
    own = re.sub(r"\W", "_", f"project_code_{file}")
    spec = importlib.util.spec_from_file_location(own, file)
    assert spec is not None  # noqa: S101  # a file that ends in .py has one
    assert spec.loader is not None  # noqa: S101  # as above
    module = importlib.util.module_from_spec(spec)
    sys.modules[own] = module  # where dataclasses and pickle look for it
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise failed(root, place, "it cannot be imported", error) from error
    if not hasattr(module, name):
        raise CodeError(f"{file_of(place)} has no `{name}`", "name a class or a function of the file")
    return getattr(module, name)


def failed(root: Path, place: str, what: str, error: BaseException) -> CodeError:
    """The error that code raised, with the last line of the project that it came through."""
    import traceback

    lines = [
        f"{Path(frame.filename).relative_to(root).as_posix()}:{frame.lineno}"
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).is_relative_to(root) and "site-packages" not in frame.filename
    ]
    where = f" at {lines[-1]}" if lines else ""
    said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return CodeError(f"`{place}`: {what}{where}: {said}")
