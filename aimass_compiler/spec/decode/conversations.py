"""The conversations that a language model reads of a spec's rows: with which columns it is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler.pipeline.columns import ChatColumn, TextColumn

if TYPE_CHECKING:
    from aimass_compiler.catalog.conversation import Conversation
    from aimass_compiler.catalog.model import Model
    from aimass_compiler.spec.decode.model_spec import ModelSpec

#: The types of columns that hold an answer.
ANSWERS = (TextColumn, ChatColumn)


def of(spec: ModelSpec, model: Model) -> Conversation | None:
    """How rows become conversations: asked with all texts and chats but the target. None for other models."""
    columns = [
        name
        for name, column in spec.data.columns.items()
        if isinstance(column, ANSWERS) and column.may_be_feature and name != spec.target
    ]
    return model.conversation(columns)
