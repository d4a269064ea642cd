"""Buildah, Podman and Docker by subprocess: which of them is here, and how it builds and pushes an image."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from aimass_compiler import conventions

_STANDARD_ERROR = 2
_DIGEST = re.compile(conventions.DIGEST_PATTERN)


class BuilderError(Exception):
    """There is no program that builds images, or it failed; the message says what to do."""


@dataclass(frozen=True)
class Builder:
    """A program that builds images from Dockerfiles."""

    program: str
    build: tuple[str, ...]
    """The words that let it build; with the same times in layers each time, where it can."""
    writes_digest: bool
    """Whether it writes the digest of what it pushed to a file, or only says it."""

    def build_command(self, image: str, context: str, secrets: Mapping[str, Path]) -> list[str]:
        """What builds `context` under the name `image`; secrets are files by the names of the Dockerfile."""
        secrets_read = [f"--secret=id={name},src={path}" for name, path in secrets.items()]
        return [self.program, *self.build, *secrets_read, "--tag", image, context]

    def push(self, image: str) -> str:
        """Push an image that was built, and answer its digest; raises BuilderError."""
        with tempfile.TemporaryDirectory(prefix="aimass-image-") as folder:
            digest = Path(folder) / "digest"
            option = ["--digestfile", str(digest)] if self.writes_digest else []
            printed = _run([self.program, "push", *option, image], is_read=not self.writes_digest)
            found = _DIGEST.findall(digest.read_text(encoding="ascii") if self.writes_digest else printed)
        if not found:
            raise BuilderError(f"{self.program} pushed {image} and did not print its digest")
        return str(found[-1])


#: In the order in which they are looked for: those first that build the same image from the same files.
BUILDERS = (
    Builder("buildah", ("build", "--force-rm", "--layers", "--timestamp=0"), writes_digest=True),
    Builder("podman", ("build", "--force-rm", "--layers", "--timestamp=0"), writes_digest=True),
    Builder("docker", ("build",), writes_digest=False),
)


def find() -> Builder:
    """The first builder that is on the PATH; raises BuilderError when none is."""
    for builder in BUILDERS:
        if shutil.which(builder.program):
            return builder
    names = ", ".join(f"`{builder.program}`" for builder in BUILDERS[:-1])
    raise BuilderError(
        f"an image is built by {names} or `{BUILDERS[-1].program}`, and none of them is on the PATH; "
        "buildah needs neither a daemon nor root"
    )


def named(program: str) -> Builder:
    """The builder of this name; raises BuilderError when it is not on the PATH."""
    if shutil.which(program) is None:
        raise BuilderError(f"`{program}` is not on the PATH")
    return next(builder for builder in BUILDERS if builder.program == program)


def run(command: list[str]) -> None:
    """Build, and show on standard error what the builder says; raises BuilderError when it fails."""
    _run(command, is_read=False)


def _run(command: list[str], *, is_read: bool) -> str:
    """What the program says on standard output where that `is_read`; else it is shown."""
    answer = subprocess.run(  # noqa: S603  # a list of arguments, never a shell
        command,
        check=False,
        stdout=subprocess.PIPE if is_read else _STANDARD_ERROR,
        text=True,
        encoding="utf-8",
        errors="replace",
        env={**os.environ, "SOURCE_DATE_EPOCH": "0"},
    )
    if answer.returncode != 0:
        raise BuilderError(f"`{' '.join(command)}` failed with exit code {answer.returncode}")
    return answer.stdout or ""
