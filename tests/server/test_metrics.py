"""What Prometheus scrapes: requests, violations, predictions and drift."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy
import pytest

from aimass_compiler import conventions, drift_methods
from aimass_compiler.drift_methods.psi import stability
from aimass_compiler.runtime import server as server_package
from aimass_compiler.runtime.server.drift import DriftMonitor
from aimass_compiler.runtime.server.metrics import _STATUSES
from aimass_compiler.runtime.server.package import read_package
from server import packages
from server.packages import CHURN_EXAMPLE, PLANS
from server.serving import Server, serving

DRIFT = drift_methods.method(drift_methods.USUAL).series

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Server]:
    """A server that has counted nothing yet."""
    with serving(packages.churn(tmp_path / "churn")) as server:
        yield server


def test_requests_are_counted_by_code_and_violations_by_field(fresh: Server) -> None:
    fresh.predict(CHURN_EXAMPLE)
    fresh.predict(CHURN_EXAMPLE, {**CHURN_EXAMPLE, "age": 16})
    fresh.predict({**CHURN_EXAMPLE, "age": 5})
    fresh.predict({**CHURN_EXAMPLE, "invented": 5})
    fresh.ask("POST", "/predict", b"{")
    fresh.get("/nowhere")
    assert fresh.metric(conventions.METRIC_REQUESTS, code="200") == 2
    assert fresh.metric(conventions.METRIC_REQUESTS, code="422") == 2
    assert fresh.metric(conventions.METRIC_REQUESTS, code="400") == 1
    assert fresh.metric(conventions.METRIC_REQUESTS, code="404") == 0
    assert fresh.metric(conventions.METRIC_VIOLATIONS, field="age") == 1
    assert fresh.metric(conventions.METRIC_VIOLATIONS, field="(unknown)") == 1
    assert fresh.metric(conventions.METRIC_ROWS) == 3
    assert fresh.metric(f"{conventions.METRIC_DURATION}_count") == 5
    assert fresh.metric(f"{conventions.METRIC_DURATION}_bucket", le="+Inf") == 5
    assert 0 < fresh.metric(f"{conventions.METRIC_DURATION}_sum") < 60


def test_everything_is_counted_from_nothing_on(fresh: Server) -> None:
    """A counter that begins with its first event shows no rise, and so no failure, to Prometheus."""
    told = fresh.get("/metrics").body.decode()
    series = [
        *(f'{conventions.METRIC_REQUESTS}{{code="{code}"' for code in (200, 400, 422, 500, 503, 504)),
        *(f'{conventions.METRIC_VIOLATIONS}{{field="{field}"' for field in ("age", "(unknown)")),
        *(
            f'{conventions.METRIC_REJECTED}{{model="churn",reason="{reason}"'
            for reason in ("concurrency", "body")
        ),
    ]
    for name in series:
        assert re.search(rf"^{re.escape(name)}[^}}]*}} 0.0$", told, re.MULTILINE), name


@pytest.mark.parametrize(
    "path", sorted(Path(server_package.__file__).parent.glob("*.py")), ids=lambda path: path.stem
)
def test_no_request_is_answered_with_a_status_that_is_not_counted_from_nothing_on(path: Path) -> None:
    answered = {
        int(code) for code in re.findall(r"\bRequestError\(\s*(\d{3})", path.read_text(encoding="utf-8"))
    }
    assert answered - {404, 405} <= set(_STATUSES)  # those two are no requests for predictions


def test_the_model_is_described_and_labels_are_counted(fresh: Server) -> None:
    label = fresh.predict(CHURN_EXAMPLE).json["predictions"][0]["label"]
    other = next(name for name in packages.LABELS if name != label)
    assert fresh.metric(conventions.METRIC_LABELS, label=label) == 1
    assert fresh.metric(conventions.METRIC_LABELS, label=other) == 0
    version = fresh.get("/v2/models/churn").json["versions"][0]
    assert fresh.metric(conventions.METRIC_MODEL_INFO, version=version, model="churn") == 1
    assert fresh.metric(conventions.METRIC_TRAINED) == 1_767_323_045
    assert fresh.metric(conventions.METRIC_IN_FLIGHT) == 0


def test_predicted_numbers_fall_into_the_bins_of_the_reference(price: Server) -> None:
    for sum_ in (0.5, 5, 5, 50):
        assert price.predict({"x0": sum_, "x1": 0, "x2": 0}).status == 200
    infinite = price.predict({"x0": 1e39, "x1": 0, "x2": 0})
    assert infinite.status == 422, "infinite in the model's single precision, and counted nowhere"
    bucket = f"{conventions.METRIC_PREDICTION}_bucket"
    assert [price.metric(bucket, le=end) for end in ("1.0", "10.0", "+Inf")] == [1, 3, 4]
    assert price.metric(f"{conventions.METRIC_PREDICTION}_sum") == 60.5
    assert price.metric(conventions.METRIC_ROWS) == 4


def test_drift_rises_for_the_feature_that_moved_and_for_no_other(fresh: Server) -> None:
    def rows(tenures: list[float | None]) -> list[dict[str, Any]]:
        plans = PLANS[:1] * 5 + PLANS[1:2] * 3 + PLANS[2:] * 2
        return [
            {**CHURN_EXAMPLE, "tenure": tenure, "plan": plan}
            for tenure, plan in zip(tenures, plans * (len(tenures) // 10), strict=True)
        ]

    as_trained: list[float | None] = [*[0.0, 1.0, 2.0, 4.0] * 4, 0.5, 1.5, 3.0, None]
    fresh.predict(*rows(as_trained))
    assert fresh.metric(conventions.METRIC_DRIFT_ROWS) == 20
    assert fresh.metric(DRIFT, feature="tenure") < 0.01
    assert fresh.metric(DRIFT, feature="plan") == pytest.approx(0, abs=0.01)
    fresh.predict(*rows([100.0 for _ in range(200)]))
    assert fresh.metric(DRIFT, feature="tenure") > 0.25
    assert fresh.metric(DRIFT, feature="plan") < 0.01


@pytest.mark.parametrize("name", ["prediction", "prediction (answered)", "feature"])
def test_an_input_that_is_called_like_the_answer_drifts_on_its_own(tmp_path: Path, name: str) -> None:
    """A column `prediction`, such as another model's, moves; what is answered stays as it was."""
    package = read_package(packages.churn(tmp_path / "churn"))
    first, *others = package.signature.numbers
    names = [name] if name != "prediction (answered)" else ["prediction", name]
    numbers = [replace(field, name=told) for field, told in zip((first, *others), names, strict=False)]
    signature = replace(package.signature, numbers=(*numbers, *package.signature.numbers[len(numbers) :]))
    inputs = dict.fromkeys(names, package.reference["inputs"][first.name])
    drift = DriftMonitor({**package.reference, "inputs": inputs}, signature, 120)
    moved = {
        "numbers": numpy.array([[100.0, 100.0]] * 10),
        "strings": numpy.array([["pro", ""]] * 10, dtype=object),
        "prediction": numpy.array(["no"] * 6 + ["yes"] * 4, dtype=object),
    }
    drift.observe([moved])
    _, scores = drift.scores()
    (answers,) = set(scores) - set(names)
    assert all(scores[told] > 0.25 for told in names)
    assert scores[answers] < 0.25
    assert answers == {"feature": "prediction", "prediction": "prediction (answered)"}.get(
        name, "prediction (answered) (answered)"
    )


