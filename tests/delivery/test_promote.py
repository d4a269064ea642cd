"""A version goes to an environment with what it means, or not at all and with every reason."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from aimass_compiler.releases import release_file, version_record
from aimass_compiler.releases.release_file import Hold
from aimass_compiler.releases.version_record import GateRecord
from delivery.deliveries import CONTRACT, digest, version

if TYPE_CHECKING:
    from delivery.deliveries import Repository

LONG_AGO = "2026-11-05T00:00:00Z"
DEV, PROD = "releases/dev/churn/kustomization.yaml", "releases/prod/churn/kustomization.yaml"


def in_hours(hours: float) -> str:
    return (datetime.now(UTC) + timedelta(hours=hours)).isoformat(timespec="seconds")


def test_the_first_environment_gets_the_newest_version(repository: Repository) -> None:
    answer = repository.aimass("promote", "churn", "--to", "dev")
    assert (answer.code, answer.err) == (0, "")
    assert answer.out == (
        "churn in dev: v3-00000003 (nothing is released there)\n"
        "  made        2026-11-03T00:00:00Z from commit 00000000\n"
        "  data        data/customers.csv 000000000000\n"
        "  parameters  max_depth 7\n"
        "  metrics     test roc_auc 0.803\n"
        "  contract    nothing to compare with\n"
        "  images      churn: registry.example.com/ml/churn none → sha256:100000000000\n"
        "  servers     2 to 4 servers start, the first of this model there\n"
        f"wrote {DEV}\n"
        f"commit it for it to count: `git add {DEV} && git commit -m 'dev: release churn v3'`\n"
    )
    assert repository.read(DEV) == (
        "apiVersion: kustomize.config.k8s.io/v1alpha1\n"
        "kind: Component\n"
        "images:\n"
        "- name: churn\n"
        "  newName: registry.example.com/ml/churn\n"
        f"  digest: {digest(3)}\n"
        "commonAnnotations:\n"
        "  aimass.dev/version: v3-00000003\n"
    )


def test_a_rejected_version_is_not_the_newest(repository: Repository) -> None:
    assert repository.aimass("reject", "churn", "--version", "v3", "--reason", "bad").code == 0
    assert repository.aimass("promote", "churn", "--to", "dev").code == 0
    assert repository.released("dev").version == "v2-00000002"


def test_the_next_environment_gets_what_the_one_before_has(repository: Repository) -> None:
    repository.release("dev", 2, LONG_AGO)
    assert repository.aimass("promote", "churn", "--to", "staging").code == 0
    assert repository.released("staging").digest == digest(2)


def test_what_another_tool_released_before_is_known_by_its_digest(repository: Repository) -> None:
    """`kustomize edit set image` leaves the annotation as it was."""
    repository.release("dev", 2)
    repository.write(DEV, repository.read(DEV).replace(digest(2), digest(3)))
    assert repository.aimass("promote", "churn", "--to", "staging").code == 0
    assert repository.released("staging").version == "v3-00000003"


def test_differences_are_those_from_what_is_released(repository: Repository) -> None:
    repository.release("staging", 2, LONG_AGO)
    repository.release("prod", 1, LONG_AGO)
    answer = repository.aimass("promote", "churn", "--to", "prod")
    assert answer.code == 0
    assert "churn in prod: v2-00000002 (from v1-00000001)\n" in answer.out
    assert "parameters  max_depth 5 → 6\n" in answer.out
    assert "metrics     test roc_auc 0.801 → 0.802 (+0.001)\n" in answer.out
    assert "contract    the same\n" in answer.out
    assert "servers     2 to 4 servers are replaced, a few at a time\n" in answer.out


def test_comments_and_what_else_stands_in_the_file_stay(repository: Repository) -> None:
    repository.release("dev", 1)
    repository.write(
        DEV, "# asked by ops\n" + repository.read(DEV) + "patches:\n- path: more.yaml # theirs\n"
    )
    assert repository.aimass("promote", "churn", "--to", "dev").code == 0
    text = repository.read(DEV)
    assert text.startswith("# asked by ops\n")
    assert "- path: more.yaml # theirs\n" in text
    assert digest(3) in text


def test_every_reason_against_it_is_said_at_once(repository: Repository) -> None:
    bad = version(
        4,
        gates=(GateRecord("roc_auc min 0.9", False, 0.8),),
        service_test=None,
        contract=replace(CONTRACT, columns={"age": CONTRACT.columns["age"]}),
        image=None,
    )
    repository.record(bad)
    repository.release("prod", 1, LONG_AGO)
    held = replace(repository.released("prod"), hold=Hold("Bo", "audit"))
    repository.write(PROD, release_file.edited(repository.read(PROD).encode(), held))
    repository.aimass("reject", "churn", "--version", "v4", "--reason", "scores are all 0")
    before = repository.read(PROD)
    answer = repository.aimass("promote", "churn", "--to", "prod", "--version", "v4")
    assert answer.code == 26
    assert [line for line in answer.err.splitlines() if not line.startswith("  help:")] == [
        "error: `v4-00000004` of `churn` may not go to prod, for 7 reasons:",
        "- `v4-00000004` missed the gate `roc_auc min 0.9`: it reached 0.8",
        "- `v4-00000004` was never tested as a server",
        "- `v4-00000004` was rejected by Ada <ada@example.com>: scores are all 0",
        "- prod is held by Bo: audit",
        "- `v4-00000004` is not released in staging, as the commits here have it; prod wants 24h in staging",
        "- callers would notice that the input `tenure` is removed: requests that name it are refused",
        "- `v4-00000004` was never pushed as an image of server and package",
    ]
    assert repository.read(PROD) == before


@pytest.mark.parametrize(("hours", "code"), [(-25, 0), (-1, 26)])
def test_a_version_soaks_from_when_it_was_merged(repository: Repository, hours: float, code: int) -> None:
    """Written on a branch long before, it counts from the merge that brought it to main."""
    repository.git("switch", "--quiet", "--create", "release")
    repository.release("staging", 2, LONG_AGO)
    repository.git("switch", "--quiet", "main")
    repository.git("merge", "--quiet", "--no-ff", "--message", "merge", "release", at=in_hours(hours))
    answer = repository.aimass("promote", "churn", "--to", "prod")
    assert answer.code == code
    if code:
        assert "`v2-00000002` is in staging for 60m; prod wants 24h in staging" in answer.err
        assert "help: wait another 22h" in answer.err


def test_a_soak_begins_again_with_another_version(repository: Repository) -> None:
    for number, at in ((2, LONG_AGO), (1, in_hours(-30)), (2, in_hours(-2))):
        repository.release("staging", number, at)
    assert "is in staging for 2h" in repository.aimass("promote", "churn", "--to", "prod").err


def test_what_is_not_committed_has_not_soaked(repository: Repository) -> None:
    repository.release("staging", 2)
    answer = repository.aimass("promote", "churn", "--to", "prod")
    assert "is not released in staging, as the commits here have it" in answer.err


@pytest.mark.parametrize(("until", "code"), [("2026-11-02", 26), ("2099-12-31", 0)])
def test_a_waiver_that_has_ended_releases_nothing_where_it_held(
    repository: Repository, until: str, code: int
) -> None:
    policy = "why: zones fail\napprovers: [acme/platform]\nrule: servers\n"
    waiver = f'waivers: [{{model: churn, environments: [dev], reason: it is new, until: "{until}"}}]\n'
    repository.write("policies/three-servers.yaml", policy)
    repository.write("policies/waivers/three-servers.yaml", waiver)
    answer = repository.aimass("promote", "churn", "--to", "dev", "--dry-run")
    assert answer.code == code
    told = "the waiver from policy `three-servers` ended on 2026-11-02: it is new"
    assert (told in answer.err) is bool(code)
    repository.release("dev", 2, LONG_AGO)
    assert repository.aimass("promote", "churn", "--to", "staging", "--dry-run").code == 0


def test_a_hold_ends_by_itself(repository: Repository) -> None:
    repository.release("dev", 1)
    for until, code in (("2026-11-02T00:00Z", 0), (in_hours(1), 26)):
        held = replace(repository.released("dev"), hold=Hold("Bo", "audit", until))
        repository.write(DEV, release_file.edited(repository.read(DEV).encode(), held))
        assert repository.aimass("promote", "churn", "--to", "dev", "--dry-run").code == code


def test_a_break_is_accepted_by_its_name(repository: Repository) -> None:
    repository.record(version(4, contract=replace(CONTRACT, columns={"age": CONTRACT.columns["age"]})))
    repository.release("dev", 3)
    refused = repository.aimass("promote", "churn", "--to", "dev")
    assert refused.code == 26
    assert "add to accepts/churn.yaml: `- {break: input-removed:tenure, reason: …}`" in refused.err
    repository.write("accepts/churn.yaml", "- {break: input-removed:tenure, reason: agreed in November}\n")
    answer = repository.aimass("promote", "churn", "--to", "dev")
    assert answer.code == 0
    assert (
        "breaking: the input `tenure` is removed: requests that name it are refused (accepted)" in answer.out
    )


def test_an_environment_that_mounts_packages_needs_no_pushed_model(repository: Repository) -> None:
    repository.serve(model="volume")
    repository.record(version(4, image=None))
    assert repository.aimass("promote", "churn", "--to", "dev").code == 0
    assert repository.released("dev").digests == {
        "churn": digest(4, "package"),
        "aimass-server": digest(1, "server"),
    }


def test_a_record_that_no_commit_has_is_to_be_committed_with_its_release(repository: Repository) -> None:
    path = f"versions/churn/{version(4).name}.json"
    repository.write(path, version_record.encoded(version(4)).decode())
    answer = repository.aimass("promote", "churn", "--to", "dev")
    assert f"git add releases/dev/churn/kustomization.yaml {path} && git commit" in answer.out
    assert f"wrote {path}" not in answer.out


def test_without_a_registry_git_says_where_a_version_goes_and_no_cluster_can_run_it(
    repository: Repository,
) -> None:
    repository.record(version(4, image=None, server_image=None))
    answer = repository.aimass("promote", "churn", "--to", "dev")
    assert answer.code == 0
    assert "note: no cluster can run it until aimass.yaml sets `images.registry`" in answer.err
    assert repository.released("dev").digests == {"churn": digest(4, "package")}


def test_what_was_made_without_a_registry_is_released_nowhere_once_there_is_one(
    repository: Repository,
) -> None:
    repository.record(version(4, image=None, server_image=None))
    settings = repository.read("aimass.yaml").replace("registry.example.com", "ghcr.io")
    repository.write("aimass.yaml", settings)
    answer = repository.aimass("promote", "churn", "--to", "dev", "--offline")
    assert answer.code == 26
    assert "- `v4-00000004` was made without a registry, so no cluster can run it" in answer.err
    assert "help: `aimass publish churn` pushes the package, as a new version" in answer.err


def test_a_canary_keeps_both_versions_in_git_until_it_is_finished(repository: Repository) -> None:
    repository.release("dev", 1, LONG_AGO)
    repository.serve(rollout={"canary": [5, 100]})
    answer = repository.aimass("promote", "churn", "--to", "dev", "--version", "v2")
    assert "a canary begins beside v1-00000001, by steps: 5 %, 100 % of the traffic" in answer.out
    during = repository.released("dev")
    assert (during.version, during.stable) == ("v2-00000002", "v1-00000001")
    assert (during.digest, during.stable_images) == (digest(2), {"churn": digest(1)})

    assert repository.aimass("promote", "churn", "--to", "dev", "--version", "v3").code == 0
    assert repository.released("dev").stable == "v1-00000001", "it serves on, whichever the canary is"

    answer = repository.aimass("promote", "churn", "--to", "dev", "--finish-canary")
    assert (answer.code, "the canary takes over" in answer.out) == (0, True)
    after = repository.released("dev")
    assert (after.version, after.stable, after.stable_images) == ("v3-00000003", "", {})
    assert repository.aimass("promote", "churn", "--to", "dev", "--finish-canary").code == 26


def test_what_is_released_already_changes_nothing(repository: Repository) -> None:
    repository.release("dev", 3)
    answer = repository.aimass("promote", "churn", "--to", "dev")
    assert answer.code == 0
    assert answer.err == "`v3-00000003` is what is released in dev: there is nothing to change\n"


def test_a_dry_run_writes_nothing(repository: Repository) -> None:
    assert repository.aimass("promote", "churn", "--to", "dev", "--dry-run").code == 0
    assert repository.released("dev") is None


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("churn", "--to", "production"), 2, "did you mean `prod`?"),
        (("chrun", "--to", "dev"), 2, "did you mean `churn`?"),
        (("churn", "--to", "dev", "--version", "v9"), 26, "there is no version `v9`"),
        (("churn", "--to", "prod"), 26, "nothing of `churn` is released in staging"),
    ],
)
def test_what_does_not_exist_is_not_promoted(
    repository: Repository, arguments: tuple[str, ...], code: int, says: str
) -> None:
    answer = repository.aimass("promote", *arguments)
    assert answer.code == code
    assert says in answer.err


def test_settings_with_errors_decide_nothing(repository: Repository) -> None:
    repository.write("aimass.yaml", "environments: {dev: {soak: 24 hours}}\n")
    answer = repository.aimass("promote", "churn", "--to", "dev")
    assert (answer.code, "aimass.yaml has errors" in answer.err) == (1, True)
