"""How a release went decides what git is to become."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from aimass_compiler.delivery.budget_burn import accountable_since
from aimass_compiler.delivery.release_outcome import (
    Conclusion,
    Consequence,
    ReleaseEvidence,
    change,
    conclusion,
)
from aimass_compiler.releases import release_file, version_record
from aimass_compiler.releases.release_file import Release
from delivery.deliveries import Repository, version

NOW = datetime(2026, 11, 9, tzinfo=UTC)
BAD = "RolloutAborted: Metric shift assessed Failed"


@pytest.fixture
def canary(repository: Repository) -> Release:
    """Version 2, which is a canary beside version 1 in prod."""
    repository.release("prod", 1, "2026-11-05T00:00:00Z")
    first, second = version(1).image, version(2).image
    assert first is not None
    assert second is not None
    release = Release(
        environment="prod",
        model="churn",
        images={"churn": second},
        version=version(2).name,
        stable=version(1).name,
        stable_images={"churn": first.digest},
    )
    path = release_file.file_of(repository.root, "prod", "churn")
    path.write_bytes(release_file.edited(path.read_bytes(), release))
    repository.commit("2026-11-08T00:00:00Z")
    return release


def seen(name: str = version(2).name, **facts: bool | str) -> ReleaseEvidence:
    return ReleaseEvidence(version=name, has_rollout=True, **facts)  # type: ignore[arg-type]  # each has its own kind


@pytest.mark.parametrize(
    ("observed", "action"),
    [
        (seen(), Consequence.WAIT),
        (seen(took_over=True), Consequence.FINISH),
        (seen(aborted=True, message=BAD), Consequence.REVERT),
        (seen(undecided=True), Consequence.ASK),
        (seen(burning="availability"), Consequence.REVERT),
        (seen(version(1).name, took_over=True), Consequence.WAIT),
        (ReleaseEvidence(), Consequence.WAIT),
    ],
)
def test_a_canary_is_finished_reverted_or_left(
    canary: Release, observed: ReleaseEvidence, action: Consequence
) -> None:
    assert conclusion(canary, observed).action is action


def test_a_release_without_a_canary_is_reverted_only_while_a_budget_burns(repository: Repository) -> None:
    repository.release("prod", 1, "2026-11-05T00:00:00Z")
    release = repository.released("prod")
    assert release is not None
    assert conclusion(release, ReleaseEvidence()).action is Consequence.NOTHING
    assert conclusion(release, ReleaseEvidence(burning="availability")).action is Consequence.REVERT


def test_the_end_of_a_canary_that_took_over_is_its_promotion(repository: Repository, canary: Release) -> None:
    apply(repository, conclusion(canary, seen(took_over=True)))
    after = repository.released("prod")
    assert after is not None
    assert (after.version, after.stable, after.stable_images) == (version(2).name, "", {})


def test_an_aborted_canary_goes_back_and_its_version_is_rejected_for_the_reason(
    repository: Repository, canary: Release
) -> None:
    apply(repository, conclusion(canary, seen(aborted=True, message=BAD)))
    after = repository.released("prod")
    assert after is not None
    assert (after.version, after.stable) == (version(1).name, "")
    rejection = version_record.rejection_of(repository.root, "churn", version(2).name)
    assert rejection is not None
    assert BAD in rejection.reason


@pytest.mark.parametrize(("day", "since"), [(8, 8), (9, 8), (11, None)])
def test_a_budget_counts_from_when_the_release_came(
    repository: Repository, canary: Release, day: int, since: int | None
) -> None:
    now = datetime(2026, 11, day, 12, tzinfo=UTC)
    wanted = datetime(2026, 11, since, tzinfo=UTC) if since else None
    assert accountable_since(repository.root, canary, timedelta(days=2), now) == wanted


def test_a_canary_that_took_over_is_looked_at_once_more(repository: Repository, canary: Release) -> None:
    apply(repository, conclusion(canary, seen(took_over=True)))
    repository.commit("2026-11-10T00:00:00Z")
    after = repository.released("prod")
    assert after is not None
    for day, since in ((11, datetime(2026, 11, 8, tzinfo=UTC)), (13, None)):
        now = datetime(2026, 11, day, tzinfo=UTC)
        assert accountable_since(repository.root, after, timedelta(days=2), now) == since


def apply(repository: Repository, concluded: Conclusion) -> None:
    for path, content in change(repository.root, concluded, NOW).files.items():
        assert content is not None
        repository.write(path, content)
