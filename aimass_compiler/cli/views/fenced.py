"""A block of code in Markdown that nothing inside of it can end."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

_BACKTICKS = re.compile(r"`+")


def fenced(lines: Iterable[str], language: str) -> Iterator[str]:
    """The lines between fences that are longer than any in them.

    Source: https://github.github.com/gfm (fenced code blocks)
    """
    listed = list(lines)
    longest = max((len(run) for line in listed for run in _BACKTICKS.findall(line)), default=0)
    fence = "`" * max(3, longest + 1)
    yield f"{fence}{language}"
    yield from listed
    yield fence
