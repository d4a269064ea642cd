"""Texts of one split that are nearly those of another: what a model has seen, it answers too well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy

#: From which likeness on two texts are one with slips: 1 − edits ÷ length of both (rapidfuzz's `ratio`).
_LIKENESS = 0.95
#: Rows that are compared with one another at most: of more, the first ones of each split.
_MOST = 20_000
_AT_ONCE = 1_000


class Leak(NamedTuple):
    """A row that is nearly one of the training split, by their places, and how much, up to 1."""

    row: int
    of: int
    likeness: float


def leaked(texts: Mapping[str, Sequence[str]]) -> dict[str, list[Leak]]:
    """Of each split but the training split, the rows that are nearly one of the latter."""
    known = [_plain(text) for text in texts["train"][:_MOST]]
    return {
        name: _near([_plain(text) for text in part[:_MOST]], known)
        for name, part in texts.items()
        if name != "train"
    }


def _near(texts: Sequence[str], known: Sequence[str]) -> list[Leak]:
    from rapidfuzz.fuzz import ratio
    from rapidfuzz.process import cdist

    found: list[Leak] = []
    for start in range(0, len(texts), _AT_ONCE):
        some = texts[start : start + _AT_ONCE]
        likeness = cdist(some, known, scorer=ratio, score_cutoff=100 * _LIKENESS, dtype=numpy.uint8)
        places = likeness.argmax(axis=1) if len(known) else numpy.zeros(len(some), int)
        found += [
            Leak(start + row, int(place), float(likeness[row, place]) / 100)
            for row, place in enumerate(places)
            if len(known) and likeness[row, place]
        ]
    return found


def _plain(text: str) -> str:
    return " ".join(text.lower().split())
