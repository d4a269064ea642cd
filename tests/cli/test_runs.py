"""`aimass runs`: experiments of DVC beside the run that is here, compared, adopted and forgotten."""

from __future__ import annotations

import hashlib
import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from cli.projects import Project

IDENTITY = ("-c", "user.name=Ann", "-c", "user.email=ann@example.com")
LOCK = "generated/churn/dvc.lock"


def git(root: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *IDENTITY, *arguments], cwd=root, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def keep(project: Project, name: str, before: str, after: str, auc: float, *, passed: bool = True) -> None:
    """Leave what `dvc exp save` leaves of a run: a commit, its ref, and results in the cache."""
    root = project.root
    project.edit(before, after)
    assert project.aimass("compile").code == 0
    results = {
        "evaluate/metrics.json": {split: {"roc_auc": auc} for split in ("train", "validation", "test")},
        "evaluate/verdict.json": {"gates": [{"passed": passed, "reason": f"roc_auc is {auc}"}]},
    }
    outs = [
        {"path": f"artifacts/churn/{path}", "md5": cached(root, found)} for path, found in results.items()
    ]
    project.write(LOCK, json.dumps({"schema": "2.0", "stages": {"evaluate": {"outs": outs}}}))
    git(root, "add", "specs", "generated")
    tree = git(root, "write-tree")
    baseline = git(root, "rev-parse", "HEAD")
    message = f"aimass run churn --set {after} --name {name}"
    commit = git(root, "commit-tree", tree, "-p", baseline, "-m", message)
    git(root, "update-ref", f"refs/exps/{baseline[:2]}/{baseline[2:]}/{name}", commit)
    git(root, "reset", "--hard", "--quiet")


def cached(root: Path, document: dict[str, Any]) -> str:
    content = json.dumps(document).encode()
    name = hashlib.md5(content, usedforsecurity=False).hexdigest()
    path = root / ".dvc" / "cache" / "files" / "md5" / name[:2] / name[2:]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return name


@pytest.fixture
def kept(compiled: Project) -> Project:
    """A project with two experiments on its only commit, of which the second is better and missed a gate."""
    git(compiled.root, "init", "--quiet")
    git(compiled.root, "add", ".")
    git(compiled.root, "commit", "--quiet", "-m", "base")
    keep(compiled, "longer", "max_iter: 500", "max_iter: 900", 0.7)
    keep(compiled, "strong", "{max_iter: 500}", "{max_iter: 500, l2: 5.0}", 0.8, passed=False)
    return compiled


def test_runs_are_listed_with_what_differs_and_the_best_first(kept: Project) -> None:
    done = kept.aimass("runs", "churn")
    assert [line.split() for line in done.out.splitlines()[:3]] == [
        ["run", "roc_auc", "l2", "max_iter", "gates"],
        ["strong", "0.8", "5", "500", "missed"],
        ["longer", "0.7", "1", "900", "passed"],
    ]
    assert done.out.endswith("parameters are those that differ\nstrong: roc_auc is 0.8\n")


@pytest.mark.parametrize(
    ("column", "order"),
    [("l2", ["longer", "strong"]), ("max_iter", ["strong", "longer"]), ("roc_auc", ["strong", "longer"])],
)
def test_runs_are_sorted_by_any_column(kept: Project, column: str, order: list[str]) -> None:
    document = json.loads(kept.aimass("runs", "churn", "--sort", column, "--format", "json").out)
    assert [run["name"] for run in document["runs"]] == order


def test_of_runs_with_folds_their_mean_is_shown(kept: Project) -> None:
    folds = {"cross_validation": {"roc_auc": {"mean": 0.75, "std": 0.1}}}
    kept.write("artifacts/churn/evaluate/metrics.json", json.dumps(folds))
    done = kept.aimass("runs", "churn", "--split", "cross_validation")
    assert done.out.splitlines()[1].split()[:2] == ["here", "0.75"]
    assert "mean metrics of the folds; parameters" in done.out


