"""What is said of monitoring is something that Kubernetes and Prometheus take."""

from __future__ import annotations

import pytest

from aimass_compiler.pipeline.schedule import mistake
from aimass_compiler.spec.decode.decoder import decode
from aimass_compiler.spec.decode.model_spec import ModelSpec
from tests.cases.front_end import SHOWN, base

SCHEDULES = (
    "0 3 * * 1",
    "*/5 * * * *",
    "5/15 * * * *",
    "0 0 1,15 * MON-FRI",
    "0 0 * jan-mar/2 sun",
    "0 0 29 FEB ?",
    "00 03 01 01 00",
    "0\t3 * *  1",
    "0 0 30 2 1",
    "0 0 31 1,2 *",
    "@daily",
    "@yearly",
)
#: A schedule that Kubernetes refuses, or that never comes → words of what is said of it.
MISTAKES = {
    "": "it has 0 fields, not 5",
    "@reboot": "`@reboot` is none of @yearly, @annually, @monthly",
    "@every 1h": "`@every 1h` is none of",
    "0 0 3 * * 1": "it has 6 fields, not 5",
    "99 99 99 99 99": "the minute is 0 to 59, not `99`",
    "a b c d e": "the minute is 0 to 59, not `a`",
    "0 24 * * *": "the hour is 0 to 23, not `24`",
    "0 0 0 * *": "the day of the month is 1 to 31, in a month that has it, not `0`",
    "0 0 * 13 *": "the month is 1 to 12, or JAN to DEC, not `13`",
    "0 0 * * 7": "the day of the week is 0 to 6, or SUN to SAT, not `7`",
    "0 0 * * FRI#1": "not `FRI#1`",
    "0 0 L * *": "not `L`",
    "0 0 * * 5-7": "not `5-7`",
    "0 0 * * SUNDAY": "not `SUNDAY`",
    "0 0 * MON *": "not `MON`",
    "30-10 * * * *": "the minute is 0 to 59 (a range goes up, a step is at least 1), not `30-10`",
    "*/0 * * * *": "a step is at least 1), not `*/0`",
    "1/ * * * *": "not `1/`",
    "1-2-3 * * * *": "not `1-2-3`",
    "-1 * * * *": "not `-1`",
    "*-5 * * * *": "not `*-5`",
    "0 0 * * *,": "the day of the week is 0 to 6, or SUN to SAT, not `*,`",
    "٣ 3 * * 1": "not `٣`",
    "0 0 31 2,4 *": "in a month that has it, not `31`",
}
PAGES = ("https://wiki.example.com/churn?a=b&c=[1]#d", "http://10.0.0.1:8080", "https://w/(x)~%7B")
NO_PAGES = (
    "wiki/churn",
    "javascript:alert(1)",
    "ftp://a/b",
    "https://",
    "https://a b",
    "https://a/{{ x }}",
    "",
)


@pytest.mark.parametrize("expression", SCHEDULES)
def test_a_schedule_that_comes_is_taken(expression: str) -> None:
    assert mistake(expression) == ""


@pytest.mark.parametrize("expression", MISTAKES)
def test_a_schedule_that_cannot_be_is_told(expression: str) -> None:
    change = base()
    change["monitoring"] = {"retrain": {"schedule": expression}}
    [finding] = decode(ModelSpec, change, SHOWN)[1]
    assert finding.path == ("monitoring", "retrain", "schedule")
    assert MISTAKES[expression] in finding.message


@pytest.mark.parametrize("address", [*PAGES, *NO_PAGES])
def test_a_runbook_is_a_page(address: str) -> None:
    change = base()
    change["monitoring"] = {"runbook": address}
    findings = decode(ModelSpec, change, SHOWN)[1]
    assert [finding.path for finding in findings] == ([] if address in PAGES else [("monitoring", "runbook")])
