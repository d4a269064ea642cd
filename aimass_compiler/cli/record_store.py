"""Which records a command is about: the store that was named or set, the model, and its namespaces."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from aimass_compiler import conventions, record_names
from aimass_compiler.cli.selection import UnknownName, model_called
from aimass_compiler.diagnostics import did_you_mean
from aimass_compiler.model_path import name_of

if TYPE_CHECKING:
    from aimass_compiler.project import Project


class ModelRecords(NamedTuple):
    """Where the records of a model are."""

    store: str
    model: str
    """As Kubernetes knows it, and so its records."""
    namespaces: tuple[str, ...]
    """Those of its environments, and of servers on people's machines."""


def add_store(parser: argparse.ArgumentParser) -> None:
    """The argument that names a store."""
    parser.add_argument(
        "--store",
        metavar="URL",
        help="the store of records, or a folder (default: `logs.store` of aimass.yaml)",
    )


def records_of(project: Project, arguments: argparse.Namespace) -> ModelRecords:
    """The records of the model that the arguments name. Raises UnknownName."""
    from aimass_compiler.cli.clusters import settings_of
    from aimass_compiler.cli.release_changes import sound_settings

    settings, known = sound_settings(project), project.models()
    model = model_called(arguments.model, known)
    if model not in known:
        raise UnknownName(f"there is no model `{model}`", did_you_mean(model, known))
    own = settings_of(project, model)
    environment = getattr(arguments, "env", None)
    if environment is not None and environment not in own.environments:
        hint = did_you_mean(environment, own.environments)
        raise UnknownName(f"{conventions.SETTINGS_FILE} has no environment `{environment}`", hint)
    chosen = own.environments if environment is None else (environment,)
    namespaces = tuple(own.namespace_of(each) for each in chosen)
    here = () if environment else (record_names.LOCAL_NAMESPACE,)
    return ModelRecords(
        _store(arguments, None if settings.logs is None else settings.logs.store),
        name_of(model),
        (*namespaces, *here),
    )


def _store(arguments: argparse.Namespace, usual: str | None) -> str:
    if arguments.store is None:
        if usual is None:
            hint = "`logs: {store: s3://bucket/path}` says where they are kept, or --store for once"
            raise UnknownName(f"{conventions.SETTINGS_FILE} names no store of records", hint)
        return usual
    written = str(arguments.store)
    return written.rstrip("/") if "://" in written else f"file://{Path(written).resolve()}"
