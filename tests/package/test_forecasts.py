"""A forecast from spec to answers: the package says of a history what was evaluated of its rows."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy
import polars
import pytest

from aimass_compiler import conventions
from aimass_compiler.catalog.models.linear_regression import LinearRegression
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.runtime.failure import StageFailure
from aimass_compiler.runtime.scoring.scored_rows import watched
from aimass_compiler.runtime.server.documents import openapi_document
from aimass_compiler.runtime.server.drift import PREDICTION, DriftMonitor
from aimass_compiler.runtime.server.model import ContractModel, OnnxModel, predictions_of, verify_golden_rows
from aimass_compiler.runtime.server.package import read_package
from aimass_compiler.runtime.server.response import RequestError
from aimass_compiler.runtime.server.rows import RowReader
from aimass_compiler.runtime.stages import evaluate, features, package, prepare, train
from aimass_compiler.runtime.workspace import Workspace
from tests.cases.front_end import checked

if TYPE_CHECKING:
    from pathlib import Path

    from aimass_compiler.pipeline import Pipeline
    from aimass_compiler.runtime.server.package import Package

HORIZON = 4


@dataclass(frozen=True)
class Run:
    """A model that went through all stages."""

    pipeline: Pipeline
    workspace: Workspace

    @classmethod
    def of(cls, root: Path, rows: polars.DataFrame, spec: dict[str, Any]) -> Run:
        """Run every stage but the test of the server."""
        rows.write_csv(root / "rows.csv")
        base = {
            "apiVersion": "aimass/v1",
            "kind": "Model",
            "metadata": {"name": "m"},
            "model": "linear_regression",
        }
        pipeline, findings = checked(base | spec)
        assert pipeline is not None, findings
        run = cls(pipeline, Workspace(root, "m"))
        task, columns, workspace = pipeline.task, pipeline.data.columns, run.workspace
        prepare.run(pipeline.data, task, workspace=workspace)
        features.run(columns, task, pipeline.features, workspace=workspace)
        train.run(
            task, pipeline.model, pipeline.objective, pipeline.search, pipeline.training, pipeline.retraining,
            workspace=workspace,
        )  # fmt: skip
        evaluate.run(task, columns, pipeline.evaluation, pipeline.objective, workspace=workspace)
        package.run("m", task, columns, workspace=workspace)
        return run

    @property
    def package(self) -> Package:
        return read_package(self.workspace.folder("package") / "model")

    def answers(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """What the server's model says of requests."""
        found = self.package
        model = ContractModel(found.signature, OnnxModel(found, 1))
        tensors = RowReader(found.signature, len(rows) * found.signature.width).tensors(rows)
        return predictions_of(found.signature, model.predict(tensors).outputs)

    def metrics(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.workspace.folder("evaluate") / "metrics.json").read_text())
        return found

    def evaluated(self) -> numpy.ndarray:
        """The predictions of the test split, [N, H]."""
        table = polars.read_parquet(self.workspace.folder("evaluate") / "predictions.parquet")
        return table["scores"].explode().to_numpy().reshape(-1, HORIZON)


def daily() -> polars.DataFrame:
    """Two shops with a weekly pattern and promotions, as text as CSV has them."""
    chance = numpy.random.default_rng(1)
    days = numpy.arange(200)
    parts = []
    for shop, level in (("north", 100.0), ("south", 150.0)):
        promotion = (chance.random(200) < 0.2).astype(float)
        sales = level + 20 * numpy.sin(2 * numpy.pi * days / 7) + 40 * promotion
        noise = chance.normal(0, 2, 200)
        dates = [str(numpy.datetime64("2026-01-01") + day) for day in days]
        parts.append(
            polars.DataFrame({"day": dates, "shop": shop, "promotion": promotion, "sales": sales + noise})
        )
    return polars.concat(parts)


