"""What `aimass score` says of arguments that make no sense, before it reads a row."""

from __future__ import annotations

import pytest

from aimass_compiler.catalog.sources.csv import Csv
from aimass_compiler.catalog.sources.parquet import Parquet
from aimass_compiler.cli.commands.score import _read_alike
from cli.projects import Project


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--input", "data/new.csv"), "say --into,"),
        (("--input", "data", "--into", "scores"), "--input: there is no source `data`"),
        (("--input", "", "--into", "scores"), "--input: there is no source ``"),
        (("--input", "data/new.csv", "--into", "../scores"), "--into: `../scores` is no folder"),
        (("--rejects", "5"), "`5` is no share; write 0.01 for 1 %"),
        (("--rejects", "nan"), "`nan` is no share"),
        (("--run", "../older"), "`../older` cannot be the name of a run"),
    ],
)
def test_arguments_that_make_no_sense(project: Project, options: tuple[str, ...], said: str) -> None:
    done = project.aimass("score", "churn", *options)
    assert done.code == 2, done.err
    assert said in done.err


def test_another_table_is_read_as_the_source_that_the_spec_describes() -> None:
    described = Csv(path="data/customers.csv", separator=";", dates={"since": "%d/%m/%Y"})
    rows = Parquet(path="data/calls.parquet")
    named = Csv(path="new.csv")
    assert _read_alike(named, [described, rows]) == described.model_copy(update={"path": "new.csv"})
    assert _read_alike(named, [described, Csv(path="data/others.csv")]) == named, "which of both, no one says"
    assert _read_alike(Parquet(path="new.parquet"), [described]) == Parquet(path="new.parquet")
