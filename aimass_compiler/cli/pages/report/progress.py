"""How far a search is that goes on, or was stopped: the trials that have ended so far."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from aimass_compiler.cli.pages import charts
from aimass_compiler.cli.pages.blocks import Block, Chart, StatusSentence
from aimass_compiler.cli.pages.report.run_results import RunResults
from aimass_compiler.stages import artifacts


def blocks(results: RunResults) -> Iterator[Block]:
    """The trials, which are gone once the search's own results are there."""
    outcomes = sorted(_outcomes(results), key=lambda outcome: outcome["id"])
    if not outcomes:
        return
    done = [outcome for outcome in outcomes if outcome.get("value") is not None]
    yield StatusSentence(
        f"A search goes on, or was stopped: {len(outcomes)} trials have ended, of "
        f"{results.pipeline.search.trials} at most."
    )
    if results.document(artifacts.METRICS):
        yield StatusSentence("What is measured and tested below is of the run before.", "doubtful")
    if done:
        metric = results.pipeline.objective.metric
        rows = [{"x": outcome["id"], "y": outcome["value"]} for outcome in done]
        yield Chart(
            "Trials so far",
            f"{metric} on the validation split of each trial that has ended.",
            charts.points(rows, "trial", metric, is_counted=True),
        )


def _outcomes(results: RunResults) -> Iterator[dict[str, Any]]:
    for path in results.folder.glob("search/*/trials/*/outcome.json"):
        try:
            yield json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue  # it has just been replaced
