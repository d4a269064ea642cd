"""How a row becomes a conversation: what is asked, what is answered, and what they are written in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct
from pydantic import Field

from aimass_compiler.catalog.base_model import AnyBase
from aimass_compiler.catalog.project_code import ProjectFile
from aimass_compiler.catalog.quantities import Flag, Frozen, Integer, is_absent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import polars

    from aimass_compiler.catalog.task import Task

#: Whose turns are learned.
ANSWERING = "assistant"


def _is_off(value: bool) -> bool:  # what pydantic hands over
    return not value


class Conversation(Frozen):
    """How rows become conversations."""

    base: AnyBase
    """The language model whose tokenizer and chat template they are written in."""
    columns: tuple[str, ...]
    """The columns that are asked with, in their order; none where the target's own turns are."""
    sequence_length: Integer
    """How many tokens a conversation has at most; what is longer is cut off."""
    template: ProjectFile | None = Field(None, exclude_if=is_absent)
    """The chat template; by default the base's own."""
    packing: Flag = Field(False, exclude_if=_is_off)
    """Whether several conversations share a row of training."""
    rejected: str | None = Field(None, exclude_if=is_absent)
    """The column with the answer that was liked less, where preferences are learned."""

    @property
    def dependencies(self) -> tuple[str, ...]:
        """The files of the project that it reads beside the rows, for DVC to watch."""
        return (*self.base.dependencies, *(() if self.template is None else (self.template,)))


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
