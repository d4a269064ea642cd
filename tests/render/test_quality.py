"""Records of predictions are held against the truth, so they have to be there when it is known."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from aimass_compiler.pipeline.scheduled_servers import ScheduledServers
from aimass_compiler.pipeline.trace_export import Tracing
from aimass_compiler.render import quality
from render.models import pipeline


def said(delay: str, records: dict[str, Any], prod: dict[str, Any]) -> list[str]:
    labels = {"source": "s3://lake/truth.csv", "delay": delay}
    spec = {"monitoring": {"labels": labels}, "serving": {"logs": {"predictions": records}}}
    settings = {"logs": {"store": "s3://acme-predictions/ml"}}
    made = pipeline(spec, settings, {"prod": {"serving": {"logs": {"predictions": prod}}}})
    return [found.message for found in quality.findings(made)]


def test_records_are_kept_until_their_truth_is_known() -> None:
    assert said("89d", {"sample": 1}, {}) == []
    (late,) = said("100d", {"sample": 1}, {})
    assert "deleted after 90d, and their truth is known after 100d" in late
    assert said("100d", {"sample": 1, "retention": "101d"}, {}) == []
    (there,) = said("7d", {"sample": 1}, {"retention": "7d"})
    assert "records of `prod`" in there
    (none,) = said("7d", {"sample": 1}, {"sample": 0})
    assert "no prediction is recorded in `prod`" in none


def test_hours_are_of_a_time_zone_that_there_is() -> None:
    hours = {"start": "0 7 * * *", "end": "0 9 * * *", "servers": 3}
    assert ScheduledServers.model_validate({**hours, "timezone": "Europe/Berlin"})
    with pytest.raises(ValidationError, match="there is no time zone `Europe/Atlantis`"):
        ScheduledServers.model_validate({**hours, "timezone": "Europe/Atlantis"})


def test_a_collector_is_named_without_the_path_that_servers_add() -> None:
    with pytest.raises(ValidationError, match="write `http://collector:4318`"):
        Tracing.model_validate({"endpoint": "http://collector:4318/v1/traces/"})
