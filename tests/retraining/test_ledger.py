"""What was tried is known in every clone, and who writes last is not lost."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from aimass_compiler.releases import candidate_ledger
from aimass_compiler.releases.candidate_ledger import LedgerFailed, TriedCandidate


def git(folder: Path, *arguments: str) -> None:
    named = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    subprocess.run(["git", *named, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def clones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Two clones of one repository with one commit."""
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_NAME", "a")
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "a@example.com")
    origin, first, second = (tmp_path / name for name in ("origin", "first", "second"))
    git(tmp_path, "init", "--bare", str(origin))
    git(tmp_path, "clone", str(origin), str(first))
    git(first, "commit", "--allow-empty", "-m", "begin")
    git(first, "push", "origin", "HEAD")
    git(tmp_path, "clone", str(origin), str(second))
    return first, second


def entry(hour: int) -> TriedCandidate:
    return TriedCandidate(time=f"2026-12-01T{hour:02}:00:00+00:00", outcome="failed", reason="`a gate`")


def test_every_clone_knows_what_each_tried(clones: tuple[Path, Path]) -> None:
    first, second = clones
    assert candidate_ledger.read(first, "growth/churn") == []
    candidate_ledger.append(first, "growth/churn", entry(1))
    candidate_ledger.append(second, "growth/churn", entry(2))
    candidate_ledger.append(first, "growth/churn", entry(3))
    assert candidate_ledger.read(second, "growth/churn") == [entry(1), entry(2), entry(3)]
    assert candidate_ledger.read(second, "churn") == []
    listed = subprocess.run(["git", "branch", "--all"], cwd=second, check=True, capture_output=True)
    assert b"candidates" not in listed.stdout


def test_without_a_remote_this_clone_knows_it(tmp_path: Path, clones: tuple[Path, Path]) -> None:
    first, _ = clones
    git(first, "remote", "remove", "origin")
    candidate_ledger.append(first, "churn", entry(1))
    assert candidate_ledger.read(first, "churn") == [entry(1)]
    with pytest.raises(LedgerFailed):
        candidate_ledger.append(tmp_path, "churn", entry(1))
