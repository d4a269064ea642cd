"""What a part of the fleet is: one folder of `fleet/` whose `PART` says what it makes once for all models."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property

import msgspec

from aimass_compiler.diagnostics import Finding
from aimass_compiler.pipeline.organisation import Organisation
from aimass_compiler.render.facts import Resolved, decoded


class Fleet:
    """All models of a project, and whose they are."""

    def __init__(self, organisation: Organisation, records: Mapping[str, bytes]) -> None:
        self.organisation = organisation
        self._records = records

    @cached_property
    def models(self) -> dict[str, Resolved]:
        """What is known of each model, by its path; read when a part asks."""
        return {path: decoded(record) for path, record in sorted(self._records.items())}


def _no_findings(fleet: Fleet) -> Iterable[Finding]:
    del fleet
    return ()


class FleetPart(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is made once for all models."""

    is_wanted: Callable[[Organisation], bool]
    """Whether the organisation asks for it; otherwise it is not rendered."""
    render: Callable[[Fleet], Mapping[str, bytes]]
    """Its files by their path below generated/fleet/NAME/."""
    applied: str | None = None
    """The folders below generated/fleet/NAME/ that people apply, such as `{environment}/*`; none where an
    engine does."""
    findings: Callable[[Fleet], Iterable[Finding]] = _no_findings
    """What it cannot express; each names its file."""
