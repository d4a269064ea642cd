"""How a row becomes a conversation: what is asked, what is answered, and what they are written in."""

from __future__ import annotations

from pydantic import Field

from aimass_compiler.catalog.base_model import AnyBase
from aimass_compiler.catalog.project_code import ProjectFile
from aimass_compiler.catalog.quantities import Flag, Frozen, Integer, is_absent

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
