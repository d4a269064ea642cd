"""docs/operating.md, a month of a model's life, is run from its first command to its last."""

from __future__ import annotations

import socket
import subprocess
from typing import TYPE_CHECKING

import pytest

from pipeline.projects import PATIENCE_SECONDS, customers
from tests.documentation.blocks import ROOT, blocks

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.projects import Project

PORT = "8091"


@pytest.mark.nightly
@pytest.mark.pipeline
def test_a_month_of_a_model(project: Project, tmp_path_factory: pytest.TempPathFactory) -> None:
    home = tmp_path_factory.mktemp("home")
    (home / "exports").mkdir()
    (home / "exports/customers.csv").write_text(customers(260), encoding="utf-8")
    project.write(".gitignore", "/artifacts/\n/data/\n/records/\n/public/\n/.site/\n/*.html\n")
    commands = [each.text for each in blocks(ROOT / "docs/operating.md") if not each.reason]
    script = "\n".join(["set -euo pipefail", "git init --quiet --initial-branch main", *commands])
    done = subprocess.run(
        ["bash", "-c", script.replace(PORT, free_port())],
        cwd=project.root,
        env=project.environment(HOME=str(home), **who()),
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "rejected by" in done.stdout
    assert records(project.root) == ["v1", "v2"]
    assert not (project.root / "generated/churn").exists()
    assert (project.root / "public/models/churn.html").is_file()
    assert "Difference to what is released" in (project.root / "november.html").read_text(encoding="utf-8")


def records(root: Path) -> list[str]:
    """The versions that stay on record."""
    found = (path.name for path in (root / "versions/churn").glob("v*.json"))
    return sorted(name.partition("-")[0] for name in found if "rejected" not in name)


def who() -> dict[str, str]:
    """Whose commits they are."""
    return {
        f"GIT_{role}_{part}": value
        for role in ("AUTHOR", "COMMITTER")
        for part, value in (("NAME", "Olga"), ("EMAIL", "olga@example.com"))
    }


def free_port() -> str:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return str(found.getsockname()[1])
