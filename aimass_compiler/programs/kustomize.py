"""Kustomize by subprocess: which program it is, whether it is new enough, and what it builds."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from aimass_compiler.programs.program import call

try:
    from yaml import CSafeLoader as _SafeLoader
except ImportError:  # a PyYAML that was built without libyaml
    from yaml import SafeLoader as _SafeLoader  # type: ignore[assignment]  # the same interface

OLDEST = (5, 0, 0)
#: Since when `images` is replaced in volumes, too.
OLDEST_FOR_VOLUMES = (5, 7, 0)
_SECONDS = 60
#: A volume with an image that no release has replaced: a kubelet would ask a public registry for it.
_NOT_REPLACED = re.compile(r"^ +(?:- )?image:\n(?: +pullPolicy: \w+\n)? +reference: [^@\s]+$", re.MULTILINE)
_VERSION = re.compile(r"v([0-9]+)\.([0-9]+)\.([0-9]+)")
_HINT = "install kustomize 5 (https://kubectl.docs.kubernetes.io/installation/kustomize/) or kubectl 1.27"


class KustomizeError(Exception):
    """Kustomize is missing, too old, or refused a folder; the message says what to do."""


@dataclass(frozen=True)
class Kustomize:
    """A program that builds kustomizations."""

    build_command: tuple[str, ...]
    version: tuple[int, int, int]

    def build(self, folder: Path) -> list[dict[str, Any]]:
        """The objects that `folder` stands for, in their order; raises KustomizeError as `text` does."""
        documents = yaml.load_all(self.text(folder), Loader=_SafeLoader)
        return [document for document in documents if document is not None]

    def build_all(self, folders: Sequence[Path]) -> list[dict[str, Any]]:
        """The objects of several folders, built at once: to start a program takes as long as to build one.

        Raises KustomizeError, also where two folders have the same object.
        """
        with TemporaryDirectory() as made:
            here = Path(made).resolve()
            listed = [os.path.relpath(folder.resolve(), here) for folder in folders]
            (here / "kustomization.yaml").write_text(json.dumps({"resources": listed}), encoding="utf-8")
            return self.build(here)

    def text(self, folder: Path) -> str:
        """What kustomize makes of `folder`, as YAML.

        Raises KustomizeError when kustomize refuses the folder or takes longer than a minute.
        """
        answer = _run((*self.build_command, str(folder)))
        if answer.returncode != 0:
            raise KustomizeError(f"kustomize cannot build {folder}:\n{answer.stderr.strip()}")
        if self.version < OLDEST_FOR_VOLUMES and _NOT_REPLACED.search(answer.stdout):
            found = ".".join(map(str, self.version))
            raise KustomizeError(
                f"kustomize {found} does not replace the image of a volume, as `serving.model: volume` in "
                f"{folder} needs: install kustomize 5.7 or kubectl 1.34"
            )
        return answer.stdout


def find() -> Kustomize:
    """The first of `kustomize` and `kubectl kustomize` that is new enough.

    Raises KustomizeError when neither is.
    """
    seen = []
    for program, build, version in (
        ("kustomize", ("build",), ("version",)),
        ("kubectl", ("kustomize",), ("version", "--client")),
    ):
        path = shutil.which(program)
        if path is None:
            continue
        found = _version_of((path, *version), program)
        if found is not None and found >= OLDEST:
            return Kustomize((path, *build), found)
        seen.append(f"{program} brings {'.'.join(map(str, found)) if found else 'an unknown version'}")
    reason = "; ".join(seen) if seen else "neither `kustomize` nor `kubectl` is on the PATH"
    raise KustomizeError(f"kustomize 5.0 or newer is needed: {reason}; {_HINT}")


def _version_of(command: Sequence[str], program: str) -> tuple[int, int, int] | None:
    answer = _run(command)
    lines = answer.stdout.splitlines() if answer.returncode == 0 else []
    # kubectl tells its own version first and that of the kustomize inside on a line of its own.
    version = next((line for line in lines if program == "kustomize" or line.startswith("Kustomize")), "")
    match = _VERSION.search(version)
    return (int(match[1]), int(match[2]), int(match[3])) if match else None


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    try:
        return call(command, seconds=_SECONDS)
    except subprocess.TimeoutExpired:
        raise KustomizeError(f"`{' '.join(command)}` did not answer within {_SECONDS} s") from None
    except OSError as error:
        raise KustomizeError(f"`{command[0]}` could not be started: {error}; {_HINT}") from None
