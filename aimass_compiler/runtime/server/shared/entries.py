"""Which models a shared server has: one small file for each, MODEL.json, that says where its package is.

A file is replaced by renaming another one over it, and a package is never changed: a new version is another
folder. So what is read is always whole.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from aimass_compiler import conventions
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.runtime.server.response import ServerFailure, shown
from aimass_compiler.runtime.server.settings import FLAGS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aimass_compiler.runtime.server.settings import ServerSettings

#: The settings that each model has of its own; all others are the server's.
_OWN = {
    flag.variable: flag
    for flag in FLAGS
    if flag.variable in (*conventions.MODEL_VARIABLES, conventions.VARIABLE_ACCESS)
}


class EntryFile(NamedTuple):
    """The file of one model as it lies there; two that are equal have the same content."""

    path: Path
    inode: int
    changed_ns: int
    size: int


class ModelEntry(NamedTuple):
    """What a shared server reads of one model."""

    model: str
    package: Path
    hosts: tuple[str, ...]
    """Names under which callers reach the model, beside its own."""
    variables: Mapping[str, str]
    """The values of its own settings by the variable that a server alone reads them from."""

    def settings(self, usual: ServerSettings) -> ServerSettings:
        """The settings of this model; raises ServerFailure for a value that makes no sense."""
        changed: dict[str, Any] = {"package": self.package}
        for variable, value in self.variables.items():
            flag = _OWN.get(variable)
            if flag is None:
                known = ", ".join(sorted(_OWN))
                raise _wrong(self.model, f"{shown(variable)} is no setting of a model; these are: {known}")
            try:
                changed[flag.name.replace("-", "_")] = flag.read(value)
            except argparse.ArgumentTypeError as error:
                raise _wrong(self.model, str(error)) from None
        return replace(usual, **changed)


def entry_files(folder: Path) -> dict[str, EntryFile]:
    """The files of all models by the model's name, sorted; none where the folder cannot be read."""
    found = {}
    for path in sorted(folder.glob("[!.]*.json")):
        try:
            status = path.stat()
        except OSError:  # it was just removed
            continue
        found[path.stem] = EntryFile(path, status.st_ino, status.st_mtime_ns, status.st_size)
    return found


def read_entry(file: EntryFile) -> ModelEntry:
    """What the file of a model says; raises ServerFailure where it cannot be read."""
    model = file.path.stem
    try:
        document = orjson.loads(file.path.read_bytes())
    except OSError as error:
        raise _wrong(model, f"cannot be read: {error.strerror}") from error
    except orjson.JSONDecodeError as error:
        raise _wrong(model, f"is not JSON: {error}") from None
    written_as = document.get("format") if isinstance(document, dict) else None
    if written_as != conventions.SERVED_FORMAT:
        message = f"has the format {shown(written_as)}, and this server reads `{conventions.SERVED_FORMAT}`"
        raise _wrong(model, message)
    package, hosts = document.get("package"), document.get("hosts", [])
    variables = document.get("variables", {})
    if not isinstance(package, str) or not package:
        raise _wrong(model, f"has the package {shown(package)}, which is no folder")
    if not isinstance(hosts, list) or not all(isinstance(host, str) for host in hosts):
        raise _wrong(model, f"has the hosts {shown(hosts)}, which is no list of names")
    if not isinstance(variables, dict) or not all(isinstance(value, str) for value in variables.values()):
        raise _wrong(model, f"has the variables {shown(variables)}, which are not all text")
    if access := variables.get(conventions.VARIABLE_ACCESS):
        variables = variables | {conventions.VARIABLE_ACCESS: str(file.path.parent / access)}
    return ModelEntry(model, file.path.parent / package, tuple(host.lower() for host in hosts), variables)


def _wrong(model: str, what: str) -> ServerFailure:
    return ServerFailure(ExitCode.PACKAGE, f"{model}.json {what}")
