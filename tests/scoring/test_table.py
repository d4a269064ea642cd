"""A table through a package: in parts, row by row held to the contract, and going on where it was killed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy
import polars
import pytest
from evaluate.handmade import CHURN, PRICE, Project
from package.test_package import packaged

from aimass_compiler.engines import block_size
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.pipeline.scoring import Scoring
from aimass_compiler.programs import model_server
from aimass_compiler.runtime.failure import StageFailure
from aimass_compiler.runtime.scoring import score_folder
from aimass_compiler.runtime.scoring.table import score_table

ROWS = 3_000
#: The fewest rows of a block, with which the table is three parts.
BLOCK = 1024


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return packaged(Project(tmp_path_factory.mktemp("churn"), CHURN).make())


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> polars.DataFrame:
    """Rows of a table, also in a file of the project, of which memory holds few."""
    monkeypatch.setattr(block_size, "BLOCK_BYTES", 1)
    chance = numpy.random.default_rng(3)
    rows = polars.DataFrame(
        {
            "customer": [f"c{number}" for number in range(ROWS)],
            "tenure": chance.normal(size=ROWS),
            "plan": chance.choice(["basic", "plus", "pro"], ROWS),
            "note": ["slow"] * ROWS,
            "else": [1] * ROWS,
        }
    )
    rows.write_parquet(tmp_path / "table.parquet")
    return rows


def score(package: Path, root: Path, **changes: Any) -> dict[str, Any]:
    given = {"source": "table.parquet", "into": "scores", "key": ("customer",)} | changes
    return score_table(Scoring(**given), package, root, root)


def scores(root: Path, place: str = "scores") -> polars.DataFrame:
    return polars.read_parquet(root / place / "*.parquet")


def test_rows_are_scored_in_parts_as_the_server_answers_them(
    package: Path, tmp_path: Path, table: polars.DataFrame
) -> None:
    report = score(package, tmp_path)
    found = scores(tmp_path)
    assert report["rows"] == {"read": ROWS, "scored": ROWS, "rejected": 0}
    assert len(report["parts"]) == ROWS // BLOCK + 1
    assert found["customer"].to_list() == table["customer"].to_list()
    assert found["model_version"].unique().to_list() == [report["version"]]
    asked = table.head(50).select("tenure", "plan", "note").to_dicts()
    with model_server.running(package) as server:
        answers = model_server.ask(server.url, asked)["predictions"]
    assert [answer["label"] for answer in answers] == found["label"].head(50).to_list()
    for answer, own in zip(answers, found.head(50).to_dicts(), strict=True):
        assert own["probabilities"] == pytest.approx(answer["probabilities"], abs=1e-6)
        assert own["probability"] == own["probabilities"][own["label"]]
    assert json.loads((tmp_path / "scores" / "_report.json").read_text()) == report


def test_rows_that_break_the_contract_are_kept_with_the_reason(
    package: Path, tmp_path: Path, table: polars.DataFrame
) -> None:
    row = polars.int_range(ROWS)
    text = table["tenure"].cast(polars.String)
    table.with_columns(
        tenure=polars.when(row == 3)
        .then(polars.lit("long"))
        .when(row == 7)
        .then(polars.lit("-11"))
        .otherwise(text),
        plan=polars.when(row == 7).then(polars.lit("gone")).when(row == 2000).then(None).otherwise("plan"),
    ).write_csv(tmp_path / "table.csv")
    report = score(package, tmp_path, source="table.csv", key=())
    assert report["rows"] == {"read": ROWS, "scored": ROWS - 3, "rejected": 3}
    assert report["rejected"] == {"tenure": 2, "plan": 1}
    refused = polars.read_parquet(tmp_path / "scores" / "_rejects" / "*.parquet")
    assert refused.select("row", "_column", "_reason").rows() == [
        (3, "tenure", "must be a finite number, not `long`"),
        (7, "tenure", "must be at least -10, not `-11`"),
        (2000, "plan", "must have a value: this model was not trained to do without it"),
    ]
    assert refused["tenure"].to_list()[:2] == ["long", "-11"]
    assert sorted({*range(ROWS)} - {*scores(tmp_path)["row"]}) == [3, 7, 2000]


def test_too_many_of_them_leave_what_was_there(
    package: Path, tmp_path: Path, table: polars.DataFrame
) -> None:
    before = score(package, tmp_path)
    table.with_columns(plan=polars.lit("gone")).write_parquet(tmp_path / "table.parquet")
    with pytest.raises(StageFailure) as refused:
        score(package, tmp_path)
    assert refused.value.code == ExitCode.DATA
    assert "3,000 of 3,000 rows break the contract" in refused.value.message
    assert "`plan` must be one of the names that were declared, not `gone`" in refused.value.message
    assert json.loads((tmp_path / "scores" / "_report.json").read_text()) == before
    assert scores(tmp_path).height == ROWS


class Killed(Exception):  # noqa: N818  # what happens, not an error of ours
    pass


@pytest.mark.parametrize("place", ["scores", "file://scores"])
def test_a_run_that_was_killed_goes_on_with_the_next_part(
    package: Path, tmp_path: Path, table: polars.DataFrame, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    del table
    into = place.replace("file://", f"file://{tmp_path}/")
    scoring = Scoring.model_construct(
        **{**dict(Scoring(source="table.parquet", into="scores", key=("customer",))), "into": into}
    )
    made: list[str] = []
    write = {cls: cls.write for cls in (score_folder.OnDisk, score_folder.InStore)}

    def written(folder: Any, name: str, content: bytes) -> None:
        if name.startswith("part"):
            made.append(name)
            if len(made) == 2:  # the second of three parts
                raise Killed
        write[type(folder)](folder, name, content)

    for cls in write:
        monkeypatch.setattr(cls, "write", written)
    with pytest.raises(Killed):
        score_table(scoring, package, tmp_path, tmp_path)
    report = score_table(scoring, package, tmp_path, tmp_path)
    first, second, again, third = made
    assert second == again
    assert report["parts"] == [first, second, third]
    assert scores(tmp_path).height == ROWS
    assert score_table(scoring, package, tmp_path, tmp_path) == report
    assert len(made) == 4  # nothing is scored again
    assert sorted(path.name for path in tmp_path.iterdir()) == ["scores", "table.parquet"]


def test_other_rows_are_scored_and_the_same_ones_stay(
    package: Path, tmp_path: Path, table: polars.DataFrame
) -> None:
    before = score(package, tmp_path)
    changed = polars.int_range(ROWS) == ROWS - 1
    table.with_columns(tenure=polars.when(changed).then(99.0).otherwise("tenure")).write_parquet(
        tmp_path / "table.parquet"
    )
    after = score(package, tmp_path)
    assert after["parts"][:-1] == before["parts"][:-1]
    assert after["parts"][-1] != before["parts"][-1]
    assert {path.name for path in (tmp_path / "scores").glob("part-*")} == {*after["parts"]}


def test_a_shift_of_the_table_is_reported_and_survives_a_kill(
    package: Path, tmp_path: Path, table: polars.DataFrame
) -> None:
    usual = score(package, tmp_path)["drift"]["prediction"]
    table.with_columns(polars.col("tenure") + 3).write_parquet(tmp_path / "table.parquet")
    moved = score(package, tmp_path)["drift"]["prediction"]
    assert usual < 0.05
    assert moved > 1
    assert score(package, tmp_path)["drift"]["prediction"] == moved


def test_a_table_without_a_column_that_is_needed_is_refused(
    package: Path, tmp_path: Path, table: polars.DataFrame
) -> None:
    table.rename({"plan": "plam"}).write_parquet(tmp_path / "table.parquet")
    with pytest.raises(StageFailure, match="the table has no column `plan`") as refused:
        score(package, tmp_path)
    assert refused.value.help == "did you mean `plam`?"
    table.write_parquet(tmp_path / "table.parquet")
    with pytest.raises(StageFailure, match="no column `customr`, the key"):
        score(package, tmp_path, key=("customr",))


def test_a_column_that_rows_may_lack_is_told_where_the_table_lacks_it(
    package: Path, tmp_path: Path, table: polars.DataFrame, capsys: pytest.CaptureFixture[str]
) -> None:
    gone = "tenure"
    table.drop(gone).write_parquet(tmp_path / "table.parquet")
    assert score(package, tmp_path)["rows"]["scored"] == ROWS
    assert f"the table has no column `{gone}`: it counts as missing in every row" in capsys.readouterr().out
    table.select("customer").write_parquet(tmp_path / "table.parquet")
    with pytest.raises(StageFailure, match="the table has no column"):
        score(package, tmp_path)


def test_a_damaged_package_scores_nothing(package: Path, tmp_path: Path, table: polars.DataFrame) -> None:
    del table
    copy = shutil.copytree(package, tmp_path / "package")
    (copy / "model.onnx").write_bytes(b"no graph")
    with pytest.raises(StageFailure) as refused:
        score(copy, tmp_path)
    assert refused.value.code == ExitCode.PACKAGE
    assert not (tmp_path / "scores").exists()


def test_a_table_without_rows_has_no_predictions(
    package: Path, tmp_path: Path, table: polars.DataFrame
) -> None:
    table.clear().write_parquet(tmp_path / "table.parquet")
    assert score(package, tmp_path)["rows"] == {"read": 0, "scored": 0, "rejected": 0}


def test_a_number_is_predicted_with_its_row(tmp_path: Path, table: polars.DataFrame) -> None:
    project = Project(tmp_path / "price", PRICE).make()
    score(packaged(project), tmp_path, key=())
    found = scores(tmp_path)
    assert found.columns == ["row", "model_version", "prediction"]
    assert found["prediction"].to_numpy() == pytest.approx(4 * table["tenure"].to_numpy(), rel=1e-5)


def test_a_folder_that_holds_other_files_is_left_as_it_is(
    package: Path, tmp_path: Path, table: polars.DataFrame
) -> None:
    lake = tmp_path / "lake"
    lake.mkdir()
    (tmp_path / "table.parquet").rename(lake / "table.parquet")
    for into, source in (("lake", "lake/table.parquet"), ("lake/table.parquet", "lake/table.parquet")):
        with pytest.raises(StageFailure, match=r"holds other files, such as .*table\.parquet") as refused:
            score(package, tmp_path, into=into, source=source)
        assert refused.value.code == ExitCode.USAGE
    score(package, tmp_path, source="lake/table.parquet")
    (tmp_path / "scores" / "notes.txt").touch()
    with pytest.raises(StageFailure, match=r"such as notes\.txt"):
        score(package, tmp_path, source="lake/table.parquet")
    assert polars.read_parquet(lake / "table.parquet").height == ROWS
