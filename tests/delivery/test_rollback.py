"""Going back needs nothing but what ran there before, and never goes forward."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from aimass_compiler.releases import release_file
from aimass_compiler.releases.release_file import Hold
from delivery.deliveries import digest

if TYPE_CHECKING:
    from delivery.deliveries import Repository

PROD = "releases/prod/churn/kustomization.yaml"
REJECTED = "versions/churn/v3-00000003.rejected.json"


def released(repository: Repository, *numbers: int) -> None:
    for day, number in enumerate(numbers, 2):
        repository.release("prod", number, f"2026-11-{day:02}T00:00:00Z")


def test_the_release_of_before_comes_back_as_it_was(repository: Repository) -> None:
    released(repository, 2)
    before = repository.read(PROD)
    released(repository, 3)
    answer = repository.aimass("rollback", "churn", "--env", "prod")
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.splitlines()[:2] == [
        "churn in prod: v3-00000003 → v2-00000002",
        f"wrote {PROD}",
    ]
    assert repository.read(PROD) == before


def test_a_second_rollback_goes_further_back(repository: Repository) -> None:
    released(repository, 1, 2, 3)
    for number in (2, 1):
        assert repository.aimass("rollback", "churn", "--env", "prod").code == 0
        assert repository.released("prod").digest == digest(number)
        repository.commit("2026-11-09T00:00:00Z")
    answer = repository.aimass("rollback", "churn", "--env", "prod")
    assert (answer.code, "no other version on record" in answer.err) == (26, True)


def test_a_promotion_that_was_not_committed_is_gone_back_from(repository: Repository) -> None:
    released(repository, 2)
    repository.release("prod", 3)
    assert repository.aimass("rollback", "churn", "--env", "prod").code == 0
    assert repository.released("prod").digest == digest(2)


def test_a_rejected_version_is_passed_over(repository: Repository) -> None:
    released(repository, 1, 2, 3)
    repository.aimass("reject", "churn", "--version", "v2", "--reason", "biased")
    assert repository.aimass("rollback", "churn", "--env", "prod").code == 0
    assert repository.released("prod").digest == digest(1)
    answer = repository.aimass("rollback", "churn", "--env", "prod", "--version", "v2")
    assert (answer.code, "was rejected by Ada <ada@example.com>: biased" in answer.err) == (26, True)


def test_what_it_goes_back_from_is_rejected_in_the_same_change(repository: Repository) -> None:
    released(repository, 2, 3)
    answer = repository.aimass("rollback", "churn", "--env", "prod", "--reject", "all scores are 0")
    assert answer.code == 0
    assert f"wrote {PROD}\nwrote {REJECTED}\n" in answer.out
    assert '"reason": "all scores are 0"' in repository.read(REJECTED)


def test_during_a_canary_it_goes_back_to_what_serves_beside_it(repository: Repository) -> None:
    released(repository, 1)
    repository.serve(rollout={"canary": [5, 100]})
    repository.write("aimass.yaml", "environments: {prod: {}}\n")
    assert repository.aimass("promote", "churn", "--to", "prod", "--version", "v3").code == 0
    assert repository.released("prod").stable == "v1-00000001"
    assert repository.aimass("rollback", "churn", "--env", "prod").code == 0
    after = repository.released("prod")
    assert (after.version, after.digest, after.stable, after.stable_images) == (
        "v1-00000001",
        digest(1),
        "",
        {},
    )


def test_a_named_version_must_have_run_there(repository: Repository) -> None:
    released(repository, 1, 3)
    assert repository.aimass("rollback", "churn", "--env", "prod", "--version", "v1").code == 0
    answer = repository.aimass("rollback", "churn", "--env", "prod", "--version", "v2")
    assert (answer.code, "`v2` never ran in prod before" in answer.err) == (26, True)


def test_a_hold_is_reported_and_stays(repository: Repository) -> None:
    released(repository, 2, 3)
    held = replace(repository.released("prod"), hold=Hold("Bo", "audit"))
    repository.write(PROD, release_file.edited(repository.read(PROD).encode(), held))
    answer = repository.aimass("rollback", "churn", "--env", "prod")
    assert (answer.code, answer.err) == (0, "note: prod is held by Bo: audit; it stays so\n")
    after = repository.released("prod")
    assert (after.digest, after.hold) == (digest(2), Hold("Bo", "audit"))


@pytest.mark.parametrize("broken", ["aimass.yaml", "specs/churn.yaml", "generated/churn/pipeline.json"])
def test_it_works_while_everything_else_is_broken(repository: Repository, broken: str) -> None:
    released(repository, 2, 3)
    repository.write(broken, "environments: {{{")
    assert repository.aimass("rollback", "churn", "--env", "prod").code == 0
    assert repository.released("prod").digest == digest(2)


def test_a_shallow_clone_says_what_it_lacks(repository: Repository) -> None:
    released(repository, 2, 3)
    clone = repository.root.parent / "clone"
    repository.git("clone", "--quiet", "--depth", "1", f"file://{repository.root}", str(clone))
    repository.root = clone
    answer = repository.aimass("rollback", "churn", "--env", "prod")
    assert (answer.code, "`git fetch --unshallow`" in answer.err) == (26, True)


def test_where_nothing_is_released_there_is_nothing_to_go_back_from(repository: Repository) -> None:
    answer = repository.aimass("rollback", "churn", "--env", "prod")
    assert (answer.code, answer.err) == (26, "error: nothing of `churn` is released in prod\n")


def test_without_a_cluster_the_way_back_in_git_alone_is_shown(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(repository.root / "no-kubeconfig"))
    released(repository, 1, 2)
    done = repository.aimass("rollback", "churn", "--env", "prod", "--now")
    assert done.code == 1
    assert done.err.endswith(
        "note: in git alone, without the cluster: `aimass rollback churn --env prod --pull-request`\n"
    )
