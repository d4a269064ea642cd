"""What a row says as a conversation: the turns up to the answer, and the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import polars

    from aimass_compiler.catalog.conversation import Conversation
    from aimass_compiler.catalog.task import Task


class Turns(Struct, frozen=True):
    """One conversation: what was said up to the answer, and the answer."""

    turns: tuple[dict[str, str], ...]
    """The turns before the answer: `role` and `content` of each."""
    answer: str
    rejected: str | None = None
    """The answer that was liked less."""


def turns_of(rows: polars.DataFrame, task: Task) -> list[Turns]:
    """The conversation of each prepared row, [N]; a missing text is an empty one.

    Raises LookupError for a task without conversations.
    """
    how = task.conversation
    if how is None:
        raise LookupError("the task has no conversations")
    return [_turns(row, how, task.target) for row in rows.iter_rows(named=True)]


def _turns(row: Mapping[str, Any], how: Conversation, target: str) -> Turns:
    truth = row.get(target)
    if isinstance(truth, list):
        *before, last = truth
        return Turns(tuple(_turn(each) for each in before), str(last["content"]))
    rejected = None if how.rejected is None else str(row[how.rejected] or "")
    return Turns(prompt_of({name: row.get(name) for name in how.columns}), str(truth or ""), rejected)


def prompt_of(values: Mapping[str, Any]) -> tuple[dict[str, str], ...]:
    """The turns that a row or a request asks with, of its columns in their order.

    One text is what the user says; of several, each is a line `name: value`. A chat's turns stay as they are.
    """
    chats = [value for value in values.values() if isinstance(value, (list, tuple))]
    if chats:
        return tuple(_turn(each) for each in chats[0])
    if len(values) == 1:
        return ({"role": "user", "content": str(next(iter(values.values())) or "")},)
    return ({"role": "user", "content": "\n".join(_lines(values))},)


def _lines(values: Mapping[str, Any]) -> Iterator[str]:
    for name, value in values.items():
        if value is not None and value != "":
            yield f"{name}: {value}"


def _turn(each: Mapping[str, Any]) -> dict[str, str]:
    return {"role": str(each["role"]), "content": str(each["content"])}
