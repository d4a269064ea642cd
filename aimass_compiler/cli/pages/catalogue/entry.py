"""What git has of a model: its spec as it is compiled, its versions and where they run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aimass_compiler import conventions
from aimass_compiler.cli.pages.blocks import Cell, StatusText, number
from aimass_compiler.delivery.lineage import Lineage, VersionLife, lineage
from aimass_compiler.delivery.release_history import ReleasePeriod
from aimass_compiler.model_path import team_of
from aimass_compiler.partial_values import whole_environments
from aimass_compiler.releases.version_record import Rejection, VersionRecord, short_name, version_of
from aimass_compiler.stages import artifacts
from aimass_compiler.stages.result_file import read_result


@dataclass(frozen=True)
class MadeVersion:
    """A version, with what became of it."""

    life: VersionLife
    metric: str
    """The objective's, by which versions are compared."""

    @property
    def record(self) -> VersionRecord:
        return self.life.record

    @property
    def name(self) -> str:
        """What people call it: `v17`."""
        return short_name(self.life.record.name)

    @property
    def rejection(self) -> Rejection | None:
        return self.life.rejection

    @property
    def reached(self) -> float | None:
        """The objective's metric on the test split."""
        return self.record.metrics.get("test", {}).get(self.metric)

    @property
    def shown_metric(self) -> str:
        """The same for people; empty where it is not on record."""
        return "" if self.reached is None else f"{self.metric} {number(self.reached)}"


@dataclass(frozen=True)
class CatalogueEntry:
    """One model of the catalogue."""

    path: str
    pipeline: Mapping[str, Any]
    """Its pipeline.json; empty where it was never compiled."""
    found: Lineage
    report: Path | None
    """The report of its last run, where that is here."""

    @classmethod
    def read(cls, root: Path, model: str) -> CatalogueEntry:
        """What is there of a model. Raises DamagedRecord and git.GitError."""
        report = root / conventions.ARTIFACTS_FOLDER / model / artifacts.REPORT
        found = lineage(root, model)
        return cls(model, _pipeline(root, model), found, report if report.is_file() else None)

    @property
    def page(self) -> str:
        """Where its page is, below the folder of the catalogue."""
        return conventions.CATALOGUE_PAGE.format(model=self.path)

    @property
    def report_page(self) -> str:
        """Where its report is copied to."""
        return f"reports/{self.path}.html"

    @property
    def team(self) -> str:
        return team_of(self.path)

    @property
    def owner(self) -> str:
        return str(self.pipeline.get("metadata", {}).get("owner") or "")

    @property
    def description(self) -> str:
        return str(self.pipeline.get("metadata", {}).get("description") or "")

    @property
    def target(self) -> str:
        """The column that is predicted, or all of them."""
        task = self.pipeline.get("task", {})
        return ", ".join(label["column"] for label in task.get("labels", ())) or str(task.get("target") or "")

    @property
    def task(self) -> str:
        """What kind of answer it gives."""
        task = self.pipeline.get("task", {})
        return "forecast" if task.get("forecast") else str(task.get("kind", "not compiled"))

    @property
    def versions(self) -> list[MadeVersion]:
        """Its versions, the newest last."""
        metric = str(self.pipeline.get("objective", {}).get("metric", ""))
        return [MadeVersion(life, metric) for life in self.found.versions]

    @property
    def running(self) -> dict[str, Cell]:
        """What runs in each environment of its spec, and in any that only git has."""
        names = dict.fromkeys(self.pipeline.get("environments", {}))
        stays = {stay.environment: stay for stay in self._stays() if stay.until is None}
        return {name: self._told(stays[name]) if name in stays else "–" for name in (*names, *stays)}

    def _stays(self) -> Iterator[ReleasePeriod]:
        yield from self.found.strangers
        for life in self.found.versions:
            yield from life.stays

    def _told(self, stay: ReleasePeriod) -> Cell:
        records = [life.record for life in self.found.versions]
        record = version_of(records, stay.digests)
        if record is None:
            return StatusText("no version", "bad")
        name = short_name(record.name)
        if stay.release.hold is not None:
            return StatusText(f"{name} held", "doubtful")
        return (
            StatusText(f"{name} canary", "doubtful")
            if stay.release.stable_images
            else StatusText(name, "good")
        )


def _pipeline(root: Path, model: str) -> Mapping[str, Any]:
    return whole_environments(
        read_result(root / conventions.GENERATED_FOLDER / model / conventions.PIPELINE_FILE)
    )
