"""Push a model's package and put its version on record.

Takes the package that `aimass run` left, if it passed its gates and its service test and was made from what
the spec says now. Pushes it twice, without Docker or a daemon: alone, as REGISTRY/MODEL-package, and as one
more layer on the image of its server, as REGISTRY/MODEL. Then writes versions/MODEL/vN-HASH.json, which says
what it was made from and what it reached, and never changes. Commit it; `aimass promote` lets it run.

Beside the images lie a bill of materials of the model and one of the image (CycloneDX). With --sign-key or
--keyless the package's files, the images and a statement of what the record says are signed as well.

The record names a commit, so the spec and aimass.yaml must be committed. Without `images.registry` in
aimass.yaml nothing is pushed, and the package's image lies in artifacts/MODEL/oci.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from aimass_compiler.cli import versions
from aimass_compiler.cli.selection import add_root, add_spec, project_of, spec_of
from aimass_compiler.cli.write import brought_up_to_date
from aimass_compiler.exit_codes import ExitCode

if TYPE_CHECKING:
    from aimass_compiler.pipeline import Pipeline
    from aimass_compiler.programs.signer import Signer
    from aimass_compiler.project import Project

EXIT_CODES = versions.EXIT_CODES
EXAMPLES = """
  aimass publish churn              push what `aimass run churn` packaged, and record it as a version
  aimass publish churn --attestation provenance=sha256:…      note what others attest of the image
  aimass publish churn --sign-key sign.pem      sign images, package and record with a private key
"""


def declare(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    add_spec(parser)
    parser.add_argument(
        "--attestation",
        dest="attestations",
        action="append",
        default=[],
        metavar="NAME=DIGEST",
        help="what others keep of the image, such as provenance=sha256:…; may be repeated",
    )
    versions.add_signing(parser)
    add_root(parser)


def run(arguments: argparse.Namespace) -> int:
    """Push and record; answers an ExitCode."""
    attestations = dict(map(versions.attestation, arguments.attestations))
    project = project_of(arguments)
    pipeline = brought_up_to_date(project, arguments.model)
    if pipeline is None:
        return ExitCode.FAILED
    publish_package(project, pipeline, attestations, versions.signer(arguments, pipeline.settings))
    return ExitCode.DONE


def publish_package(
    project: Project,
    pipeline: Pipeline,
    attestations: Mapping[str, str],
    signing: AbstractContextManager[Signer | None],
) -> None:
    """Push the package that was made of a pipeline, record it, and show what became of it.

    Raises VersionNotMade and UnknownName.
    """
    from aimass_compiler.delivery.provenance import provenance_of
    from aimass_compiler.delivery.publication import publish
    from aimass_compiler.delivery.server_image import server_of

    spec = spec_of(project, pipeline.path)
    with versions.no_version_otherwise():
        package = provenance_of(project.root, pipeline, spec.resolve())
        server = server_of(pipeline)
        with signing as signer:
            published = publish(project.root, pipeline, package, server, attestations, signer)
    versions.show(project, published)
