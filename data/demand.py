"""Made-up daily sales of four shops over two years, with a weekly pattern and promotions known ahead.

What is true of them, so that a forecast can be judged:

- Each shop has a level, which moves slowly, and days of the week on which it sells most.
- A promotion, planned ahead, raises sales by 40 %. Repeating the last week misses it, and repeats old ones.
- What is left is noise of about 8 %, so that no forecast is nearer than that.
"""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy

if TYPE_CHECKING:
    from collections.abc import Mapping

_DAYS = 730
_START = date(2024, 1, 1)
_SHOPS = {"harbour": 120.0, "market": 260.0, "station": 430.0, "university": 90.0}
_WEEK = numpy.array([0.85, 0.85, 0.9, 1.0, 1.25, 1.35, 0.8])
_PROMOTION_DAYS = 4


def demand() -> Mapping[str, bytes]:
    """`demand.csv`: a row for each day and shop."""
    chance = numpy.random.default_rng(11)
    lines = io.StringIO()
    table = csv.writer(lines, lineterminator="\n")
    table.writerow(("day", "shop", "promotion", "sales"))
    for shop, level in _SHOPS.items():
        sales, promotions = _sales(chance, level, is_quiet_at_weekends=shop == "university")
        for number in range(_DAYS):
            day = _START + timedelta(days=number)
            table.writerow((day.isoformat(), shop, int(promotions[number]), int(sales[number])))
    return {"demand.csv": lines.getvalue().encode()}


def _sales(
    chance: numpy.random.Generator, level: float, *, is_quiet_at_weekends: bool
) -> tuple[numpy.ndarray, numpy.ndarray]:
    """The sales of each day, and whether there was a promotion."""
    week = _WEEK[::-1] if is_quiet_at_weekends else _WEEK
    days = numpy.arange(_DAYS)
    promotions = numpy.zeros(_DAYS)
    for start in chance.choice(_DAYS - _PROMOTION_DAYS, _DAYS // 25, replace=False):
        promotions[start : start + _PROMOTION_DAYS] = 1
    drift = numpy.exp(numpy.cumsum(chance.normal(0, 0.01, _DAYS)) * 0.5)
    year = 1 + 0.15 * numpy.sin(2 * numpy.pi * days / 365.25)
    noise = chance.normal(1, 0.08, _DAYS)
    sales = level * drift * year * week[days % 7] * (1 + 0.4 * promotions) * noise
    return numpy.maximum(0, sales.round()), promotions
