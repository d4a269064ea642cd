"""A file of prompts and answers, or of chats: what a language model is fine-tuned on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aimass_compiler.render.emit import inline
from aimass_compiler.starter.contract import InferredColumn, infer

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars

    from aimass_compiler.starter.decisions import InitOptions
    from aimass_compiler.starter.profile import DataFileProfile

#: What files call them: those of OpenAI, Alpaca, ShareGPT and question answering.
_ASKED = ("system", "instruction", "context", "input", "prompt", "question", "query")
_ANSWERED = ("answer", "response", "completion", "output", "reply")
_CHATS = ("messages", "conversation", "conversations", "chat")
_TURN = frozenset({"role", "content"})
#: A token has about so many characters of English; other languages and small vocabularies have more tokens.
CHARACTERS_A_TOKEN = 3
#: What a chat template puts around the turns, in tokens.
_AROUND = 16
_SHORTEST, _LONGEST = 64, 8192
_KEPT_WHOLE = 0.99


@dataclass(frozen=True)
class ConversationDraft:
    """What a spec says of a fine-tuned language model."""

    rows: int
    columns: Mapping[str, str]
    """The type of each column."""
    target: str
    left_out: tuple[str, ...]
    sequence_length: int

    @property
    def asked(self) -> list[str]:
        """The columns that are asked with, where they are not turns of the target."""
        return [name for name in self.columns if name != self.target]

    @property
    def reason(self) -> str:
        """Why it is a language model, in a sentence."""
        if not self.asked:
            return f"{inline(self.target)} holds chats, whose last turn is the answer"
        named = " and ".join(map(inline, self.asked))
        return f"{inline(self.target)} is a text that answers {named}"


def conversations_of(
    observed: DataFileProfile, rows: polars.DataFrame | polars.LazyFrame, wanted: InitOptions
) -> ConversationDraft | None:
    """The conversations of a file; None where it holds none, or where something else is wanted of it."""
    if wanted.task is not None or wanted.positive is not None:
        return None
    columns = _chat(rows) or _texts(observed)
    target = next(reversed(columns), None)
    if target is None or wanted.target not in (None, target):
        return None
    left_out = tuple(name for name in observed.columns if name not in columns)
    return ConversationDraft(observed.rows, columns, target, left_out, _length(rows, columns))


def _chat(rows: polars.DataFrame | polars.LazyFrame) -> dict[str, str]:
    """The column of chats: lists of turns with a role and a content."""
    import polars

    for name, kind in rows.lazy().collect_schema().items():
        turn = kind.inner if isinstance(kind, polars.List) else None
        is_turn = isinstance(turn, polars.Struct) and {field.name for field in turn.fields} >= _TURN
        if is_turn and name.lower() in _CHATS:
            return {name: "chat"}
    return {}


def _texts(observed: DataFileProfile) -> dict[str, str]:
    """The columns that ask, as the file has them, and the one that answers, where both hold texts."""
    texts = [name for name, each in observed.columns.items() if _is_text(infer(name, each, observed.rows))]
    asked = [name for name in texts if name.lower() in _ASKED]
    answered = [name for name in texts if name.lower() in _ANSWERED]
    if not asked or len(answered) != 1:
        return {}
    return dict.fromkeys([*asked, *answered], "text")


def _is_text(found: object) -> bool:
    return isinstance(found, InferredColumn) and (found.type == "text" or found.has_several_words)


def _length(rows: polars.DataFrame | polars.LazyFrame, columns: Mapping[str, str]) -> int:
    """A power of 2 of tokens that all but the longest conversations have room in."""
    import polars

    sizes = [_characters(name, kind) for name, kind in columns.items()]
    longest = rows.lazy().select(polars.sum_horizontal(sizes).quantile(_KEPT_WHOLE)).collect().item()
    tokens = int(longest or 0) // CHARACTERS_A_TOKEN + _AROUND
    return min(_LONGEST, max(_SHORTEST, 1 << (tokens - 1).bit_length()))


def _characters(name: str, kind: str) -> polars.Expr:
    import polars

    from aimass_compiler.expression.plain_name import named

    if kind == "text":
        return named(name).cast(polars.String).str.len_chars().fill_null(0)
    turn = polars.element().struct.field("content").cast(polars.String).str.len_chars() + _AROUND
    return named(name).list.eval(turn).list.sum().fill_null(0)


def guesses(draft: ConversationDraft) -> list[tuple[str, str]]:
    """What was decided, with the reason and what changes it."""
    found = [
        ("target", f"{inline(draft.target)}, written by a language model ({draft.reason}; --target COLUMN)"),
        ("base", "models/base, which is yours to choose: a folder, a commit of a hub, or an image"),
    ]
    if draft.left_out:
        named = ", ".join(map(inline, draft.left_out))
        found.append(("left out", f"{named}: a language model is asked with texts alone"))
    return found
