"""Regular expressions that RE2, Rust's regex and Python's `re` read alike, and why others are refused."""

from __future__ import annotations

import re
import warnings
from collections import deque
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import pairwise
from re import _constants as parsed  # type: ignore[attr-defined]  # typeshed leaves it out
from re import _parser as parser  # type: ignore[attr-defined]  # as above; hypothesis parses with it, too
from typing import Any

from msgspec import Struct

#: Ranges of code points, both ends included, in ascending order.
Letters = tuple[tuple[int, int], ...]

_LAST = 0x10FFFF
_NEWLINE: Letters = ((10, 10),)
_CLASSES: dict[Any, Letters] = {
    parsed.CATEGORY_DIGIT: ((48, 57),),
    parsed.CATEGORY_SPACE: ((9, 13), (32, 32)),
    parsed.CATEGORY_WORD: ((48, 57), (65, 90), (95, 95), (97, 122)),
}
_OPPOSITES = {
    parsed.CATEGORY_NOT_DIGIT: parsed.CATEGORY_DIGIT,
    parsed.CATEGORY_NOT_SPACE: parsed.CATEGORY_SPACE,
    parsed.CATEGORY_NOT_WORD: parsed.CATEGORY_WORD,
}
_REFUSED = {
    parsed.MIN_REPEAT: "a repetition that takes as little as it can (`*?`)",
    parsed.POSSESSIVE_REPEAT: "a possessive repetition (`*+`)",
    parsed.ATOMIC_GROUP: "an atomic group (`(?>…)`)",
    parsed.ASSERT: "a look-around (`(?=…)`, `(?<=…)`)",
    parsed.ASSERT_NOT: "a negative look-around (`(?!…)`, `(?<!…)`)",
    parsed.GROUPREF: "a back reference (`\\1`)",
    parsed.GROUPREF_EXISTS: "a condition on a group",
    parsed.AT: "`^`, `$` or `\\b` inside",
}
#: How large a pattern may be: in letters once repetitions are written out, and in states of its automaton.
_MOST_LETTERS, _MOST_STATES = 400, 500
_MATCH = -1


class UnportableError(Exception):
    """A pattern that engines would read differently, or not at all."""


class _Node(Struct, frozen=True):
    """A step of the automaton: a letter and what follows, or ways without one in the order of preference."""

    letters: Letters | None
    following: tuple[int, ...]


def problem(pattern: str) -> str | None:
    """Why a pattern cannot be taken; None where it can."""
    try:
        portable(pattern)
    except UnportableError as error:
        return str(error)
    return None


@cache
def portable(pattern: str) -> str:
    """The pattern with classes written out as ranges, which every engine reads alike.

    Raises UnportableError.
    """
    tree = _tree(pattern)
    items = list(tree)
    starts = bool(items) and items[0] == (parsed.AT, parsed.AT_BEGINNING)
    items = items[starts:]
    ends = bool(items) and items[-1] == (parsed.AT, parsed.AT_END)
    items = items[: len(items) - ends]
    written = "".join(_written(item) for item in items)
    nodes: list[_Node] = []
    start = _sequence(nodes, items, _MATCH)
    _require_one_match(nodes, start, ends_text=ends)
    return "\\A" * starts + f"(?:{written})" + "\\z" * ends