def test_there_is_no_drift_before_there_are_rows(fresh: Server) -> None:
    assert fresh.metric(conventions.METRIC_DRIFT_ROWS) == 0
    assert DRIFT not in [line.partition("{")[0] for line in fresh.get("/metrics").body.decode().splitlines()]


def test_what_is_older_than_the_window_is_forgotten(tmp_path: Path) -> None:
    package = read_package(packages.churn(tmp_path / "churn"))
    clock = [0.0]
    drift = DriftMonitor(package.reference, package.signature, 120, now=lambda: clock[0])
    moved = {
        "numbers": numpy.array([[100.0, 40.0]] * 10),
        "strings": numpy.array([["pro", ""]] * 10, dtype=object),
        "prediction": numpy.array(["no"] * 10, dtype=object),
    }
    drift.observe([moved])
    clock[0] = 60
    drift.observe([moved])
    assert drift.scores()[0] == 20
    clock[0] = 125
    assert drift.scores()[0] == 10
    clock[0] = 185
    assert drift.scores() == (0, {})


def test_the_index_is_that_of_the_literature() -> None:
    recent, trained = numpy.array([0.2, 0.8]), numpy.array([0.5, 0.5])
    by_hand = (0.2 - 0.5) * numpy.log(0.2 / 0.5) + (0.8 - 0.5) * numpy.log(0.8 / 0.5)
    assert stability(recent, trained) == pytest.approx(by_hand)
    assert stability(trained, trained) == 0
    assert numpy.isfinite(stability(numpy.array([0.0, 1.0]), trained))
