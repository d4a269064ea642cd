"""An amount with a wrong unit is told with the one that can be meant, and mended by it."""

from __future__ import annotations

import pytest

from aimass_compiler.catalog.quantities import Bytes, Cores, Duration, Percentage
from aimass_compiler.diagnostics import Assign
from tests.cases.front_end import base, told


@pytest.mark.parametrize(
    ("kind", "written", "meant"),
    [
        (Bytes, "512m", "512Mi"),
        (Bytes, "512MB", "512M"),
        (Bytes, "512 MiB", "512Mi"),
        (Bytes, "1GB", "1G"),
        (Bytes, "512X", None),
        (Cores, "500Mi", "500m"),
        (Cores, "2 cores", "2"),
        (Cores, "half", None),
        (Duration, "30sec", "30s"),
        (Duration, "10 min", "10m"),
        (Duration, "2 Hours", "2h"),
        (Duration, "30", None),
        (Duration, True, None),
        (Percentage, 0.999, "99.9%"),
        (Percentage, 99.9, "99.9%"),
        (Percentage, "70 %", "70%"),
        (Percentage, 1, None),
        (Percentage, 170, None),
    ],
)
def test_an_amount_that_can_mean_one_thing(kind: type[Bytes], written: object, meant: str | None) -> None:
    assert kind.meant(written) == meant


@pytest.mark.parametrize(
    ("change", "path", "meant"),
    [
        ("serving: {resources: {memory: 512m}}", ("serving", "resources", "memory"), "512Mi"),
        ("serving: {resources: {cpu: 500Mi}}", ("serving", "resources", "cpu"), "500m"),
        ("serving: {limits: {timeout: 2 sec}}", ("serving", "limits", "timeout"), "2s"),
        ("serving: {objectives: {availability: 0.999}}", ("serving", "objectives", "availability"), "99.9%"),
    ],
)
def test_the_unit_that_is_meant_is_a_fix(change: str, path: tuple[str, ...], meant: str) -> None:
    [finding] = told(base(change))
    assert finding.code == "AM100"
    assert finding.path == path
    assert finding.help == f"did you mean `{meant}`?"
    assert finding.fix is not None
    assert finding.fix.edits == (Assign(path, meant),)
