"""Requests that arrive together are predicted in one run, and each gets its own answer or error."""

from __future__ import annotations

import asyncio
import json
import os
from typing import TYPE_CHECKING, Any, BinaryIO

import pytest

from aimass_compiler.runtime.server.application import Application
from aimass_compiler.runtime.server.execution import DynamicBatching
from aimass_compiler.runtime.server.log import EventLog
from aimass_compiler.runtime.server.model import ContractModel, OnnxModel
from aimass_compiler.runtime.server.package import read_package
from aimass_compiler.runtime.server.response import RequestError
from aimass_compiler.runtime.server.rows import RowReader
from aimass_compiler.runtime.server.settings import ServerSettings
from server import packages
from server.packages import CHURN_EXAMPLE, churn_probabilities

if TYPE_CHECKING:
    from pathlib import Path

    from aimass_compiler.runtime.server.response import Prediction


class CountingPredictor(ContractModel):
    """Counts the rows of every run."""

    def predict(self, tensors: Any, limit: Any = None) -> Prediction:
        self.runs = [*getattr(self, "runs", []), len(tensors["numbers"])]
        return super().predict(tensors, limit)


def together(folder: Path, ages: list[float]) -> tuple[list[Any], list[int]]:
    """What requests for these ages found at once, and the rows of the runs that took."""
    package = read_package(packages.churn(folder / "churn"))
    predictor = CountingPredictor(package.signature, OnnxModel(package, 1))
    reader, gathering = RowReader(package.signature, 1000), DynamicBatching(predictor)

    async def ask() -> list[Any]:
        tensors = [reader.tensors([{**CHURN_EXAMPLE, "age": age}] * 2) for age in ages]
        return list(await asyncio.gather(*map(gathering.predict, tensors), return_exceptions=True))

    return asyncio.run(ask()), predictor.runs


def test_each_gets_its_own_rows_out_of_one_run(tmp_path: Path) -> None:
    ages = [16.0, 50.0, 99.0]
    found, runs = together(tmp_path, ages)
    assert runs == [6]
    for age, prediction in zip(ages, found, strict=True):
        assert prediction.rows == 2
        assert prediction.tensors["numbers"][:, 1].tolist() == [age, age]
        for shares in prediction.outputs["probabilities"]:
            assert shares == pytest.approx(churn_probabilities(3, age, "basic"))


def test_one_that_breaks_the_contract_takes_none_with_it(tmp_path: Path) -> None:
    (first, broken, last), runs = together(tmp_path, [16.0, 500.0, 99.0])
    assert isinstance(broken, RequestError)
    assert (broken.field, broken.row) == ("age", 0)
    assert first.outputs["probabilities"][0] == pytest.approx(churn_probabilities(3, 16, "basic"))
    assert last.outputs["probabilities"][1] == pytest.approx(churn_probabilities(3, 99, "basic"))
    assert runs == [6, 2, 2, 2]


def loaded(package: Path, seconds: float, log: BinaryIO) -> Application:
    return Application(read_package(package), ServerSettings(package, timeout_seconds=seconds), EventLog(log))


@pytest.mark.parametrize(
    ("seconds", "refused"), [(2.0, 0), (0.001, 30)], ids=["in time", "more than there is time for"]
)
def test_of_requests_that_arrive_at_once_those_are_taken_that_there_is_time_for(
    tmp_path: Path, seconds: float, refused: int
) -> None:
    package = packages.churn(tmp_path / "churn")
    with open(os.devnull, "wb") as nowhere:  # noqa: PTH123  # a name, not a path
        application = loaded(package, seconds, nowhere)
        statuses: list[int] = []

        async def ask() -> None:
            async def receive() -> dict[str, Any]:
                return {
                    "type": "http.request",
                    "body": json.dumps(CHURN_EXAMPLE).encode(),
                    "more_body": False,
                }

            async def send(message: dict[str, Any]) -> None:
                if message["type"] == "http.response.start":
                    statuses.append(message["status"])

            await application(
                {"type": "http", "method": "POST", "path": "/predict", "headers": []}, receive, send
            )

        async def ask_at_once() -> None:
            await ask()  # shows how long one takes
            await asyncio.gather(*(ask() for _ in range(200)))
            application.model.account.settle()

        asyncio.run(ask_at_once())
    assert set(statuses) <= {200, 503}
    assert statuses.count(503) >= refused
    assert statuses.count(503) == 0 or refused
    assert statuses.count(200) > 1
    assert application.in_flight == 0
