"""When drift began is found in its history, among chance and spikes."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from aimass_compiler.programs.prometheus import PrometheusError
from aimass_compiler.retraining.onset import onset, onsets
from tests.harness import prometheus_answers

BEGIN, LIMIT = datetime(2026, 4, 10, tzinfo=UTC), 0.1
HOUR = timedelta(hours=1)


def history(*levels: tuple[int, float]) -> list[tuple[float, float]]:
    """Hours at a level each, with noise around it."""
    noise = random.Random(7)  # noqa: S311  # it hides nothing
    values = [max(0.0, level + noise.gauss(0, 0.02)) for hours, level in levels for _ in range(hours)]
    return [((BEGIN + place * HOUR).timestamp(), value) for place, value in enumerate(values)]


@pytest.mark.parametrize(
    ("levels", "hours"),
    [
        ([(300, 0.03), (60, 0.3)], 300),
        ([(100, 0.03), (2, 0.6), (100, 0.03), (50, 0.2)], 202),
        ([(100, 0.03), (30, 0.2), (100, 0.03), (30, 0.18), (40, 0.5)], 230),
    ],
)
def test_it_began_where_the_level_rose_for_good(levels: list[tuple[int, float]], hours: int) -> None:
    found = onset(history(*levels), LIMIT)
    assert found is not None
    assert found.is_known
    assert abs(found.at - (BEGIN + hours * HOUR)) <= HOUR


def test_what_is_below_or_was_for_one_look_has_not_begun() -> None:
    assert onset(history((300, 0.05)), LIMIT) is None
    assert onset(history((300, 0.03), (30, 0.3), (60, 0.03)), LIMIT) is None
    assert onset(history((5, 0.3)), LIMIT) is None


def test_what_was_always_above_began_before_the_record() -> None:
    found = onset(history((50, 0.3)), LIMIT)
    assert str(found) == "since before 2026-04-10 00:00"


def test_prometheus_is_asked_by_feature() -> None:
    with prometheus_answers.running() as measured:
        measured.histories["aimass_drift_psi"] = [
            ({"feature": "age"}, history((300, 0.03), (60, 0.3))),
            ({"feature": "plan"}, history((360, 0.03))),
        ]
        now = BEGIN + 360 * HOUR
        found = onsets(measured.address, "max by (feature) (aimass_drift_psi)", LIMIT, 3600, now)
        assert {name: str(each) for name, each in found.items()} == {"age": "since 2026-04-22 12:00"}
        measured.histories.clear()
        measured.series["nonsense"] = [({}, 1.0)]
        with pytest.raises(PrometheusError):
            onsets(measured.address, "nonsense", LIMIT, 3600, now)
