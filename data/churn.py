"""Made-up customers of a phone company, two sources that join on `customer_id`.

What is true of them, so that a model can be judged:

- Who leaves is drawn with a probability, `risk`: from tenure, plan, charges, calls to support, minutes
  and the mood that the note tells. No model can rank better than that probability does; its area under
  the ROC curve is 0.89 for these customers.
- 4,000 customers; 40 rows stand twice, as exports have it.
- `charges` has a heavy tail and a dozen outliers, `age` and `charges` have gaps, `region` has three
  names that hardly occur, and a tenth of the customers has no usage at all.
"""

from __future__ import annotations

import csv
import datetime
import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Mapping

CUSTOMERS = 4_000
DUPLICATES = 40
_SEED = 20_240_501
_OUTLIERS = 12
_TODAY = datetime.date(2024, 5, 1)
_DAYS_PER_MONTH = 30.4375
_PLANS = ("basic", "plus", "pro")
_REGIONS = ("north", "south", "east", "west", "islands", "abroad", "military")
_REGION_SHARES = (0.34, 0.3, 0.2, 0.15, 0.006, 0.003, 0.001)
_UNHAPPY = (
    "asked how to cancel the contract",
    "complained about the price twice",
    "got a better offer from a competitor",
    "was very angry about the outage",
)
_HAPPY = (
    "praised the fast support",
    "recommended us to a friend",
    "was happy with the new router",
    "renewed and thanked us",
)
_CHANNELS = ("By phone", "By letter", "In the shop")
_NEUTRAL = (
    "changed the address",
    "asked for a copy of the invoice",
    "updated the bank account",
    "asked about roaming fees",
)

Numbers = NDArray[numpy.float64]


@dataclass(frozen=True)
class Customers:
    """One entry per customer in every field; `leaves` is drawn with probability `risk`."""

    tenure: NDArray[numpy.int64]
    age: Numbers
    charges: Numbers
    plan: NDArray[numpy.int64]
    region: NDArray[numpy.int64]
    mood: NDArray[numpy.int64]
    phrase: NDArray[numpy.int64]
    support_calls: NDArray[numpy.int64]
    minutes: Numbers
    has_usage: NDArray[numpy.bool_]
    risk: Numbers
    leaves: NDArray[numpy.bool_]


def churn() -> Mapping[str, bytes]:
    """`churn_customers.csv` with the contract and who left, `churn_usage.jsonl` with the last month's use."""
    found = customers()
    return {"churn_customers.csv": _contracts(found), "churn_usage.jsonl": _usage(found)}


def customers() -> Customers:
    """Draw every customer; the same on every run."""
    draw = numpy.random.Generator(numpy.random.PCG64(_SEED))
    tenure = draw.integers(0, 72, CUSTOMERS)
    plan = draw.choice(3, CUSTOMERS, p=(0.5, 0.3, 0.2))
    charges = numpy.exp(draw.normal(3.2 + 0.35 * plan, 0.45))
    charges[draw.choice(CUSTOMERS, _OUTLIERS, replace=False)] *= 60
    mood = draw.choice(3, CUSTOMERS, p=(0.2, 0.25, 0.55))
    support_calls = draw.poisson(1.2 + 1.2 * (mood == 0))
    minutes = draw.gamma(2.0, 90.0 + 40.0 * plan)
    risk = _risk(tenure, plan, charges, mood, support_calls, minutes)
    return Customers(
        tenure=tenure,
        age=numpy.clip(draw.normal(46, 16, CUSTOMERS), 18, 95).round(),
        charges=charges,
        plan=plan,
        region=draw.choice(len(_REGIONS), CUSTOMERS, p=_REGION_SHARES),
        mood=mood,
        phrase=draw.integers(0, len(_HAPPY), CUSTOMERS),
        support_calls=support_calls,
        minutes=minutes,
        has_usage=draw.random(CUSTOMERS) >= 0.1,  # noqa: PLR2004  # a tenth, as told above
        risk=risk,
        leaves=draw.random(CUSTOMERS) < risk,
    )


def _risk(
    tenure: NDArray[numpy.int64],
    plan: NDArray[numpy.int64],
    charges: Numbers,
    mood: NDArray[numpy.int64],
    support_calls: NDArray[numpy.int64],
    minutes: Numbers,
) -> Numbers:
    """The probability to leave: logistic in what drives it, with one interaction that trees find."""
    pressure = numpy.log(charges) - 3.3
    score = (
        -1.6
        - 0.045 * (tenure - 24)
        + numpy.array([0.5, 0.0, -0.7])[plan]
        + 1.1 * pressure
        + numpy.array([2.6, -1.8, 0.0])[mood]
        + 0.3 * (support_calls - 1.5)
        - 0.004 * (minutes - 200)
        + 0.9 * ((tenure < 6) & (plan == 0))  # noqa: PLR2004  # the first half year
    )
    return numpy.asarray(1 / (1 + numpy.exp(-score)))


def _contracts(found: Customers) -> bytes:
    draw = numpy.random.Generator(numpy.random.PCG64(_SEED + 1))
    lacks_age, lacks_charges, lacks_note = (draw.random((3, CUSTOMERS)).T < (0.06, 0.03, 0.08)).T
    days = draw.integers(0, 30, CUSTOMERS)
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(
        ("customer_id", "signup", "tenure", "age", "plan", "region", "charges", "note", "churned")
    )
    repeated = draw.choice(CUSTOMERS, DUPLICATES, replace=False)
    for place in draw.permutation(numpy.concatenate([numpy.arange(CUSTOMERS), repeated])):
        signup = _TODAY - datetime.timedelta(days=int(found.tenure[place] * _DAYS_PER_MONTH + days[place]))
        writer.writerow(
            (
                _id(place),
                signup.isoformat(),
                found.tenure[place],
                "" if lacks_age[place] else int(found.age[place]),
                _PLANS[found.plan[place]],
                _REGIONS[found.region[place]],
                "" if lacks_charges[place] else f"{found.charges[place]:.2f}",
                "" if lacks_note[place] else _note(found, place),
                "yes" if found.leaves[place] else "no",
            )
        )
    return stream.getvalue().encode()


def _id(place: int) -> str:
    return f"C{10_000 + 7 * int(place):06d}"


def _note(found: Customers, place: int) -> str:
    phrases = (_UNHAPPY, _HAPPY, _NEUTRAL)[found.mood[place]]
    return f"{_CHANNELS[place % len(_CHANNELS)]}: customer {phrases[found.phrase[place]]}"


def _usage(found: Customers) -> bytes:
    lines = [
        json.dumps(
            {
                "customer_id": _id(place),
                "minutes": round(float(found.minutes[place]), 1),
                "support_calls": int(found.support_calls[place]),
            }
        )
        for place in range(CUSTOMERS)
        if found.has_usage[place]
    ]
    return ("\n".join(lines) + "\n").encode()
