"""What `aimass init` guessed and why, with what changes each, for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler.render.emit import inline

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from aimass_compiler.starter.deciding import Draft

_FEW = 5
_LONGEST = 40


def guesses(draft: Draft) -> list[tuple[str, str]]:
    """What it is about and what was decided, with the reason and the flag that changes it."""
    return list(_guesses(draft))


def split_reason(draft: Draft) -> str:
    """Why rows are split as they are, in a sentence."""
    if draft.split == "time" and draft.time is not None:
        return (
            f"By time, because the rows stand in the order of {inline(draft.time.name)}: learn from the past."
        )
    if draft.split == "hash" and draft.key is not None:
        together = "" if draft.key.is_unique else ", and all rows of one key stay together"
        return f"By a hash of the key, so that a row stays in its split when rows are added{together}."
    if draft.split == "random" and draft.target.classes:
        return (
            "At random, each class in the same shares: with few rows, chance alone could leave a class out."
        )
    if draft.split == "random":
        return "At random: with few rows, a hash would miss the shares."
    return "By a hash of all columns, so that equal rows share a split and stay in it when others are added."


def _guesses(draft: Draft) -> Iterator[tuple[str, str]]:
    target = draft.target
    others = f"; others: {_listed(target.others)}" if target.others else ""
    kind = f"one of {len(target.classes)} classes" if target.classes else "a number"
    yield "target", f"{inline(target.name)}, {kind} ({target.reason}{others}; --target COLUMN)"
    if target.positive:
        yield "positive", f"{inline(target.positive)} ({target.why_positive}; --positive CLASS)"
    if ids := [column.name for column in draft.columns if column.type == "id"]:
        yield "ids", f"{_listed(ids)}, never features (where one is a number to learn from: type `number`)"
    if times := [column.name for column in draft.columns if column.type == "time"]:
        yield "times", f"{_listed(times)}, never features; they can order the rows"
    if doubts := [f"{inline(column.name)}: {column.doubt}" for column in draft.columns if column.doubt]:
        yield "in doubt", "; ".join(doubts[:_FEW])
    reason = split_reason(draft).rstrip(".")
    yield "split", f"{draft.split_told} ({reason[0].lower()}{reason[1:]}; --split time, hash or random)"
    if draft.left_out:
        yield (
            "left out",
            "; ".join(
                f"{inline(column.name[:_LONGEST])}: {column.reason}" for column in draft.left_out[:_FEW]
            ),
        )


def _listed(names: Iterable[str]) -> str:
    shown = [inline(name) for name in names]
    more = f" and {len(shown) - _FEW} more" if len(shown) > _FEW else ""
    return ", ".join(shown[:_FEW]) + more
