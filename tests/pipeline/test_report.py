"""The report that a real run leaves, in a real browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.projects import Project
    from tests.harness.browser import Opened

pytestmark = [pytest.mark.pipeline, pytest.mark.slow]


def test_a_run_leaves_a_report_of_all_that_it_reached(
    finished: Project, opened: Callable[..., Opened]
) -> None:
    seen = opened(finished.root / "artifacts/churn/report.html")
    assert seen.drawn() >= 6
    assert seen.complaints == []
    sections = seen.page.locator("section").evaluate_all("all => all.map(each => each.id)")
    assert {"summary", "gates", "data", "metrics", "answers", "service", "cost", "lineage"} <= {*sections}
