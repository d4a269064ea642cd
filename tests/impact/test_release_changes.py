"""What a plan says of releases: which version goes where, with its metrics and contract, and who holds it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from harness.version_records import recorded, release_of
from msgspec.structs import replace

from aimass_compiler.cli.views.changes import lines
from aimass_compiler.cli.views.plan import contract
from aimass_compiler.cli.views.release_changes import release_tree
from aimass_compiler.impact.release_changes import GitReleases, Versions, release_changes, releases_in
from aimass_compiler.releases.release_file import Hold, Release, edited
from aimass_compiler.releases.version_record import ImageDigest, VersionRecord
from aimass_compiler.render.facts import Contract, RequestColumn

AGE = RequestColumn(type="number", is_read=True, missing=0.0, min=16.0)
REFUSED = "values below it are refused"
HOLD = Hold(by="ops@example.com", reason="the ground is shaking", until="2026-12-01T00:00:00Z")


def contract_of(**columns: RequestColumn) -> Contract:
    return Contract(
        task="classification", target="churned", classes=("no", "yes"), positive="yes", columns=columns
    )


@pytest.fixture
def versions(tmp_path: Path) -> dict[int, VersionRecord]:
    """Three versions: the second is better and asks for more, the third is it on another server."""
    first = recorded(
        tmp_path, "churn", 1, contract=contract_of(age=AGE), metrics={"test": {"roc_auc": 0.861}}
    )
    more = {"metrics": {"test": {"roc_auc": 0.868}}, "contract": contract_of(age=replace(AGE, min=18.0))}
    second = recorded(tmp_path, "churn", 2, data={"data/customers.csv": "1" * 32}, **more)
    third = recorded(tmp_path, "churn", 3, second.package, rebased_from=second.name, data=second.data, **more)
    return {1: first, 2: second, 3: third}


def git(*releases: Release) -> GitReleases:
    """What git has where exactly these are released; written and read as files are."""
    return releases_in(
        {
            f"releases/{each.environment}/{each.model}/kustomization.yaml": edited(None, each)
            for each in releases
        }
    )


def drawn(root: Path, before: GitReleases, after: GitReleases, **how: Any) -> list[str]:
    tree = release_tree(release_changes(before, after, Versions(root), **how), contract)
    return [line.removeprefix("  ") for line in [*lines(tree)][1:]] if tree else []


def test_a_promotion_is_shown_with_metrics_contract_and_data(
    tmp_path: Path, versions: dict[int, VersionRecord]
) -> None:
    before, after = git(release_of(versions[1], "dev")), git(release_of(versions[2], "dev"))
    assert drawn(tmp_path, before, after) == [
        f"~ dev: churn goes from {versions[1].name} to {versions[2].name}",
        "      on the test rows of each: roc_auc 0.861 → 0.868",
        "    ~ its servers are replaced in turn",
        f"    ! trained on other rows than {versions[1].name}: data/customers.csv",
        f"    - breaking: `age` has min 18 instead of 16: {REFUSED} [input-min-raised:age=18]",
    ]
    assert drawn(tmp_path, before, before) == []
    (back, *_) = drawn(tmp_path, after, before)
    assert back == f"~ dev: churn goes back from {versions[2].name} to {versions[1].name}"


def test_servers_are_replaced_by_canary_where_argo_rollouts_runs_them(
    tmp_path: Path, versions: dict[int, VersionRecord]
) -> None:
    before, after = git(release_of(versions[1], "prod")), git(release_of(versions[2], "prod"))
    shown = drawn(tmp_path, before, after, is_canary=lambda environment, _model: environment == "prod")
    assert "    ~ its servers are replaced by canary" in shown


def test_a_rebase_says_that_the_package_is_the_same(
    tmp_path: Path, versions: dict[int, VersionRecord]
) -> None:
    before, after = git(release_of(versions[2], "dev")), git(release_of(versions[3], "dev"))
    text = (
        f"~ dev: churn goes from {versions[2].name} to {versions[3].name}, the same package on another server"
    )
    assert drawn(tmp_path, before, after) == [text, "    ~ its servers are replaced in turn"]


def test_what_comes_and_goes(tmp_path: Path, versions: dict[int, VersionRecord]) -> None:
    released = git(release_of(versions[1], "dev"), release_of(versions[1], "prod"))
    assert drawn(tmp_path, git(), released) == [
        f"+ dev and prod: churn is deployed for the first time, with {versions[1].name}"
    ]
    (gone, breach) = drawn(tmp_path, released, git(release_of(versions[1], "dev")))
    assert gone == f"- prod: churn is removed, where {versions[1].name} runs: its objects are deleted"
    assert breach.endswith("it is no longer deployed there [environment-removed:prod]")


@pytest.mark.parametrize(
    ("ends_with", "words"),
    [(2, "ends its canary: {2} takes over from {1}"), (1, "ends its canary: {1} serves on, and {2} goes")],
)
def test_a_canary_begins_and_ends(
    tmp_path: Path, versions: dict[int, VersionRecord], ends_with: int, words: str
) -> None:
    names = {number: record.name for number, record in versions.items()}
    stable = git(release_of(versions[1], "prod"))
    beside = {"churn": release_of(versions[1], "prod").digest}
    canary = git(release_of(versions[2], "prod", stable=names[1], stable_images=beside))
    (begins, *_) = drawn(tmp_path, stable, canary)
    assert begins == f"~ prod: churn begins a canary: {names[2]} beside {names[1]}, which serves on"
    (ends, *_) = drawn(tmp_path, canary, git(release_of(versions[ends_with], "prod")))
    text = words.replace("{1}", names[1]).replace("{2}", names[2])
    assert ends == f"~ prod: churn {text}"


def test_a_hold_and_its_end(tmp_path: Path, versions: dict[int, VersionRecord]) -> None:
    free, held = git(release_of(versions[1], "prod")), git(release_of(versions[1], "prod", hold=HOLD))
    words = "held by ops@example.com until 2026-12-01T00:00:00Z: the ground is shaking"
    assert drawn(tmp_path, free, held) == [f"~ prod: churn is {words}"]
    assert drawn(tmp_path, held, free) == ["~ prod: churn is no longer held by ops@example.com"]


def test_an_image_without_a_record_and_a_wrong_annotation_are_seen(
    tmp_path: Path, versions: dict[int, VersionRecord]
) -> None:
    unknown = {"churn": ImageDigest("ghcr.io/acme/churn", f"sha256:{'f' * 64}")}
    before = git(release_of(versions[1], "dev"))
    shown = drawn(tmp_path, before, git(release_of(versions[1], "dev", images=unknown, version="")))
    assert shown[0] == f"~ dev: churn goes from {versions[1].name} to sha256:ffffffffffff"
    assert "    ! no record in versions/churn has its digest, so no more is known of it" in shown
    left = drawn(tmp_path, before, git(release_of(versions[2], "dev", version=versions[1].name)))
    assert left[0] == f"~ dev: churn goes from {versions[1].name} to {versions[2].name}"
    assert (
        f"    ! its annotation says {versions[1].name}, and its images are those of {versions[2].name}"
        in left
    )


def test_a_damaged_release_is_named(tmp_path: Path, versions: dict[int, VersionRecord]) -> None:
    broken = releases_in({"releases/dev/churn/kustomization.yaml": b"kind: Secret"})
    (line,) = drawn(tmp_path, git(release_of(versions[1], "dev")), broken)
    start = "! dev: churn has a release that cannot be read: it is no Kustomize component: "
    assert line.startswith(start)
    assert "'Secret'" in line


def test_the_same_of_many_models_is_said_once(tmp_path: Path) -> None:
    names = [f"model-{number:03}" for number in range(200)]
    records = [recorded(tmp_path, name) for name in names]
    rebased = [recorded(tmp_path, each.model, 2, each.package) for each in records]
    nowhere, first = git(), git(*(release_of(each, "prod") for each in records))
    second = git(*(release_of(each, "prod") for each in rebased))
    shown = f"{', '.join(names[:10])} and 190 more"
    assert drawn(tmp_path, nowhere, first) == [f"+ prod: 200 models are deployed for the first time: {shown}"]
    assert drawn(tmp_path, first, second) == [
        f"~ prod: 200 models go to the same package on another server: {shown}",
        "    ~ its servers are replaced in turn",
    ]
    held = git(*(release_of(each, "prod", hold=replace(HOLD, until="", reason="")) for each in records))
    assert drawn(tmp_path, first, held) == [f"~ prod: 200 models are held by ops@example.com: {shown}"]


def test_only_files_at_the_place_of_a_release_are_releases() -> None:
    text = b"kind: Component\nimages: [{name: a, digest: 'sha256:" + b"0" * 64 + b"'}]"
    files = {
        f"releases/{path}": text for path in ("kustomization.yaml", "dev/kustomization.yaml", "dev/a/b.yaml")
    }
    assert releases_in({**files, "specs/dev/a/kustomization.yaml": text}) == GitReleases()
    assert [*releases_in({"releases/dev/a/kustomization.yaml": text}).found] == [("dev", "a")]
