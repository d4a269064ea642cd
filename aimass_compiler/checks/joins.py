"""Several sources become one table: each is joined once, to what is there already."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler.checks._example import Example
from aimass_compiler.diagnostics import Explanation, Finding, Path, did_you_mean, respelt

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.pipeline import Pipeline
    from aimass_compiler.pipeline.data import Data

NEEDS = ("data",)
EXPLANATIONS = (
    Explanation(
        "AM230",
        "a source is never joined",
        "The rows of all sources become one table. The first join begins with two sources, and each further"
        " one adds a source to the result: `join: [{left: customers, right: usage, on: customer_id}]`.",
    ),
    Explanation(
        "AM231", "a join names a source that does not exist", "Joins name the keys of `data.sources`."
    ),
    Explanation(
        "AM232",
        "a source is joined twice",
        "Its columns are in the table already. For two roles of one file, give it two names in "
        "`data.sources`.",
    ),
    Explanation(
        "AM233",
        "a join begins with a source that is not in the table yet",
        "From the second join on, `left` is the result so far, so it names a source that is in it.",
    ),
)


_USAGE = "{left: customers, right: usage, on: customer_id}"
_PLANS = "{left: customers, right: plans, on: plan}"


def _joined(*joins: str) -> str:
    return (
        f"data:\n  sources: {{usage: data/usage.csv, plans: data/plans.csv}}\n  join: [{', '.join(joins)}]\n"
        "  split: {by: hash, key: customer_id}\n"
    )


EXAMPLES = (
    Example("AM230", fails=_joined(_USAGE), passes=_joined(_USAGE, _PLANS)),
    Example("AM231", fails=_joined(_USAGE, _PLANS.replace("plans", "plan")), passes=_joined(_USAGE, _PLANS)),
    Example("AM232", fails=_joined(_USAGE, _PLANS, _USAGE), passes=_joined(_USAGE, _PLANS)),
    Example(
        "AM233",
        fails="""\
data:
  sources: {usage: data/usage.csv, plans: data/plans.csv, prices: data/prices.csv}
  join:
    - {left: customers, right: usage, on: customer_id}
    - {left: plans, right: prices, on: plan}
  split: {by: hash, key: customer_id}
""",
        passes="""\
data:
  sources: {usage: data/usage.csv, plans: data/plans.csv, prices: data/prices.csv}
  join:
    - {left: customers, right: usage, on: customer_id}
    - {left: customers, right: plans, on: plan}
    - {left: plans, right: prices, on: plan}
  split: {by: hash, key: customer_id}
""",
    ),
)


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """Sources that no join brings into the table, and joins that cannot be made."""
    data = pipeline.data
    # A source in the wrong place of a join is mostly missing where it belongs, so that is told alone.
    yield from [*_unknown(data)] or [*_out_of_order(data)] or _never_joined(data)


def _unknown(data: Data) -> Iterator[Finding]:
    for place, join in enumerate(data.join):
        for side in ("left", "right"):
            name = getattr(join, side)
            if name not in data.sources:
                hint = did_you_mean(name, data.sources)
                path, message = _path(place, side), f"there is no source `{name}`"
                yield Finding("AM231", path, message, help=hint, fix=respelt(path, name, data.sources))


def _out_of_order(data: Data) -> Iterator[Finding]:
    table: set[str] = set()
    for place, join in enumerate(data.join):
        if table and join.left not in table:
            message = f"`{join.left}` is not in the table yet"
            hint = f"begin with what is: {', '.join(f'`{name}`' for name in sorted(table))}"
            yield Finding("AM233", _path(place, "left"), message, help=hint)
        if join.right in table | {join.left}:
            message = f"`{join.right}` is in the table already"
            yield Finding("AM232", _path(place, "right"), message, help="each source is joined once")
        table |= {join.left, join.right}


def _never_joined(data: Data) -> Iterator[Finding]:
    joined = {name for join in data.join for name in (join.left, join.right)} or {next(iter(data.sources))}
    for name in data.sources:
        if name not in joined:
            first = next(iter(data.sources))
            message = f"`{name}` is never joined, so its rows would not be used"
            hint = f"join it: `{{left: {first}, right: {name}, on: KEY}}`, or leave it out"
            yield Finding("AM230", ("data", "sources", name), message, help=hint, at_key=True)


def _path(place: int, side: str) -> Path:
    return ("data", "join", place, side)
