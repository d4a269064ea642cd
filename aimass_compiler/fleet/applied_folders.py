"""The folders of generated/fleet/ that people apply to a cluster, as each part has them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from aimass_compiler import conventions
from aimass_compiler.fleet import PARTS

_ENVIRONMENT = "{environment}"


class AppliedFolder(Struct, frozen=True):
    """One kustomization."""

    name: str
    """What it is called on the command line, such as `teams/growth`."""
    environment: str
    """Empty where it is the same for all environments."""
    path: Path


def folders_of(generated: Path, environment: str) -> Iterator[AppliedFolder]:
    """What an environment needs, in the order in which one thing needs another: namespaces come first."""
    fleet = generated / conventions.FLEET_FOLDER
    for part in sorted(PARTS, key=lambda name: (name != conventions.TEAMS_FOLDER, name)):
        pattern = PARTS[part].applied
        if pattern is None or not (fleet / part).is_dir():
            continue
        steps = tuple(filter(None, pattern.split("/")))
        written = "/".join(steps).replace(_ENVIRONMENT, environment)
        for path in sorted((fleet / part).glob(written)) if written else [fleet / part]:
            if (path / "kustomization.yaml").is_file():
                yield _folder(fleet, part, path, steps, environment)


def _folder(fleet: Path, part: str, path: Path, steps: tuple[str, ...], environment: str) -> AppliedFolder:
    found = path.relative_to(fleet / part).parts
    named = [each for each, step in zip(found, steps, strict=True) if step != _ENVIRONMENT]
    return AppliedFolder("/".join([part, *named]), environment if _ENVIRONMENT in steps else "", path)
