"""Rejections and holds are files that say who, why and until when; the records stay as they are."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from delivery.deliveries import digest

if TYPE_CHECKING:
    from delivery.deliveries import Repository

REJECTED = "versions/churn/v3-00000003.rejected.json"
PROD = "releases/prod/churn/kustomization.yaml"


def test_a_rejection_is_a_second_file_and_says_where_the_version_runs(repository: Repository) -> None:
    repository.release("dev", 3)
    repository.release("prod", 3)
    repository.release("staging", 2)
    answer = repository.aimass("reject", "churn", "--version", "v3", "--reason", "scores are all 0")
    assert answer.code == 0
    assert answer.err == (
        "note: `v3-00000003` still runs in dev: `aimass rollback churn --env dev` goes back\n"
        "note: `v3-00000003` still runs in prod: `aimass rollback churn --env prod` goes back\n"
    )
    document = json.loads(repository.read(REJECTED))
    assert (document["by"], document["reason"]) == ("Ada <ada@example.com>", "scores are all 0")
    assert repository.git("status", "--porcelain", "versions") == f"?? {REJECTED}"


def test_a_rejection_is_undone(repository: Repository) -> None:
    repository.aimass("reject", "churn", "--version", "v3", "--reason", "bad")
    again = repository.aimass("reject", "churn", "--version", "v3", "--reason", "worse")
    assert (again.code, again.err) == (
        0,
        "`v3-00000003` was rejected by Ada <ada@example.com> already: bad\n",
    )
    assert repository.aimass("reject", "churn", "--version", "v3", "--undo").code == 0
    assert not (repository.root / REJECTED).exists()


def test_a_hold_reaches_no_pod_and_is_lifted_without_a_trace(repository: Repository) -> None:
    repository.release("prod", 2)
    before = repository.read(PROD)
    until = ("--until", "2126-12-01T00:00Z")
    assert repository.aimass("hold", "churn", "--env", "prod", "--reason", "audit", *until).code == 0
    assert repository.read(PROD) == before + (
        "metadata:\n"
        "  annotations:\n"
        "    aimass.dev/held-by: Ada <ada@example.com>\n"
        "    aimass.dev/hold-reason: audit\n"
        "    aimass.dev/held-until: 2126-12-01T00:00Z\n"
    )
    assert repository.released("prod").digest == digest(2)
    assert repository.aimass("hold", "churn", "--env", "prod", "--lift").code == 0
    assert repository.read(PROD) == before


@pytest.mark.parametrize(
    ("until", "says"), [("tomorrow", "is no time"), ("2020-01-01", "is over already"), ("0h", "is over")]
)
def test_a_hold_ends_in_the_future(repository: Repository, until: str, says: str) -> None:
    repository.release("prod", 2)
    answer = repository.aimass("hold", "churn", "--env", "prod", "--reason", "audit", "--until", until)
    assert (answer.code, says in answer.err) == (2, True)


def test_there_is_nothing_to_hold_where_nothing_is_released(repository: Repository) -> None:
    answer = repository.aimass("hold", "churn", "--env", "prod", "--reason", "audit")
    assert (answer.code, "nothing of `churn` is released in prod" in answer.err) == (1, True)
