"""Made-up reviews of things that a shop sells, each with whether its writer would buy the thing again.

What is true of them, so that a model can be judged:

- The words alone tell nothing: what is praised in one review is denied in another ("not slow at all"), and of
  two claims the one behind `but` counts, or the one that `although` does not stand before. A model that
  counts words is right in half of the rows, one that counts pairs of them in three quarters.
- One writer in twenty says the opposite of what they do: no model is right in more than 0.95 of the rows.
- 3,000 reviews of 4 to 35 words; 20 have no text, and some words stand in one review only.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import numpy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

REVIEWS = 3_000
EMPTY = 20
_SEED = 20_250_301
_CONTRARY = 0.05
_CONTRAST = 0.45
_DENIED = 0.5
_ASIDE = 0.4
_MOST_ASIDES = 3
_PARTS = ("battery", "screen", "cable", "box", "manual", "handle", "zip", "colour", "sound", "lid", "motor")
_PRAISE = ("great", "sturdy", "quick", "lovely", "quiet", "clever", "reliable", "comfortable", "bright")
_BLAME = ("slow", "flimsy", "ugly", "loud", "cheap", "broken", "confusing", "heavy", "dull")
_CLAIMS = (
    "the {part} is {word}",
    "the {part} was {word}",
    "I find the {part} {word}",
    "its {part} seems {word}",
)
_DENIALS = (
    "the {part} is not {word}",
    "the {part} was never {word}",
    "nobody could call the {part} {word}",
    "the {part} is anything but {word}",
)
_ASIDES = (
    "It came on a Tuesday.",
    "Bought it for my sister.",
    "Second one that I own.",
    "The parcel was left with the neighbours.",
    "I read all reviews first.",
    "Paid by card.",
    "Order number {number}.",
)
_CONTRASTS = ("{aside}, but {meant}", "although {aside}, {meant}", "{meant}, although {aside}")


def reviews() -> Mapping[str, bytes]:
    """`reviews.csv`: the text of each review, and whether its writer would buy again."""
    draw = numpy.random.Generator(numpy.random.PCG64(_SEED))
    rows = [_review(draw) for _ in range(REVIEWS)]
    for place in draw.choice(REVIEWS, EMPTY, replace=False):
        rows[place] = ("", rows[place][1])
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(("review", "again"))
    writer.writerows(rows)
    return {"reviews.csv": stream.getvalue().encode()}


def _review(draw: numpy.random.Generator) -> tuple[str, str]:
    is_content = bool(draw.random() < 0.5)  # noqa: PLR2004  # as many of both
    said = is_content != bool(draw.random() < _CONTRARY)
    text = _claim(draw, praises=said)
    if draw.random() < _CONTRAST:
        text = _of(draw, _CONTRASTS).format(meant=text, aside=_claim(draw, praises=not said))
    sentences = [f"{text[0].upper()}{text[1:]}."]
    for _ in range(draw.binomial(_MOST_ASIDES, _ASIDE)):
        aside = _of(draw, _ASIDES).format(number=draw.integers(10_000, 99_999))
        sentences.insert(int(draw.integers(0, len(sentences) + 1)), aside)
    return " ".join(sentences), "yes" if is_content else "no"


def _claim(draw: numpy.random.Generator, *, praises: bool) -> str:
    is_denied = draw.random() < _DENIED
    words = _PRAISE if praises != is_denied else _BLAME
    return _of(draw, _DENIALS if is_denied else _CLAIMS).format(part=_of(draw, _PARTS), word=_of(draw, words))


def _of(draw: numpy.random.Generator, choices: Sequence[str]) -> str:
    return choices[int(draw.integers(0, len(choices)))]
