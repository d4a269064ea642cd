"""Put together, build and push a model's serving image.

The package alone is what DVC keeps. This adds the server's sources, their pins and the Dockerfile of
this version, and prints the command that builds the image under the name that the manifests use.
Buildah, Podman and Docker can build it; the first two build the same image from the same package.
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from aimass_compiler import conventions
from aimass_compiler.cli import terminal
from aimass_compiler.cli.bringing import brought_up_to_date
from aimass_compiler.cli.choosing import add_root, project_of
from aimass_compiler.conventions import ExitCode

if TYPE_CHECKING:
    from aimass_compiler.cluster.builders import Builder

PLACE = 13
EXAMPLES = """
  aimass image churn             put together what it is built from, and print the command
  aimass image churn --push      build it and push it, and print: registry/churn@sha256:…
  aimass image churn --build --pip-conf pip.conf       install from the index of a pip.conf
"""


def declare(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.add_argument("model", metavar="MODEL", help="the name of the model, or the path of its spec")
    parser.add_argument("--build", action="store_true", help="build the image")
    parser.add_argument("--push", action="store_true", help="build the image, push it and print its digest")
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
    add_root(parser)


def run(arguments: argparse.Namespace) -> int:
    """Assemble, and print the command or run it; answers an ExitCode."""
    from aimass_compiler.cluster import builders, runtime
    from aimass_compiler.render.shared import Shared

    project = project_of(arguments)
    pipeline = brought_up_to_date(project, arguments.model)
    if pipeline is None:
        return ExitCode.FAILED
    status = runtime.run("image", pipeline.name, project.root)
    if status != ExitCode.DONE:
        return status
    repository = f"{pipeline.settings.images.registry}/{pipeline.name}"
    image = f"{repository}:{Shared(pipeline).image_tag}"
    context = os.path.relpath(project.root / conventions.ARTIFACTS_FOLDER / pipeline.name / "package")
    is_wanted = arguments.build or arguments.push
    try:
        builder = _builder(arguments.builder, is_needed=is_wanted)
        command = builder.build_command(image, context, _secrets(arguments))
        if not is_wanted:
            print(shlex.join(command))
            return ExitCode.DONE
        builders.run(command)
        if arguments.push:
            digest = builder.push(image)
            print(f"{repository}@{digest}")
            record = f"{pipeline.name}: {Shared(pipeline).image_tag}@{digest}"
            print(
                f"note: with `images: {{digests: {{{record}}}}}` in aimass.yaml clusters run exactly this",
                file=sys.stderr,
            )
    except builders.BuilderError as error:
        terminal.complain(str(error))
        return ExitCode.FAILED
    return ExitCode.DONE


def _builder(program: str | None, *, is_needed: bool) -> Builder:
    """The program that builds; where only its command is shown, Docker, should there be none here."""
    from aimass_compiler.cluster import builders

    try:
        return builders.named(program) if program else builders.find()
    except builders.BuilderError as error:
        if is_needed:
            raise
        print(f"note: {error}", file=sys.stderr)
        return builders.BUILDERS[-1]


def _secrets(arguments: argparse.Namespace) -> dict[str, Path]:
    given = {"pip": arguments.pip_conf, "certificates": arguments.certificates}
    return {name: path for name, path in given.items() if path is not None}
