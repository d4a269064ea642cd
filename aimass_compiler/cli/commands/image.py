"""Put together, build and push the images that all models share.

`server` answers requests, with no model in it; `training` trains in the cluster, one image for each framework
that the specs use; `records` makes tables of prediction records. Prints the commands that build them from
what lies in artifacts/. A tag names exactly what its image is built from, so with --push nothing is built
where the registry has it already. Buildah, Podman and Docker can build them; the first two build the same
image from the same files. Beside a server's image lies its bill of materials (CycloneDX); --sign-key and
--keyless sign images as well.
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from aimass_compiler import conventions
from aimass_compiler.cli import terminal, versions
from aimass_compiler.cli.selection import UnknownName, add_root, project_of, specs_of
from aimass_compiler.exit_codes import ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aimass_compiler.catalog.artifact import Server
    from aimass_compiler.pipeline.settings import ImageSettings, Settings
    from aimass_compiler.programs.image_builders import Builder
    from aimass_compiler.programs.signer import Signer
    from aimass_compiler.project import Project
    from aimass_compiler.releases.version_record import ImageDigest

EXIT_CODES = (ExitCode.DISK, ExitCode.REGISTRY)
EXAMPLES = """
  aimass image             put together what the server is built from, and print the command
  aimass image --push      build it and push it, and print: registry/aimass-server@sha256:…
  aimass image --build --pip-conf pip.conf       install from the index of a pip.conf
  aimass image training --push                   what trains the models of all specs in the cluster
  aimass image training churn --push --wheels dist      with a wheel of a compiler that no index has
