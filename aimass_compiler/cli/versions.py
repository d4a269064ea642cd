"""What commands that make versions share: what they end with when they cannot, and what they show."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from aimass_compiler import conventions
from aimass_compiler.cli.selection import UnknownName
from aimass_compiler.exit_codes import ExitCode

if TYPE_CHECKING:
    from aimass_compiler.delivery.publication import Published
    from aimass_compiler.pipeline.settings import Settings
    from aimass_compiler.programs.signer import Signer
    from aimass_compiler.project import Project

EXIT_CODES = (ExitCode.DISK, ExitCode.PACKAGE, ExitCode.REGISTRY)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class VersionNotMade(UnknownName):
    """No version was made, for the reason that is reported."""

    def __init__(self, message: str, help: str, code: ExitCode) -> None:  # noqa: A002  # the word that findings use
        super().__init__(message, help)
        self.exit_code = code


@contextmanager
def no_version_otherwise() -> Iterator[None]:
    """Turn what keeps a version from being made into what ends a command. Raises VersionNotMade."""
    from aimass_compiler.delivery.package_image import DamagedPackage
    from aimass_compiler.delivery.provenance import Unpublishable
    from aimass_compiler.delivery.rehearsal import RehearsalFailed
    from aimass_compiler.delivery.stored_package import PackageNowhere, PackageOutOfReach
    from aimass_compiler.programs.cosign import CosignError
    from aimass_compiler.programs.model_server import ServerError
    from aimass_compiler.programs.registry import RegistryError
    from aimass_compiler.programs.signer import NotSigned
    from aimass_compiler.releases.version_record import DamagedRecord

    try:
        yield
    except (RegistryError, PackageOutOfReach) as error:
        raise VersionNotMade(str(error), error.help, ExitCode.REGISTRY) from None
    except (Unpublishable, PackageNowhere, NotSigned, CosignError) as error:
        raise VersionNotMade(str(error), error.help, ExitCode.FAILED) from None
    except DamagedPackage as error:
        raise VersionNotMade(str(error), "`aimass run` packages the model again", ExitCode.PACKAGE) from None
    except RehearsalFailed as error:
        raise VersionNotMade(f"the rehearsal failed: {error}", "", ExitCode.SERVICE) from None
    except ServerError as error:
        raise VersionNotMade(str(error), error.help, ExitCode.FAILED) from None
    except DamagedRecord as error:
        raise VersionNotMade(str(error), "`git checkout` brings a record back", ExitCode.FAILED) from None
    except OSError as error:
        place = error.filename or "what is put on record"
        raise VersionNotMade(f"{place}: {error.strerror}", "", ExitCode.DISK) from None


def show(project: Project, published: Published) -> None:
    """Print which version it is, and its images by their digests."""
    record, path = published.record, project.shown(published.path)
    if not published.is_new:
        print(f"{record.model} {record.name} is this package on this server already: {path}")
        return
    print(f"wrote {path}")
    for image in filter(None, (record.package_image, record.image)):
        print(f"  {image.reference}")
    if record.image is None:
        folder = f"{conventions.ARTIFACTS_FOLDER}/{record.model}/oci"
        print(
            "note: `images.registry` in aimass.yaml names no registry, so nothing was pushed: "
            f"the package is an image in {folder}",
            file=sys.stderr,
        )


def add_signing(parser: argparse.ArgumentParser) -> None:
    """The arguments that say who signs."""
    ways = parser.add_mutually_exclusive_group()
    ways.add_argument(
        "--sign-key",
        default="",
        metavar="FILE",
        help="sign with this private key in PEM, or with the one in a variable: env://NAME",
    )
    ways.add_argument(
        "--keyless", action="store_true", help="sign by the identity that a workflow has (id-token: write)"
    )


@contextmanager
def signer(arguments: argparse.Namespace, settings: Settings) -> Iterator[Signer | None]:
    """Who signs, if anyone was asked to; the public log is told of it where an environment wants that.

    Raises NotSigned and CosignError.
    """
    from aimass_compiler.programs.signer import signing

    if not (arguments.sign_key or arguments.keyless):
        yield None
        return
    wanted = [each.signature for each in settings.environments.values() if each.signature]
    uses_log = any(each.key and not each.ignore_tlog for each in wanted)
    is_legacy = any(each.is_legacy for each in wanted)
    with signing(arguments.sign_key, uses_log=uses_log, is_legacy=is_legacy) as found:
        yield found


def attestation(written: str) -> tuple[str, str]:
    """The name and the digest of an attestation. Raises UnknownName where it is none."""
    name, _, digest = written.partition("=")
    if not name or not _DIGEST.fullmatch(digest):
        message = f"`{written}` is not the name of an attestation with its digest"
        raise UnknownName(message, "write it like provenance=sha256:… with 64 digits")
    return name, digest
