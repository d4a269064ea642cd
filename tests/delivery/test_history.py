"""The history of a model says what each version came from, and where it ran from when until when."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from delivery.deliveries import digest, version

if TYPE_CHECKING:
    from delivery.deliveries import Repository

DEV = "releases/dev/churn/kustomization.yaml"


@pytest.fixture
def told(repository: Repository) -> Repository:
    """v1 and v2 ran in dev; v1 in prod, where it is no more; v3 was rejected, and v4 is a rebase of v2."""
    repository.release("dev", 1, "2026-11-02T00:00:00Z")
    repository.release("prod", 1, "2026-11-03T00:00:00Z")
    repository.release("dev", 2, "2026-11-04T00:00:00Z")
    repository.git("rm", "--quiet", "-r", "releases/prod")
    repository.commit("2026-11-05T00:00:00Z")
    repository.record(version(4, rebased_from="v2-00000002"))
    repository.aimass("reject", "churn", "--version", "v3", "--reason", "bad")
    return repository


def test_all_versions_are_listed_the_newest_first(told: Repository) -> None:
    answer = told.aimass("history", "churn")
    assert (answer.code, answer.err) == (0, "")
    assert answer.out == (
        "version      made        commit    metrics        ran\n"
        "v4-00000004  2026-11-04  00000000  roc_auc 0.804\n"
        "v3-00000003  2026-11-03  00000000  roc_auc 0.803\n"
        "v2-00000002  2026-11-02  00000000  roc_auc 0.802  dev 2026-11-04 – now\n"
        "v1-00000001  2026-11-01  00000000  roc_auc 0.801  "
        "dev 2026-11-02 – 2026-11-04, prod 2026-11-03 – 2026-11-05\n"
        "v4-00000004: rebased from v2-00000002\n"
        "v3-00000003: rejected by Ada <ada@example.com>: bad\n"
    )


def test_of_many_metrics_those_that_gates_ask_for_come_first(repository: Repository) -> None:
    reached = {"accuracy": 0.9, "brier_score": 0.1, "f1": 0.7, "roc_auc": 0.804}
    repository.record(version(4, metrics={"test": reached}))
    assert "roc_auc 0.804, accuracy 0.9\n" in repository.aimass("history", "churn").out


def test_those_of_one_environment_are_listed(told: Repository) -> None:
    document = json.loads(told.aimass("history", "churn", "--env", "prod", "--format", "json").out)
    ((only,), strangers) = document["versions"], document["strangers"]
    assert (only["record"]["name"], strangers) == ("v1-00000001", [])
    (stay,) = only["ran"]
    assert (stay["environment"], stay["from"][:10], stay["until"][:10]) == (
        "prod",
        "2026-11-03",
        "2026-11-05",
    )


def test_one_version_is_shown_with_all_that_is_on_record(told: Repository) -> None:
    out = told.aimass("history", "churn", "--version", "v1").out
    for line in (
        "churn v1-00000001",
        "  data        data/customers.csv 000000000000",
        "  parameters  max_depth 5",
        "  gates       roc_auc min 0.8: passed",
        "  ran         dev from 2026-11-02T00:00 until 2026-11-04T00:00, by Ada in ",
    ):
        assert line in out


def test_a_version_is_found_by_what_its_server_answers(told: Repository) -> None:
    out = told.aimass("history", "churn", "--version", version(2).package_version).out
    assert out.startswith("churn v2-00000002\n")
    assert f"  answers as  {version(2).package_version}\n" in out


def test_what_other_tools_released_is_found_by_its_digest(told: Repository) -> None:
    told.write(DEV, told.read(DEV).replace(digest(2), digest(4)))
    told.commit("2026-11-06T00:00:00Z", "kustomize edit set image")
    out = told.aimass("history", "churn").out
    assert "dev 2026-11-06 – now" in out
    assert "annotated as another version in dev" in out


def test_what_ran_and_is_no_version_is_reported(told: Repository) -> None:
    told.write(DEV, told.read(DEV).replace(digest(2), digest(9)))
    told.commit("2026-11-06T00:00:00Z")
    assert (
        "note: dev 2026-11-06 – now ran registry.example.com/ml/churn@" in told.aimass("history", "churn").out
    )


def test_markdown_shows_the_table_as_it_is(told: Repository) -> None:
    out = told.aimass("history", "churn", "--format", "markdown").out
    assert out.startswith("```text\nversion ")
    assert out.endswith("\n```\n")


def test_without_a_repository_versions_are_listed_that_ran_nowhere(repository: Repository) -> None:
    (repository.root / ".git").rename(repository.root / "no.git")
    answer = repository.aimass("history", "churn")
    assert (answer.code, answer.out.count("\n")) == (0, 4)
