"""What a finding's code means at length, for `aimass explain AM003`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Explanation:
    """One code: what it says in a line, and why it is a problem and how to get out in a paragraph.

    Each module that emits findings declares the tuple `EXPLANATIONS` of its own codes.
    """

    code: str
    title: str
    text: str
