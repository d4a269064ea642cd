"""What is made once for all models of a project, put together of what each part makes."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from aimass_compiler import conventions
from aimass_compiler.diagnostics import Finding
from aimass_compiler.fleet.part import Fleet, FleetPart
from aimass_compiler.pipeline.organisation import Organisation

#: The parts by the names of their folders.
PARTS: dict[str, FleetPart] = {
    path.parent.name: import_module(f"{__package__}.{path.parent.name}").PART
    for path in sorted(Path(__file__).parent.glob("[a-z]*/__init__.py"))
}


def is_wanted(organisation: Organisation) -> bool:
    """Whether any part makes anything."""
    return any(part.is_wanted(organisation) for part in PARTS.values())


def render(fleet: Fleet) -> dict[str, bytes]:
    """Every file that is made once for all models, by its path below generated/."""
    return {
        f"{conventions.FLEET_FOLDER}/{name}/{path}": content
        for name, part in PARTS.items()
        if part.is_wanted(fleet.organisation)
        for path, content in sorted(part.render(fleet).items())
    }


def findings(fleet: Fleet) -> Iterator[Finding]:
    """What no part, or not all of them, can express; each names its file."""
    for part in PARTS.values():
        if part.is_wanted(fleet.organisation):
            yield from part.findings(fleet)
