"""What pages are made of: sections of words, pairs, tables and charts, before any markup."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

#: How something is: as it should be, to be looked at, or as it should not be.
Tone = Literal["", "good", "doubtful", "bad"]


@dataclass(frozen=True)
class StatusText:
    """A text that is good, doubtful or bad; the text says so, too, as not everybody sees colours."""

    text: str
    tone: Tone = ""


@dataclass(frozen=True)
class Link:
    """A text that leads to another page of the same site, by its path there."""

    text: str
    address: str


Cell: TypeAlias = str | StatusText | Link


@dataclass(frozen=True)
class StatusSentence:
    """A sentence, with how what it says is."""

    text: str
    tone: Tone = ""
    block: str = "remark"


@dataclass(frozen=True)
class Pairs:
    """What is known of one thing: names and what they are."""

    rows: Sequence[tuple[str, Cell]]
    block: str = "pairs"


@dataclass(frozen=True)
class Grid:
    """A table with a caption, in which columns of numbers are to the right."""

    caption: str
    head: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    numeric: frozenset[int] = frozenset()
    """The places of columns of numbers."""
    is_folded: bool = False
    """Whether it is shown only to those who ask for it."""
    facets: tuple[int, ...] = ()
    """The places of columns by whose values its rows are chosen, where there are many."""
    block: str = "grid"


@dataclass(frozen=True)
class Chart:
    """A chart in Vega-Lite, and in words what it shows for those who do not see it."""

    title: str
    description: str
    spec: Mapping[str, Any]
    """Vega-Lite without its look, which the page has in one place."""
    values: Grid | None = None
    """What it shows as a table."""
    block: str = "chart"


Block: TypeAlias = StatusSentence | Pairs | Grid | Chart


@dataclass(frozen=True)
class Section:
    """A part of a page that has a heading and a place in its contents."""

    anchor: str
    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Page:
    """A page."""

    title: str
    lead: str
    sections: Sequence[Section]
    home: str = ""
    """What leads from it to the first page of its site; empty where it is that, or stands alone."""


def number(value: Any) -> str:
    """A number with as many digits as say something."""
    from aimass_compiler.cli.views.search_results import shown

    if isinstance(value, (bool, dict, list, tuple)):
        return json.dumps(value, ensure_ascii=False)
    return shown(float(value)) if isinstance(value, int) else shown(value)