def _tree(pattern: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("error", FutureWarning)
        try:
            tree = parser.parse(pattern, re.ASCII)
        except FutureWarning:
            raise UnportableError("has a set within a set, such as `[[:alpha:]]`") from None
        except (re.error, OverflowError, RecursionError) as error:
            raise UnportableError(f"is no regular expression: {error}") from None
    if tree.state.flags != re.ASCII.value:
        raise UnportableError(
            "has flags, such as `(?i)`; write both cases, or use `normalize_text` before it"
        )
    return tree


def _written(item: tuple[Any, Any]) -> str:
    operator, value = item
    if operator is parsed.BRANCH:
        return f"(?:{'|'.join(''.join(map(_written, branch)) for branch in value[1])})"
    if operator is parsed.SUBPATTERN:
        group, added, removed, inner = value
        if group is not None:
            message = "has a group that is remembered; write `(?:…)`, and what is around the part in `within`"
            raise UnportableError(message)
        if added or removed:
            raise UnportableError("has flags, such as `(?i:…)`")
        return f"(?:{''.join(map(_written, inner))})"
    if operator is parsed.MAX_REPEAT:
        least, most, inner = value
        upper = "" if most is parsed.MAXREPEAT else most
        return f"(?:{''.join(map(_written, inner))}){{{least},{upper}}}"
    return "[" + "".join(rf"\x{{{low:X}}}-\x{{{high:X}}}" for low, high in _letters(item)) + "]"


def _letters(item: tuple[Any, Any]) -> Letters:
    """The letters of an item that stands for one. Raises UnportableError."""
    operator, value = item
    if operator in _REFUSED:
        raise UnportableError(f"has {_REFUSED[operator]}, which not every engine knows or reads alike")
    if operator is parsed.ANY:
        return _all_but(_NEWLINE)
    if operator is parsed.LITERAL:
        return ((value, value),)
    if operator is parsed.NOT_LITERAL:
        return _all_but(((value, value),))
    if operator is not parsed.IN:
        raise UnportableError(f"has `{operator}`, which not every engine knows")
    is_negated = value[0][0] is parsed.NEGATE
    found = _united(part for each in value[is_negated:] for part in _members(each))
    found = _all_but(found) if is_negated else found
    if not found:
        raise UnportableError("has a set that no letter is in")
    return found


def _members(item: tuple[Any, Any]) -> Letters:
    operator, value = item
    if operator is parsed.LITERAL:
        return ((value, value),)
    if operator is parsed.RANGE:
        return (value,)
    opposite = _OPPOSITES.get(value)
    return _CLASSES[value] if opposite is None else _all_but(_CLASSES[opposite])


def _united(ranges: Iterator[tuple[int, int]]) -> Letters:
    found: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if found and low <= found[-1][1] + 1:
            found[-1] = found[-1][0], max(high, found[-1][1])
        else:
            found.append((low, high))
    return tuple(found)


def _all_but(ranges: Letters) -> Letters:
    edges = [-1, *(edge for pair in ranges for edge in pair), _LAST + 1]
    pairs = ((low + 1, high - 1) for low, high in zip(edges[::2], edges[1::2], strict=True))
    return tuple(pair for pair in pairs if pair[0] <= pair[1])


def _added(nodes: list[_Node], node: _Node) -> int:
    if len(nodes) == _MOST_LETTERS:
        raise UnportableError(
            f"is too long: it has more than {_MOST_LETTERS} letters, repetitions written out"
        )
    nodes.append(node)
    return len(nodes) - 1


def _sequence(nodes: list[_Node], items: Sequence[Any], following: int) -> int:
    """Enter items in front of the node that follows; where they start."""
    for operator, value in reversed(items):
        if operator is parsed.BRANCH:
            ways = tuple(_sequence(nodes, branch, following) for branch in value[1])
            following = _added(nodes, _Node(None, ways))
        elif operator is parsed.SUBPATTERN:
            following = _sequence(nodes, value[3], following)
        elif operator is parsed.MAX_REPEAT:
            following = _repeated(nodes, value, following)
        else:
            following = _added(nodes, _Node(_letters((operator, value)), (following,)))
    return following


def _repeated(nodes: list[_Node], value: Any, following: int) -> int:
    least, most, inner = value
    if inner.getwidth()[0] == 0:
        raise UnportableError("repeats what may be empty; leave the outer or the inner repetition out")
    if most is parsed.MAXREPEAT:
        place = _added(nodes, _Node(None, ()))
        nodes[place] = _Node(None, (_sequence(nodes, inner, place), following))
        following = place
    else:
        end = following
        for _ in range(most - least):
            following = _added(nodes, _Node(None, (_sequence(nodes, inner, following), end)))
    for _ in range(least):
        following = _sequence(nodes, inner, following)
    return following


def _require_one_match(nodes: list[_Node], start: int, *, ends_text: bool) -> None:
    """Raises UnportableError where the longest match, which the graph takes, is not the one of Perl.

    Both are followed through all texts at once: the ways of Perl in the order of its preference, up to the
    first that matches, and all ways. Where only the latter match, the letters so far are an example.
    """
    first = _ways(nodes, [start])
    if _MATCH in first:
        raise UnportableError("matches an empty text; let it have at least one letter")
    if ends_text:
        return
    samples = _samples(nodes)
    seen = {(first, frozenset(first))}
    waiting = deque([(first, frozenset(first), "")])
    while waiting:
        preferred, every, text = waiting.popleft()
        for letter in samples:
            ways = _ways(nodes, _after(nodes, preferred, letter))
            known = _ways(nodes, _after(nodes, sorted(every), letter))
            longer = text + chr(letter)
            if _MATCH in known and _MATCH not in ways:
                message = f"matches `{longer}` as a whole or only its beginning; write the longer way first"
                raise UnportableError(message)
            ways = ways[: ways.index(_MATCH) + 1] if _MATCH in ways else ways
            state = ways, frozenset(known)
            if known and state not in seen:
                seen.add(state)
                waiting.append((*state, longer))
        if len(seen) > _MOST_STATES:
            raise UnportableError("has too many ways to match; make it simpler")


def _after(nodes: list[_Node], ways: Sequence[int], letter: int) -> list[int]:
    found = []
    for way in ways:
        letters = nodes[way].letters if way != _MATCH else None
        if letters and any(low <= letter <= high for low, high in letters):
            found.append(nodes[way].following[0])
    return found


def _ways(nodes: list[_Node], starts: Sequence[int]) -> tuple[int, ...]:
    """The nodes of letters, and the match, that are reached without a letter, the preferred ones first."""
    found: dict[int, None] = {}
    seen: set[int] = set()
    waiting = list(reversed(starts))
    while waiting:
        place = waiting.pop()
        if place in seen:
            continue
        seen.add(place)
        if place == _MATCH or nodes[place].letters is not None:
            found[place] = None
        else:
            waiting.extend(reversed(nodes[place].following))
    return tuple(found)


def _samples(nodes: list[_Node]) -> list[int]:
    """A letter of each range that no set of the pattern divides, one that can be shown where there is one."""
    edges = {0} | {edge for node in nodes for low, high in node.letters or () for edge in (low, high + 1)}
    ordered = [*sorted(edges - {_LAST + 1}), _LAST + 1]
    return [
        next((ord(shown) for shown in "a1A -" if low <= ord(shown) < end), low)
        for low, end in pairwise(ordered)
    ]
