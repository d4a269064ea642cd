"""A plan says for every file what happens to it, and why."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from aimass_compiler.plan import Action, Plan, compare, snapshot, unified_diff, update

if TYPE_CHECKING:
    import pathlib

FILES = {
    "churn/dvc.yaml": b"stages: {}\n",
    "churn/base/service.yaml": b"port: 1\n",
    "fraud/dvc.yaml": b"a: 1\n",
}


@pytest.fixture
def folder(tmp_path: pathlib.Path) -> pathlib.Path:
    """An output folder that holds FILES."""
    written = tmp_path / "generated"
    assert update(FILES, written)[1] == []
    return written


def actions(plan: Plan) -> dict[str, str]:
    return {
        change.path: change.action.value for change in plan.changes if change.action is not Action.UNCHANGED
    }


def codes(plan: Plan) -> list[str]:
    return [finding.code for finding in plan.findings]


def test_an_empty_folder_gets_everything(tmp_path: pathlib.Path) -> None:
    plan = compare(FILES, snapshot(tmp_path / "nowhere", FILES))
    assert set(actions(plan)) == {*FILES, "churn/inventory.json", "fraud/inventory.json"}
    assert set(actions(plan).values()) == {"create"}
    assert plan.is_stale
    assert not (tmp_path / "nowhere").exists()


def test_written_files_are_unchanged(folder: pathlib.Path) -> None:
    plan = compare(FILES, snapshot(folder, FILES), prune_models=True)
    assert actions(plan) == {}
    assert not plan.is_stale


def test_the_inventory_lists_what_was_written(folder: pathlib.Path) -> None:
    listed = json.loads((folder / "churn/inventory.json").read_text())
    assert list(listed["files"]) == ["base/service.yaml", "dvc.yaml"]
    assert "announced" not in listed


def test_a_new_content_is_an_update(folder: pathlib.Path) -> None:
    plan, problems = update(FILES | {"churn/dvc.yaml": b"new\n"}, folder)
    assert problems == []
    assert actions(plan) == {"churn/dvc.yaml": "update", "churn/inventory.json": "update"}
    assert (folder / "churn/dvc.yaml").read_bytes() == b"new\n"


def test_only_what_changed_is_written(folder: pathlib.Path) -> None:
    before = (folder / "churn/base/service.yaml").stat().st_ino
    update(FILES | {"churn/dvc.yaml": b"new\n"}, folder)
    assert (folder / "churn/base/service.yaml").stat().st_ino == before


def test_a_file_that_is_no_longer_produced_is_deleted_with_its_folder(folder: pathlib.Path) -> None:
    plan, problems = update({"churn/dvc.yaml": FILES["churn/dvc.yaml"]}, folder)
    assert problems == []
    assert actions(plan) == {"churn/base/service.yaml": "delete", "churn/inventory.json": "update"}
    assert not (folder / "churn/base").exists()
    assert (folder / "fraud/dvc.yaml").exists(), "the other model was not compiled"


def test_a_deleted_file_is_created_again(folder: pathlib.Path) -> None:
    (folder / "churn/dvc.yaml").unlink()
    plan, problems = update(FILES, folder)
    assert problems == []
    assert [change.reason for change in plan.changes if change.action is Action.CREATE] == [
        "was deleted since it was written"
    ]
    assert not compare(FILES, snapshot(folder, FILES)).is_stale


@pytest.mark.parametrize("produced", [FILES | {"churn/dvc.yaml": b"new\n"}, {"churn/x": b""}])
def test_an_edited_file_stops_everything(folder: pathlib.Path, produced: dict[str, bytes]) -> None:
    (folder / "churn/dvc.yaml").write_bytes(b"mine\n")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    plan, problems = update(produced, folder)
    assert actions(plan)["churn/dvc.yaml"] == "edited"
    assert [finding.code for finding in problems] == ["AM033"]
    assert problems[0].file == "generated/churn/dvc.yaml"
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_force_gives_the_edit_up(folder: pathlib.Path) -> None:
    (folder / "churn/dvc.yaml").write_bytes(b"mine\n")
    plan, problems = update(FILES, folder, force=True)
    assert problems == []
    assert actions(plan) == {"churn/dvc.yaml": "update"}
    assert (folder / "churn/dvc.yaml").read_bytes() == FILES["churn/dvc.yaml"]


def test_an_edit_that_says_what_is_produced_is_no_conflict(folder: pathlib.Path) -> None:
    (folder / "churn/dvc.yaml").write_bytes(b"new\n")
    plan, problems = update(FILES | {"churn/dvc.yaml": b"new\n"}, folder)
    assert problems == []
    assert actions(plan) == {"churn/inventory.json": "update"}


def test_a_file_of_somebody_else_is_not_overwritten(tmp_path: pathlib.Path) -> None:
    (tmp_path / "churn").mkdir()
    (tmp_path / "churn/dvc.yaml").write_bytes(b"mine\n")
    plan, problems = update(FILES, tmp_path)
    assert [finding.code for finding in problems] == ["AM033"]
    assert "was not written by the compiler" in problems[0].message
    assert actions(plan)["churn/dvc.yaml"] == "edited"


def test_a_model_that_is_gone_is_pruned_to_what_others_put_there(folder: pathlib.Path) -> None:
    (folder / "fraud/dvc.lock").write_bytes(b"lock")
    (folder / "notes").mkdir()
    (folder / "notes/mine.txt").write_bytes(b"mine")
    produced = {path: content for path, content in FILES.items() if path.startswith("churn/")}
    plan, problems = update(produced, folder, prune_models=True)
    assert [(problem.code, problem.is_error) for problem in problems] == [("AM037", False)]
    assert "`fraud/dvc.lock` will stay" in problems[0].message
    assert actions(plan) == {"fraud/dvc.yaml": "delete", "fraud/inventory.json": "delete"}
    assert [path.name for path in (folder / "fraud").iterdir()] == ["dvc.lock"]
    assert (folder / "notes/mine.txt").exists()
    assert update(produced, folder, prune_models=True)[1] == [], "it is told once"


def test_a_pruned_model_leaves_no_empty_folder(folder: pathlib.Path) -> None:
    assert update({}, folder, prune_models=True)[1] == []
    assert list(folder.iterdir()) == []


def test_an_edited_file_of_a_gone_model_stops_its_pruning(folder: pathlib.Path) -> None:
    (folder / "fraud/dvc.yaml").write_bytes(b"mine\n")
    assert [finding.code for finding in update({}, folder, prune_models=True)[1]] == ["AM033"]
    assert (folder / "churn/dvc.yaml").exists()


def test_files_may_lie_at_the_top(tmp_path: pathlib.Path) -> None:
    files = {"README.md": b"top\n", "churn/dvc.yaml": b"a\n"}
    assert update(files, tmp_path)[1] == []
    assert not compare(files, snapshot(tmp_path, files), prune_models=True).is_stale
    assert update({"churn/dvc.yaml": b"a\n"}, tmp_path, prune_models=True)[1] == []
    assert [path.name for path in tmp_path.iterdir()] == ["churn"]


CONFLICT = b"<<<<<<< ours\n{}\n=======\n{}\n>>>>>>> theirs\n"
BROKEN = {
    "conflict markers": CONFLICT,
    "another format": b'{"format": "aimass.inventory/v9", "files": {}}',
    "a list": b"[]",
    "a path that leads out": b'{"format": "aimass.inventory/v1", "files": {"../../x": "0"}}',
    "an absolute path": b'{"format": "aimass.inventory/v1", "files": {"/etc/passwd": "0"}}',
    "no hash": b'{"format": "aimass.inventory/v1", "files": {"a": 1}}',
    "no files": b'{"format": "aimass.inventory/v1"}',
    "deep brackets": b"[" * 100_000,
    "no text": b"\xff\xfe\x00",
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_inventory_is_named_and_can_be_deleted(folder: pathlib.Path, name: str) -> None:
    (folder / "churn/inventory.json").write_bytes(BROKEN[name])
    plan, problems = update(FILES, folder)
    assert [finding.code for finding in problems] == ["AM034"]
    (folder / "churn/inventory.json").unlink()
    plan, problems = update(FILES, folder)
    assert problems == []
    assert actions(plan) == {"churn/inventory.json": "create"}


def test_the_broken_inventory_of_another_model_is_not_this_ones_problem(folder: pathlib.Path) -> None:
    (folder / "fraud/inventory.json").write_bytes(CONFLICT)
    assert update({"churn/dvc.yaml": b"new\n"}, folder)[1] == []


@pytest.mark.parametrize(
    "path",
    ["../x", "a/../../x", "/etc/x", "a//b", "a/./b", "", "a/", "a\\b", "C:/x",
     "a/\x00", "a/.git/config", "a/.GIT/hooks/x", "a/inventory.json", "a/Inventory.JSON",
     "a/.x.partial", ".partial/a", "a/" + "x" * 201, "a/" * 401 + "x", "a/\ud800"],
)  # fmt: skip
def test_a_path_that_is_unsafe_somewhere_is_refused(tmp_path: pathlib.Path, path: str) -> None:
    plan, problems = update({path: b"x", "churn/dvc.yaml": b"a\n"}, tmp_path / "generated")
    assert [finding.code for finding in problems] == codes(plan) == ["AM030"]
    assert [entry.name for entry in tmp_path.iterdir()] == ["generated"]
    assert list((tmp_path / "generated").iterdir()) == []


@pytest.mark.parametrize(
    "paths",
    [
        ("a/Train", "a/train"),
        ("a/ß", "a/SS"),
        ("a/b", "a/b/c"),
        ("a/B", "a/b/c"),
        ("Churn/a", "churn/b"),
        ("churn/a", "churn"),
    ],
)
def test_two_paths_that_are_one_somewhere_are_refused(tmp_path: pathlib.Path, paths: tuple[str, str]) -> None:
    plan, _ = update(dict.fromkeys(paths, b""), tmp_path)
    assert codes(plan) == ["AM031"]


@pytest.mark.parametrize(("old", "new"), [("churn/dvc.yaml", "churn/DVC.yaml"), ("churn", "Churn")])
def test_what_differs_in_case_only_is_in_the_way(folder: pathlib.Path, old: str, new: str) -> None:
    """Some disks take both for one: there, what is deleted would be what was just written."""
    (folder / old).rename(folder / new)
    plan, problems = update({"churn/dvc.yaml": b"new\n"}, folder, prune_models=True)
    assert {finding.code for finding in problems} == {"AM032"}
    assert f"`{new}` differs from" in plan.findings[0].message
    assert (folder / new).exists()


def test_the_diff_is_that_of_git(folder: pathlib.Path) -> None:
    files = {
        "churn/dvc.yaml": b"stages: {}\nmore: \xc3\xa9\x0c\nno end",
        "churn/base/logo": b"\0\1",
        "churn/empty": b"",
    }
    difference = unified_diff(compare(files, snapshot(folder, files)))
    without_inventory = difference[: difference.index("--- a/generated/churn/inventory.json")]
    assert without_inventory == (
        "Binary files /dev/null and b/generated/churn/base/logo differ\n"
        "--- a/generated/churn/base/service.yaml\n+++ /dev/null\n@@ -1 +0,0 @@\n-port: 1\n"
        "--- a/generated/churn/dvc.yaml\n+++ b/generated/churn/dvc.yaml\n@@ -1 +1,3 @@\n stages: {}\n"
        "+more: é\x0c\n+no end\n\\ No newline at end of file\n"
    )
