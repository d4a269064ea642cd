"""Put a version's package on another image of its server, without training.

For a patched base image or a fixed server: build it with `aimass image --push`, then rebase. The package
comes from the registry, or from DVC, and is rehearsed: the server of this compiler must start on it and
answer its golden rows as they were evaluated. What comes out is another version, with the metrics of the one
that it is made from, and is promoted like any other.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING

from aimass_compiler.cli import terminal, versions
from aimass_compiler.cli.selection import UnknownName, add_root, model_called, project_of, specs_of
from aimass_compiler.cli.versions import VersionNotMade
from aimass_compiler.diagnostics import did_you_mean
from aimass_compiler.exit_codes import ExitCode

if TYPE_CHECKING:
    from pathlib import Path

    from aimass_compiler.pipeline import Pipeline
    from aimass_compiler.project import Project
    from aimass_compiler.releases.version_record import VersionRecord

EXIT_CODES = (*versions.EXIT_CODES, ExitCode.SERVICE, ExitCode.NOT_PROMOTABLE)
EXAMPLES = """
  aimass rebase churn                 the last version of churn, on the server of this compiler
  aimass rebase churn --version v17   an earlier one
  aimass rebase --all --env prod      all that is released in prod, after a fix in the base image
"""


def declare(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.add_argument("model", metavar="MODEL", nargs="?", help="the name of the model")
    parser.add_argument("--version", metavar="VERSION", help="v17, or v17-4be17c20 (default: the last one)")
    parser.add_argument("--all", action="store_true", help="what is released of every model")
    parser.add_argument("--env", metavar="ENV", help="with --all: what is released in this environment only")
    parser.add_argument(
        "--server",
        metavar="IMAGE",
        default="",
        help="the server's image, by digest or tag (default: the one of this compiler)",
    )
    versions.add_signing(parser)
    add_root(parser)


def run(arguments: argparse.Namespace) -> int:
    """Rehearse, push and record, one version after the other; answers an ExitCode."""
    project = project_of(arguments)
    code = int(ExitCode.DONE)
    with versions.no_version_otherwise():
        chosen = list(_chosen(project, arguments))
    for pipeline, version in chosen:
        try:
            _rebase(project, pipeline, version, arguments)
        except VersionNotMade as failed:
            terminal.error(f"{version.model} {version.name}: {failed}", failed.help)
            code = int(failed.exit_code)
    return code


def _rebase(
    project: Project, pipeline: Pipeline, version: VersionRecord, arguments: argparse.Namespace
) -> None:
    from aimass_compiler.delivery.rebase import rebase
    from aimass_compiler.delivery.server_image import server_of
    from aimass_compiler.releases.version_record import rejection_of

    with versions.no_version_otherwise():
        rejected = rejection_of(project.root, version.model, version.name)
        if rejected:
            raise VersionNotMade(f"it was rejected: {rejected.reason}", "", ExitCode.NOT_PROMOTABLE)
        server = server_of(pipeline, arguments.server)
        if server is None:
            message = "`images.registry` in aimass.yaml names no registry, so there is no image to rebase"
            raise VersionNotMade(message, "", ExitCode.REGISTRY)
        with versions.signer(arguments, pipeline.settings) as signer:
            published = rebase(project.root, pipeline, version, server, signer)
    versions.show(project, published)


def _chosen(project: Project, arguments: argparse.Namespace) -> Iterator[tuple[Pipeline, VersionRecord]]:
    """The versions that are asked for, with what the compiler knows of their models."""
    from aimass_compiler.releases.version_record import models_of, versions_of

    if arguments.all == bool(arguments.model):
        raise UnknownName("name a model, or say --all", "`aimass rebase --help` shows how")
    if arguments.env and not arguments.all:
        raise UnknownName("--env goes with --all", "--version says which version of one model")
    if not arguments.all:
        model = model_called(arguments.model, models_of(project.root))
        found = versions_of(project.root, model)
        yield from _with_pipelines(project, [_version(model, found, arguments.version)])
        return
    yield from _with_pipelines(project, _released(project.root, arguments.env))


def _released(root: Path, named: str | None) -> list[VersionRecord]:
    """The versions that run, by the digests of their images; only in the environment that is named."""
    from aimass_compiler.releases import release_file
    from aimass_compiler.releases.version_record import version_of, versions_of

    found = {}
    for environment, model in release_file.released_places(root):
        release = release_file.read(root, environment, model) if named in (None, environment) else None
        record = version_of(versions_of(root, model), release.digests) if release else None
        if record is not None:
            found[model, record.number, record.name] = record
    return [found[key] for key in sorted(found)]


def _version(model: str, found: list[VersionRecord], named: str | None) -> VersionRecord:
    from aimass_compiler.releases.version_record import AmbiguousVersion, version_called

    if not found:
        raise UnknownName(f"`{model}` has no version yet", f"`aimass publish {model}` makes one")
    if not named:
        return found[-1]
    try:
        chosen = version_called(found, named)
    except AmbiguousVersion as error:
        raise UnknownName(str(error), error.help) from None
    if chosen is None:
        hint = did_you_mean(named, [each.name for each in found])
        raise UnknownName(f"`{model}` has no version `{named}`", hint)
    return chosen


def _with_pipelines(
    project: Project, wanted: list[VersionRecord]
) -> Iterator[tuple[Pipeline, VersionRecord]]:
    from aimass_compiler.compile import compile_specs

    specs = specs_of(project, sorted({each.model for each in wanted})) if wanted else []
    pipelines = compile_specs(project, specs).pipelines if specs else {}
    for version in wanted:
        if version.model not in pipelines:
            raise UnknownName(f"the spec of `{version.model}` has errors", "`aimass check` shows them")
        yield pipelines[version.model], version
