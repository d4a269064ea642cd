"""The image of the compiler: built by Buildah two times, tried, and kept as an OCI archive."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from aimass_compiler.version import __version__
from scripts.release import distributions
from scripts.release.failure import ReleaseFailed, run
from scripts.release.version import ROOT

NAME = f"localhost/aimass-compiler:{__version__}"


@dataclass(frozen=True)
class Options:
    """What a build takes beside the wheel."""

    base: str | None = None
    """Another base image than the Dockerfile's."""
    pip_conf: Path | None = None
    certificates: Path | None = None

    def told(self) -> list[str]:
        """These options as Buildah takes them."""
        secrets = {"pip": self.pip_conf, "certificates": self.certificates}
        given = [f"--secret=id={name},src={path.resolve()}" for name, path in secrets.items() if path]
        return given + ([f"--build-arg=BASE={self.base}"] if self.base else [])


def build(wheel: Path, into: Path, options: Options) -> str:
    """Write the image to `into`, an OCI archive; answers its digest. Raises ReleaseFailed."""
    time, revision = distributions.epoch(ROOT), run(["git", "rev-parse", "HEAD"], ROOT).strip()
    told = [f"--timestamp={time}", f"--label=org.opencontainers.image.revision={revision}"]
    told += [f"--label=org.opencontainers.image.version={__version__}", *options.told()]
    with tempfile.TemporaryDirectory() as temporary:
        once, again = (
            _built(wheel, Path(temporary) / folder, f"{NAME}{suffix}", told)
            for folder, suffix in (("one", ""), ("another folder", "-again"))
        )
    if once != again:
        raise ReleaseFailed(f"built again, the image {once} is {again}")
    _try()
    into.parent.mkdir(parents=True, exist_ok=True)
    into.unlink(missing_ok=True)
    run(["buildah", "push", "--quiet", NAME, f"oci-archive:{into}"])
    return once


def _built(wheel: Path, context: Path, name: str, told: Sequence[str]) -> str:
    """The digest of what is built from a context of its own, without a cache."""
    context.mkdir()
    shutil.copy(ROOT / "scripts" / "release" / "Dockerfile", context)
    shutil.copy(ROOT / "requirements" / "image.txt", context / "requirements.txt")
    shutil.copy(wheel, context)
    run(["buildah", "build", "--quiet", "--no-cache", "--layers", *told, f"--tag={name}", context])
    digest = context / "digest"
    run(["buildah", "push", "--quiet", f"--digestfile={digest}", name, f"oci:{context / 'pushed'}"])
    return digest.read_text().strip()


def _try() -> None:
    """Hold the examples against generated/ in it, as its own user, and look for what commands start."""
    container = run(["buildah", "from", "--pull-never", NAME]).strip()
    try:
        with tempfile.TemporaryDirectory() as temporary:
            project = distributions.export(ROOT, Path(temporary) / "project")
            run(["buildah", "copy", "--quiet", "--chown=10001:10001", container, str(project), "/work"])
        for command in (
            "aimass-compile --check --no-cache",
            "kubectl version --client",
            "git --version",
            '[ "$(id -u)" = 10001 ]',
        ):
            run(["buildah", "run", container, "--", "sh", "-euc", f"cd /work; {command}"])
    finally:
        run(["buildah", "rm", container])