DAILY: dict[str, Any] = {
    "data": {
        "sources": {"rows": "rows.csv"},
        "columns": {
            "day": "time",
            "shop": "category",
            "promotion": {"type": "number", "min": 0, "max": 1},
            "sales": "number",
        },
        "split": {"by": "time", "column": "day", "train": 0.6, "validation": 0.2, "test": 0.2},
    },
    "target": "sales",
    "task": {"forecast": {"horizon": HORIZON, "key": "shop", "season_length": 7}},
    "evaluation": {"gates": [{"metric": "mase", "beats": "seasonal_naive"}]},
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return Run.of(tmp_path_factory.mktemp("daily"), daily(), DAILY)


def requests(run: Run, rows: polars.DataFrame) -> list[dict[str, Any]]:
    """The requests for the test split, made of the data alone: a history, and what follows it."""
    length = run.pipeline.task.forecast.length  # type: ignore[union-attr]  # it is one
    found = []
    for _, shop in sorted(rows.group_by("shop"), key=lambda group: str(group[0])):
        first = int(0.8 * shop.height)
        for origin in range(first - 1, shop.height - HORIZON):
            ahead = shop[origin + 1 : origin + 1 + HORIZON]
            found.append(
                {
                    "sales": shop["sales"][origin + 1 - length : origin + 1].to_list(),
                    "day": shop["day"][origin],
                    "shop": shop["shop"][origin],
                    "promotion": ahead["promotion"].to_list(),
                }
            )
    return found


def test_a_history_is_answered_as_its_rows_were_evaluated(run: Run) -> None:
    answers = run.answers(requests(run, daily()))
    served = numpy.array([answer["prediction"] for answer in answers])
    numpy.testing.assert_allclose(served, run.evaluated(), rtol=1e-5)
    verify_golden_rows(run.package, ContractModel(run.package.signature, OnnxModel(run.package, 1)))


def test_one_history_is_answered_as_among_others(run: Run) -> None:
    asked = requests(run, daily())[:5]
    alone = [run.answers([row])[0]["prediction"] for row in asked]
    numpy.testing.assert_allclose(alone, [answer["prediction"] for answer in run.answers(asked)], rtol=1e-12)


def test_of_a_forecast_one_value_a_row_and_no_future_ones_are_watched(run: Run) -> None:
    found = run.package
    monitor = DriftMonitor(found.reference, found.signature, 60.0)
    model = ContractModel(found.signature, OnnxModel(found, 1))
    asked = requests(run, daily())
    tensors = RowReader(found.signature, len(asked) * found.signature.width).tensors(asked)
    outputs = model.predict(tensors).outputs
    monitor.observe([{**tensors, PREDICTION: watched(found.signature, outputs)}])
    rows, drift = monitor.scores()
    assert rows == len(asked)
    assert sorted(drift) == ["prediction", "shop"]


def test_intervals_are_in_units_of_how_much_the_history_varies(run: Run) -> None:
    asked = requests(run, daily())
    widths = numpy.array(run.metrics()["interval"]["widths"])
    for row, answer in zip(asked, run.answers(asked), strict=True):
        history = numpy.array(row["sales"], numpy.float32).astype(float)
        spread = max(numpy.abs(history[7:] - history[:-7]).mean(), run.metrics()["interval"]["least_spread"])
        for end, sign in (("lower", -1), ("upper", 1)):
            expected = numpy.array(answer["prediction"]) + sign * widths * spread
            numpy.testing.assert_allclose(answer[end], expected, rtol=1e-6)


def test_intervals_hold_as_many_of_the_true_values_as_is_reported(run: Run) -> None:
    rows = daily()
    inside = []
    for row, answer in zip(requests(run, rows), run.answers(requests(run, rows)), strict=True):
        shop = rows.filter(polars.col("shop") == row["shop"])
        origin = int((shop["day"] == row["day"]).arg_true()[0])
        truth = shop["sales"][origin + 1 : origin + 1 + HORIZON].to_numpy()
        inside += ((answer["lower"] <= truth) & (truth <= answer["upper"])).tolist()
    coverage = run.metrics()["interval"]["coverage"]
    assert numpy.mean(inside) == pytest.approx(coverage["test"], abs=1e-3)
    assert coverage["validation"] >= 0.9


def test_the_baseline_stands_beside_the_model(run: Run) -> None:
    metrics = run.metrics()
    assert metrics["test"]["mase"] < 0.6 * metrics["baseline"]["seasonal_naive"]["test"]["mase"]
    assert list(metrics["steps"]) == ["1", "2", "3", "4"]


def test_a_model_that_does_not_beat_the_baseline_is_refused(tmp_path: Path) -> None:
    spec = DAILY | {"features": [{"lags": {"column": "sales", "lags": [1]}}]}
    with pytest.raises(StageFailure, match="for the seasonal naive forecast") as failure:
        Run.of(tmp_path, daily().with_columns(polars.lit(0.0).alias("promotion")), spec)
    assert failure.value.code == ExitCode.GATE


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda row: row["sales"].pop(), "sales"),
        (lambda row: row["promotion"].append(0.0), "promotion"),
        (lambda row: row["sales"].__setitem__(3, None), "sales"),
        (lambda row: row.pop("day"), "day"),
        (lambda row: row["promotion"].__setitem__(2, 1.5), "promotion"),
    ],
    ids=["short history", "too many steps", "gap", "no time", "above its maximum"],
)
def test_what_is_no_request_is_refused(run: Run, change: Any, field: str) -> None:
    (row,) = requests(run, daily())[:1]
    change(row)
    with pytest.raises(RequestError) as refusal:
        run.answers([row])
    assert (refusal.value.status, refusal.value.field) == (422, field)