"""


class _Image(NamedTuple):
    """What an image is built from, and its name in the registry."""

    name: str
    tag: str
    files: Mapping[str, bytes]
    server: Server | None = None
    """What it is the image of, where that serves."""


def declare(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.add_argument(
        "of",
        nargs="?",
        choices=("server", "training", "records"),
        default="server",
        help="which image (default: %(default)s)",
    )
    parser.add_argument(
        "specs",
        nargs="*",
        metavar="SPEC",
        help="with `training`: the models that it trains, by name or path (default: those of all of specs/)",
    )
    parser.add_argument("--build", action="store_true", help="build the image")
    parser.add_argument(
        "--push",
        action="store_true",
        help="build the image unless its registry has it, push it and print its digest",
    )
    parser.add_argument(
        "--with",
        dest="builder",
        choices=("buildah", "podman", "docker"),
        help="what builds it; the first of these that is there, by default",
    )
    parser.add_argument(
        "--pip-conf",
        type=Path,
        metavar="FILE",
        help="a pip.conf for the build, which names the package index; no layer keeps it",
    )
    parser.add_argument(
        "--certificates",
        type=Path,
        metavar="FILE",
        help="whom that index is trusted by: what a pip.conf names as `cert = /run/secrets/certificates`",
    )
    parser.add_argument(
        "--wheels",
        type=Path,
        metavar="DIR",
        help="with `training` and `records`: a folder of wheels that are installed before those of an index",
    )
    versions.add_signing(parser)
    add_root(parser)


def run(arguments: argparse.Namespace) -> int:
    """Assemble, and print the commands or run them; answers an ExitCode."""
    from aimass_compiler.programs import image_builders
    from aimass_compiler.programs.cosign import CosignError
    from aimass_compiler.programs.registry import RegistryError
    from aimass_compiler.programs.signer import NotSigned
    from aimass_compiler.releases.version_record import ImageDigest
    from aimass_compiler.spec.decode.settings_file import read_settings

    project = project_of(arguments)
    settings = read_settings(project.settings, conventions.SETTINGS_FILE)[0]
    if arguments.push and not settings.images.has_registry:
        hint = f"set `images.registry` in {conventions.SETTINGS_FILE}, such as `ghcr.io/acme/models`"
        terminal.error("there is no registry to push to", hint)
        return ExitCode.FAILED
    try:
        with versions.signer(arguments, settings) as signer:
            for image in _images(project, settings.images, arguments):
                context = project.root / conventions.ARTIFACTS_FOLDER / image.name / image.tag
                _write(image.files, context)
                name = f"{settings.images.registry}/{image.name}"
                digest = _build(name, image.tag, os.path.relpath(context), arguments)
                if digest:
                    _document(ImageDigest(name, digest), image, settings, signer, project)
    except (image_builders.BuilderError, NotSigned, CosignError) as error:
        terminal.error(str(error), getattr(error, "help", ""))
        return ExitCode.FAILED
    except RegistryError as error:
        terminal.error(str(error), error.help)
        return ExitCode.REGISTRY
    except OSError as error:
        terminal.error(f"what the image is built from could not be written: {error.strerror}")
        return ExitCode.DISK
    return ExitCode.DONE


def _images(project: Project, settings: ImageSettings, arguments: argparse.Namespace) -> Iterator[_Image]:
    """What is asked for; raises UnknownName, and OSError for wheels that cannot be read."""
    if arguments.of == "training":
        return _trainers(project, arguments)
    if arguments.of == "records":
        return _records(settings, arguments)
    if arguments.specs or arguments.wheels:
        raise UnknownName("all models have the same server", "`aimass image training` takes specs and wheels")
    return _servers(project, settings)


def _records(settings: ImageSettings, arguments: argparse.Namespace) -> Iterator[_Image]:
    """The image that makes tables of records."""
    from aimass_compiler.fleet.logs import table_job

    files = {"Dockerfile": table_job.dockerfile(settings.python).encode(), **_beside(arguments)}
    yield _Image(conventions.RECORDS_IMAGE, table_job.image_tag(settings.python), files)


def _beside(arguments: argparse.Namespace) -> dict[str, bytes]:
    """What this package is installed with: the pins, and wheels that are given."""
    from aimass_compiler.render.image import package_install

    found = sorted(arguments.wheels.glob("*.whl")) if arguments.wheels else []
    return {**package_install.context(), **{path.name: path.read_bytes() for path in found}}


def _servers(project: Project, settings: ImageSettings) -> Iterator[_Image]:
    """The images that serve the models of the project; that of tables where none can be read."""
    from aimass_compiler.catalog import servers
    from aimass_compiler.compile import Upto, compile_specs
    from aimass_compiler.render.image import server_image

    compiled = compile_specs(project, project.specs(), upto=Upto.CHECK)
    used = {pipeline.first_model.artifact.server for pipeline in compiled.pipelines.values()}
    for server in sorted(used or {servers.ROWS}, key=lambda each: each.module):
        files = server_image.context(settings.python, server)
        yield _Image(conventions.SERVER_IMAGE, server_image.server_tag(files), files, server)


def _trainers(project: Project, arguments: argparse.Namespace) -> Iterator[_Image]:
    """The images that train the specs, each once."""
    from aimass_compiler.compile import Upto, compile_specs
    from aimass_compiler.render.image.training_image import dockerfile, training_tag

    beside = _beside(arguments)
    compiled = compile_specs(project, specs_of(project, arguments.specs), upto=Upto.CHECK)
    for spec in compiled.specs:
        if spec.pipeline is None:
            terminal.report(f"{spec.file} has errors, which `aimass check` reports: it is left out")
    files = {training_tag(pipeline): dockerfile(pipeline) for pipeline in compiled.pipelines.values()}
    for tag, text in sorted(files.items()):
        yield _Image(conventions.TRAINING_IMAGE, tag, {"Dockerfile": text.encode(), **beside})


def _write(files: Mapping[str, bytes], folder: Path) -> None:
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)


def _document(
    pushed: ImageDigest, image: _Image, settings: Settings, signer: Signer | None, project: Project
) -> None:
    """Leave what belongs beside an image that was pushed; raises RegistryError, CosignError."""
    from aimass_compiler.delivery import image_bill, image_evidence

    if image.server is not None:
        image_bill.leave_bill(pushed, settings, image.server)
    if signer is not None:
        image_evidence.sign_once(pushed, settings, signer, project.root)


def _build(repository: str, tag: str, context: str, arguments: argparse.Namespace) -> str:
    """Print the command, or run it and push, and answer the digest; raises BuilderError, RegistryError."""
    from aimass_compiler.programs import image_builders

    if arguments.push and (known := _known(repository, tag)):
        print(f"{repository}@{known}")
        return known
    is_wanted = arguments.build or arguments.push
    builder = _builder(arguments.builder, is_needed=is_wanted)
    command = builder.build_command(f"{repository}:{tag}", context, _secrets(arguments))
    if not is_wanted:
        print(shlex.join(command))
        return ""
    image_builders.run(command)
    if not arguments.push:
        return ""
    digest = builder.push(f"{repository}:{tag}")
    print(f"{repository}@{digest}")
    return digest


def _known(repository: str, tag: str) -> str | None:
    """The digest of the image where it was pushed before; raises RegistryError."""
    from aimass_compiler.programs.registry import digest_of_image

    return digest_of_image(f"{repository}:{tag}", repository)


def _builder(program: str | None, *, is_needed: bool) -> Builder:
    """The program that builds; where only its command is shown, Docker, should there be none here."""
    from aimass_compiler.programs import image_builders

    try:
        return image_builders.named(program) if program else image_builders.find()
    except image_builders.BuilderError as error:
        if is_needed:
            raise
        print(f"note: {error}", file=sys.stderr)
        return image_builders.BUILDERS[-1]


def _secrets(arguments: argparse.Namespace) -> dict[str, Path]:
    given = {"pip": arguments.pip_conf, "certificates": arguments.certificates}
    return {name: path for name, path in given.items() if path is not None}
