"""What of a text is watched: how long it is, and which share of its words was rare or unknown in training.

Training and serving ask the same functions, of the beginning of each text, so that a long one takes no time.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Container

#: Characters that are looked at for words.
_BEGINNING = 2000
LENGTH, UNKNOWN = " (length)", " (unknown words)"


def words_of(text: str) -> list[str]:
    """The words of a text's beginning: what stands between spaces, in lower case."""
    return text[:_BEGINNING].lower().split()


def length_of(text: str) -> float:
    """How many characters it has; NaN where there is none."""
    return float(len(text)) if text else math.nan


def unknown_share(text: str, known: Container[str]) -> float:
    """The share of its words that are not among these; NaN where there are none."""
    words = words_of(text)
    return sum(word not in known for word in words) / len(words) if words else math.nan
