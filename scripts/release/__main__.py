"""`python -m scripts.release`: what a release of the compiler is made and tested with."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from scripts.release import distributions, fresh, image, sbom, version
from scripts.release.failure import ReleaseFailed


def main() -> int:
    """Do one part of a release; 1 where it must not be made, with the reason."""
    asked = _parser().parse_args()
    try:
        _ACTS[asked.act](asked)
    except ReleaseFailed as failed:
        print(f"error: {failed}", file=sys.stderr)
        return 1
    return 0


def _build(asked: argparse.Namespace) -> None:
    """Wheel and sdist of HEAD, after the tag was compared with the sources."""
    if asked.tag:
        version.refuse_other_tag(asked.tag)
    for path in distributions.build(asked.into):
        print(f"{distributions.digest_of(path)}  {path}")


def _try(asked: argparse.Namespace) -> None:
    """The wheel in an environment that has nothing else."""
    wheel = distributions.wheel_in(asked.dist)
    for extra in asked.extras:
        fresh.try_extra(wheel, "" if extra == "core" else extra, asked.python)


def _uvx(asked: argparse.Namespace) -> None:
    """What a newcomer types."""
    fresh.try_uvx(distributions.wheel_in(asked.dist))


def _image(asked: argparse.Namespace) -> None:
    """The compiler's image, built two times and tried, as one file."""
    options = image.Options(asked.base, asked.pip_conf, asked.certificates)
    print(image.build(distributions.wheel_in(asked.dist), asked.into, options))


def _sbom(asked: argparse.Namespace) -> None:
    """What is in it."""
    for path in sbom.write(asked.into):
        print(path)


def _notes(asked: argparse.Namespace) -> None:
    """What changed, as the page of the release has it."""
    sys.stdout.write(version.notes(asked.address))


_ACTS = {"build": _build, "try": _try, "uvx": _uvx, "image": _image, "sbom": _sbom, "notes": _notes}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m scripts.release", description=__doc__)
    acts = parser.add_subparsers(dest="act", required=True, metavar="ACT")
    dist = argparse.ArgumentParser(add_help=False)
    dist.add_argument("--dist", type=Path, default=Path("dist"), help="where the wheel is (default dist)")

    build = acts.add_parser("build", help="build wheel and sdist of HEAD, two times, and compare")
    build.add_argument("--into", type=Path, default=Path("dist"), help="where to (default dist)")
    build.add_argument("--tag", help="refuse a tag that is not the version, or whose changes have no date")

    extras = ("core", *distributions.extras())
    tried = acts.add_parser("try", parents=[dist], help="install the wheel in a fresh environment and use it")
    tried.add_argument("extras", nargs="+", choices=extras, metavar="EXTRA", help=", ".join(extras))
    tried.add_argument("--python", default=sys.executable, help="which Python, as uv takes it")

    acts.add_parser("uvx", parents=[dist], help="call the wheel's `aimass-compile` by uvx")

    built = acts.add_parser(
        "image", parents=[dist], help="build the image with Buildah, two times, and try it"
    )
    built.add_argument(
        "--into", type=Path, default=Path("dist/image.tar"), help="where to, as an OCI archive"
    )
    built.add_argument("--base", help="another base image than the Dockerfile's, such as one by its digest")
    built.add_argument("--pip-conf", type=Path, help="which package index the build uses")
    built.add_argument("--certificates", type=Path, help="what that index is trusted by")

    listed = acts.add_parser("sbom", help="list what the core and the image hold, as CycloneDX")
    listed.add_argument("--into", type=Path, default=Path("dist"), help="where to (default dist)")

    notes = acts.add_parser("notes", help="print what CHANGELOG.md says of this version")
    notes.add_argument("--address", help="what relative links begin with, as https://…/blob/v1.2.3")
    return parser


if __name__ == "__main__":
    sys.exit(main())