def test_of_several_models_the_one_that_was_chosen_is_compared(kept: Project) -> None:
    path = "generated/churn/pipeline.json"
    document = json.loads((kept.root / path).read_text())
    document["model"] = {"one_of": [document["model"], {"naive_bayes": {}}]}
    kept.write(path, json.dumps(document))
    best = {"model": "naive_bayes", "parameters": {"smoothing": 1e-9}}
    kept.write("artifacts/churn/train/best.json", json.dumps(best))
    kept.write("artifacts/churn/evaluate/metrics.json", json.dumps({"validation": {"roc_auc": 0.9}}))
    first, second, *_ = (line.split() for line in kept.aimass("runs", "churn").out.splitlines())
    assert first == ["run", "roc_auc", "model", "gates"]
    assert second == ["here", "0.9", "naive_bayes", "passed"]


def test_programs_get_what_each_run_was_and_reached(kept: Project) -> None:
    document = json.loads(kept.aimass("runs", "churn", "--format", "json").out)
    best = document["runs"][0]
    assert best["parameters"] == {
        "model.logistic_regression.max_iter": 500,
        "model.logistic_regression.l2": 5.0,
    }
    assert best["metrics"]["test"] == {"roc_auc": 0.8}
    assert best["missed_gates"] == ["roc_auc is 0.8"]
    assert best["baseline"] == git(kept.root, "rev-parse", "HEAD")


def test_the_winner_is_written_into_the_spec_beside_what_changed_since(kept: Project) -> None:
    kept.edit("metadata:\n", "metadata:   # mine\n")
    kept.edit("log: [charges, age]", "log: charges")
    before = (kept.root / "specs/churn.yaml").read_text()
    done = kept.aimass("runs", "churn", "--adopt", "strong", "--dry-run")
    assert done.out == "specs/churn.yaml would change\n"
    done = kept.aimass("runs", "churn", "--adopt", "strong")
    assert done.code == 0
    assert (kept.root / "specs/churn.yaml").read_text() == before.replace(
        "{max_iter: 500}", "{max_iter: 500, l2: 5.0}"
    )
    again = kept.aimass("runs", "churn", "--adopt", "strong")
    assert again.out == "specs/churn.yaml has the values of strong already\n"


def test_a_run_that_was_removed_is_gone_for_dvc_too(kept: Project) -> None:
    assert kept.aimass("runs", "churn", "--remove", "longer").code == 0
    assert "longer" not in git(kept.root, "for-each-ref", "refs/exps")
    assert "longer" not in kept.aimass("runs", "churn").out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--adopt", "longre"), "error: there is no run `longre`\nhelp: did you mean `longer`?\n"),
        (("--remove", "x"), "error: there is no run `x`\nhelp: known here: `longer`, `strong`\n"),
        (
            ("--sort", "l3"),
            "error: no run has a column `l3`\nhelp: known here: `l2`, `max_iter`, `roc_auc`\n",
        ),
    ],
)
def test_a_name_that_is_none_is_refused(kept: Project, arguments: tuple[str, ...], message: str) -> None:
    done = kept.aimass("runs", "churn", *arguments)
    assert (done.code, done.err) == (2, message)


def test_without_a_run_it_says_how_to_make_one(project: Project) -> None:
    done = project.aimass("runs", "churn")
    assert done.code == 0
    assert done.out.startswith("no run of churn is here or was kept: `aimass run churn`")


def test_unknown_keys_are_found_before_anything_runs(kept: Project) -> None:
    done = kept.aimass("run", "churn", "--set", "model.logistic_regression.max_itre=1")
    assert done.code == 1
    assert "there is no key `max_itre` in `model.logistic_regression`" in done.err
    assert "help: did you mean `max_iter`?" in done.err
    assert not (kept.root / ".dvc" / "tmp").exists()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("longer", "there is a run `longer` already"),
        ("a b", "`a b` cannot be the name of a run"),
        ("../up", "`../up` cannot be the name of a run"),
    ],
)
def test_a_name_that_cannot_be_is_refused_before_anything_runs(
    kept: Project, name: str, message: str
) -> None:
    done = kept.aimass("run", "churn", "--set", "training.seed=8", "--name", name)
    assert (done.code, done.err.splitlines()[0]) == (1, f"error: {message}")


def test_without_a_commit_a_named_run_says_what_is_needed(project: Project) -> None:
    done = project.aimass("run", "churn", "--set", "training.seed=8")
    assert done.code == 1
    assert "help: `git init`, `git add .` and `git commit`, then run again\n" in done.err