def test_the_documents_describe_histories_and_horizons(run: Run) -> None:
    schemas = openapi_document(run.package.signature)["components"]["schemas"]
    assert schemas["Row"]["properties"]["sales"]["minItems"] == 28
    assert schemas["Row"]["properties"]["promotion"]["maxItems"] == HORIZON
    assert list(schemas["Prediction"]["properties"]) == list(conventions.FORECAST_OUTPUTS)
    assert schemas["Prediction"]["properties"]["lower"]["minItems"] == HORIZON


def test_months_are_forecast_from_their_calendar(tmp_path: Path) -> None:
    months = [f"{1990 + month // 12}-{month % 12 + 1:02}-01" for month in range(240)]
    level = numpy.arange(240) / 24
    season = numpy.tile([0, 0, 1, 3, 5, 8, 9, 8, 5, 3, 1, 0], 20)
    chance = numpy.random.default_rng(3).normal(0, 0.2, 240)
    rows = polars.DataFrame({"month": months, "value": level + season + chance})
    forecast = {"horizon": HORIZON, "every": "month", "season_length": 12}
    spec = {
        "data": {"sources": {"rows": "rows.csv"}, "columns": {"month": "time", "value": "number"}},
        "target": "value",
        "task": {"forecast": forecast},
    }
    found = Run.of(tmp_path, rows, spec)
    history = rows["value"][200 : 200 + found.pipeline.task.forecast.length].to_list()  # type: ignore[union-attr]  # it is one
    row = {"value": history, "month": rows["month"][200 + len(history) - 1]}
    (answer,) = found.answers([row])
    truth = rows["value"][200 + len(history) : 200 + len(history) + HORIZON].to_numpy()
    assert numpy.abs(numpy.array(answer["prediction"]) - truth).max() < 1


def backtest(root: Path, monkeypatch: pytest.MonkeyPatch, **wanted: int) -> tuple[Run, list[float]]:
    """A series whose values are their days, and the last day that each training knew."""
    known: list[float] = []
    train_as_it_is = LinearRegression.train

    def watched(model: Any, task: Any, train: Any, validation: Any, *others: Any) -> Any:
        known.append(max(train.y.max(), validation.y.max()))
        return train_as_it_is(model, task, train, validation, *others)

    monkeypatch.setattr(LinearRegression, "train", watched)
    days = [str(numpy.datetime64("2026-01-01") + day) for day in range(100)]
    rows = polars.DataFrame({"day": days, "value": [float(day) for day in range(100)]})
    spec = {
        "data": {"sources": {"rows": "rows.csv"}, "columns": {"day": "time", "value": "number"}},
        "target": "value",
        "task": {"forecast": {"horizon": HORIZON, "history": 8, "backtest": wanted}},
        "features": [{"lags": {"column": "value", "lags": [1]}}],
    }
    return Run.of(root, rows, spec), known


def day_of(window: dict[str, Any]) -> int:
    return int((numpy.datetime64(window["origin"][:10]) - numpy.datetime64("2026-01-01")).astype(int))


def test_a_window_is_forecast_by_a_model_that_knows_nothing_later_than_its_origin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, known = backtest(tmp_path, monkeypatch, windows=3)
    windows = found.metrics()["backtest"]
    origins = [day_of(window) for window in windows]
    assert (
        known[1:] == origins
    )  # all that was known at each, and nothing else; the first training is the model's
    assert origins == [75, 81, 85]  # the validation split begins with day 80, the test split with day 90
    assert all(window["rows"] == HORIZON for window in windows)
    assert windows[-1]["seasonal_naive"] > windows[-1]["mase"]


def test_windows_that_straddle_the_splits_are_earlier(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, _ = backtest(tmp_path, monkeypatch, windows=4, step_size=3)
    origins = [day_of(window) for window in found.metrics()["backtest"]]
    assert origins == [75, 79, 82, 85]  # the validation split begins with day 80: none ends in both


def test_a_backtest_without_room_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(StageFailure, match="has room for") as failure:
        backtest(tmp_path, monkeypatch, windows=30)
    assert failure.value.code == ExitCode.TRAINING
