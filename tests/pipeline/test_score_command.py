"""`aimass score` as people call it: a table through the package of the last run, and what it cannot do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars
import pytest

from aimass_compiler.exit_codes import ExitCode

if TYPE_CHECKING:
    from pipeline.projects import Project

pytestmark = pytest.mark.slow
HEAD = "customer,age,charges,plan\n"


def test_a_table_is_scored_and_what_cannot_be_is_told(project: Project) -> None:
    rows = "".join(f"c{number},{20 + number % 50},{number % 90 + 10},pro\n" for number in range(200))
    project.write("data/new.csv", HEAD + rows)
    asked = ("score", "churn", "--input", "data/new.csv", "--into", "scores", "--key", "customer")
    done = project.aimass(*asked)
    assert done.code == 0, done.told
    before = polars.read_parquet(project.root / "scores/*.parquet")
    assert before["customer"].to_list() == [f"c{number}" for number in range(200)]
    project.write("data/new.csv", HEAD + rows.replace("pro", "gone"))
    refused = project.aimass(*asked)
    assert refused.code == ExitCode.DATA
    assert "200 of 200 rows break the contract" in refused.told
    assert refused.is_clear
    assert polars.read_parquet(project.root / "scores/*.parquet").equals(before)
    unsaid = project.aimass("score", "churn")
    assert "say --input and --into, or write `scoring` in the spec" in unsaid.told
