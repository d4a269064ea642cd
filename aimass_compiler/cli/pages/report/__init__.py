"""The report of a model: what its last run left, and what git has of its versions, section by section."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from aimass_compiler.cli.pages.blocks import Block, Page, Section
from aimass_compiler.cli.pages.report import (
    answers,
    clusters,
    cost,
    data,
    difference,
    drift,
    forecast,
    gates,
    importance,
    learning_curves,
    lineage,
    metrics,
    production,
    progress,
    search,
    service,
    summary,
)
from aimass_compiler.cli.pages.report.run_results import RunResults

#: The sections in their order: where one has nothing to say of a model, it is left out.
_SECTIONS: Sequence[tuple[str, str, Callable[[RunResults], Iterable[Block]]]] = (
    ("summary", "Summary", summary.blocks),
    ("progress", "Under way", progress.blocks),
    ("gates", "Gates", gates.blocks),
    ("difference", "Difference to what is released", difference.blocks),
    ("data", "Data", data.blocks),
    ("drift", "Movement of data", drift.blocks),
    ("search", "Search", search.blocks),
    ("learning", "Learning", learning_curves.blocks),
    ("metrics", "Metrics", metrics.blocks),
    ("forecast", "Steps ahead", forecast.blocks),
    ("clusters", "Clusters", clusters.blocks),
    ("answers", "Answers", answers.blocks),
    ("importance", "What it rests on", importance.blocks),
    ("service", "Service", service.blocks),
    ("production", "In production", production.blocks),
    ("cost", "Cost", cost.blocks),
    ("lineage", "Lineage", lineage.blocks),
)


def report(results: RunResults) -> Page:
    """The page of a model's report."""
    sections = [
        Section(anchor, title, blocks)
        for anchor, title, blocks_of in _SECTIONS
        if (blocks := list(blocks_of(results)))
    ]
    return Page(results.pipeline.path, results.pipeline.metadata.description or "", sections)
