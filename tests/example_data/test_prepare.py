"""`python data/prepare.py` writes the same files every time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

SCRIPT = Path(__file__).parents[2] / "data" / "prepare.py"
#: All but `tickets`, beside which a language model is trained: `tests/language_models` has it.
QUICK = ("breast_cancer", "churn", "demand", "diabetes", "digits", "reviews")


def prepare(folder: Path, *names: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, SCRIPT, *names, "--folder", folder]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All files, written once."""
    path = tmp_path_factory.mktemp("data")
    assert prepare(path, *QUICK).returncode == 0
    return path


def test_two_runs_write_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    assert prepare(tmp_path, *QUICK).returncode == 0
    first, second = (
        {path.name: path.read_bytes() for path in where.iterdir()} for where in (folder, tmp_path)
    )
    assert first == second
    assert sorted(first) == [
        "breast_cancer.csv",
        "churn_customers.csv",
        "churn_usage.jsonl",
        "demand.csv",
        "diabetes.csv",
        "digits.parquet",
        "reviews.csv",
    ]


def test_one_data_set_may_be_chosen(tmp_path: Path) -> None:
    told = prepare(tmp_path, "diabetes").stdout
    assert [path.name for path in tmp_path.iterdir()] == ["diabetes.csv"]
    assert "diabetes.csv" in told


def test_an_unknown_name_is_told(tmp_path: Path) -> None:
    done = prepare(tmp_path, "iris")
    assert (done.returncode, list(tmp_path.iterdir())) == (2, [])
    assert "`iris`" in done.stderr


def test_breast_cancer(folder: Path) -> None:
    table = pl.read_csv(folder / "breast_cancer.csv")
    assert table.shape == (569, 31)
    assert table.columns[:2] == ["mean_radius", "mean_texture"]
    assert dict(table["diagnosis"].value_counts().iter_rows()) == {"malignant": 212, "benign": 357}


def test_diabetes(folder: Path) -> None:
    table = pl.read_csv(folder / "diabetes.csv")
    assert table.shape == (442, 11)
    assert table.columns[-1] == "progression"
    assert table["age"].max() == 79  # years, not scaled


def test_digits(folder: Path) -> None:
    table = pl.read_parquet(folder / "digits.parquet")
    assert table.schema == {"image": pl.List(pl.Float32), "digit": pl.String}
    assert table.height == 1797
    assert set(table["image"].list.len()) == {64}
    pixels = table["image"].explode()
    assert (pixels.min(), pixels.max()) == (0, 1)
    assert sorted(set(table["digit"])) == list("0123456789")


def test_reviews(folder: Path) -> None:
    table = pl.read_csv(folder / "reviews.csv")
    assert table.columns == ["review", "again"]
    assert table.height == 3000
    assert table["review"].null_count() == 20
    assert (folder / "reviews.csv").stat().st_size < 300_000
    assert table["review"].str.split(" ").list.len().max() <= 35  # type: ignore[operator]  # a number
    assert table["again"].value_counts()["count"].min() > 1400  # type: ignore[operator]  # a number


def test_the_words_of_a_review_say_nothing_by_themselves(folder: Path) -> None:
    table = pl.read_csv(folder / "reviews.csv").drop_nulls().with_row_index()
    words = table.with_columns(pl.col("review").str.to_lowercase().str.strip_chars_end(".").str.split(" "))
    by_word = words.explode("review").unique().group_by("review")
    often = by_word.agg(rows=pl.len(), share=(pl.col("again") == "yes").mean()).filter(pl.col("rows") > 100)
    assert {"not", "but", "although"} < set(often["review"])
    assert (often["share"] - 0.5).abs().max() < 0.1  # type: ignore[operator]  # a number


def test_customers_join_their_usage(folder: Path) -> None:
    customers = pl.read_csv(folder / "churn_customers.csv")
    usage = pl.read_ndjson(folder / "churn_usage.jsonl")
    assert customers.height == 4040
    assert customers["customer_id"].n_unique() == 4000
    assert customers.unique().height == 4000
    assert usage["customer_id"].is_unique().all()
    share = customers.join(usage, on="customer_id", how="left")["minutes"].is_null().mean()
    assert share == pytest.approx(0.1, abs=0.02)


def test_customers_have_the_flaws_of_real_ones(folder: Path) -> None:
    customers = pl.read_csv(folder / "churn_customers.csv")
    missing = {name: customers[name].null_count() / customers.height for name in customers.columns}
    assert {name for name, share in missing.items() if share} == {"age", "charges", "note"}
    assert customers["charges"].max() > 50 * customers["charges"].median()  # type: ignore[operator]  # numbers
    assert customers["region"].value_counts()["count"].min() < 10  # type: ignore[operator]  # numbers


def test_no_model_can_rank_customers_better_than_told() -> None:
    program = (
        "import churn, sklearn.metrics; found = churn.customers();"
        "print(sklearn.metrics.roc_auc_score(found.leaves, found.risk))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=SCRIPT.parent, capture_output=True, text=True, check=True
    )
    assert float(done.stdout) == pytest.approx(0.89, abs=0.005)


def test_tickets_are_answered_by_what_is_complained_of() -> None:
    program = (
        "import io, sys, polars, tickets; first, second = tickets.rows(), tickets.rows();"
        "assert first == second; table = polars.read_ndjson(io.BytesIO(first));"
        "print(table.height, table['prompt'].n_unique(), table['answer'].n_unique())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=SCRIPT.parent, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["600", "600", "12"]
