"""The times of tokens that are promised, and where their histograms end so that each is watched exactly."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from msgspec import Struct

from aimass_compiler import conventions

if TYPE_CHECKING:
    from aimass_compiler.pipeline.serving import Objectives
    from aimass_compiler.pipeline.text_engine import TokenTimes


class BucketBounds(Struct, frozen=True):
    """Ends of buckets in seconds, rising."""

    first_token: tuple[float, ...]
    token: tuple[float, ...]


def promised(times: TokenTimes | None) -> dict[str, float]:
    """The seconds of each percentile that is promised."""
    if times is None:
        return {}
    limits = {name: getattr(times, name) for name in type(times).model_fields}
    return {name: limit.seconds for name, limit in limits.items() if limit is not None}


def further_ends(objectives: Objectives) -> BucketBounds:
    """The ends that objectives add to the usual ones."""
    return BucketBounds(
        tuple(_further(objectives.first_token, conventions.FIRST_TOKEN_BUCKETS)),
        tuple(_further(objectives.token, conventions.TOKEN_BUCKETS)),
    )


def all_ends(objectives: Objectives) -> BucketBounds:
    """The usual ends and those of objectives."""
    more = further_ends(objectives)
    return BucketBounds(
        tuple(sorted({*conventions.FIRST_TOKEN_BUCKETS, *more.first_token})),
        tuple(sorted({*conventions.TOKEN_BUCKETS, *more.token})),
    )


def _further(times: TokenTimes | None, usual: tuple[float, ...]) -> Iterator[float]:
    yield from sorted({*promised(times).values()} - {*usual})
