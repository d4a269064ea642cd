"""Put together what a model's serving image is built from.

The package alone is what DVC keeps. This adds the server's sources, their pins and the Dockerfile of
this version, and prints the command that builds the image under the name that the manifests use.
"""

from __future__ import annotations

import argparse

from aimass_compiler import conventions
from aimass_compiler.cli.bringing import brought_up_to_date
from aimass_compiler.cli.choosing import add_root, project_of
from aimass_compiler.conventions import ExitCode

PLACE = 13
EXAMPLES = """
  aimass image churn              prints: docker build --tag registry/churn:spec-… artifacts/churn/package
"""


def declare(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.add_argument("model", metavar="MODEL", help="the name of the model, or the path of its spec")
    add_root(parser)


def run(arguments: argparse.Namespace) -> int:
    """Assemble, and print the command; answers an ExitCode."""
    from aimass_compiler.cluster import runtime
    from aimass_compiler.render.shared import Shared

    project = project_of(arguments)
    pipeline = brought_up_to_date(project, arguments.model)
    if pipeline is None:
        return ExitCode.FAILED
    status = runtime.run("image", pipeline.name, project.root)
    if status == ExitCode.DONE:
        name = f"{pipeline.settings.images.registry}/{pipeline.name}:{Shared(pipeline).image_tag}"
        folder = project.root / conventions.ARTIFACTS_FOLDER / pipeline.name / "package"
        print(f"docker build --tag {name} {project.shown(folder)}")
    return status
