"""Entries of the ledger of candidates: one that was tried, or a person who resumes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from aimass_compiler.pipeline import Pipeline
from aimass_compiler.programs.github_run import run_address
from aimass_compiler.releases.candidate_ledger import Outcome, TriedCandidate
from aimass_compiler.retraining.causes import CausesFound
from aimass_compiler.retraining.decision import cost_of, recipe_digest


def attempt(
    pipeline: Pipeline,
    outcome: Outcome,
    found: CausesFound | None = None,
    seconds: float = 0.0,
    *,
    reason: str = "",
    evidence: Sequence[str] = (),
) -> TriedCandidate:
    """A candidate for these causes that took so many seconds to train, and what came of it, now."""
    return TriedCandidate(
        time=datetime.now(UTC).isoformat(timespec="seconds"),
        outcome=outcome,
        causes=tuple(each.text for each in found.causes) if found else (),
        recipe=recipe_digest(pipeline),
        reason=reason,
        evidence=tuple(evidence),
        seconds=round(seconds, 1),
        cost=round(cost_of(pipeline, seconds), 4),
        data=found.data if found else {},
        rows=found.rows if found else "",
        run=run_address(),
    )
