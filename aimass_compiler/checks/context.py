"""What a language model was trained on fits into its context, and into that of its base."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler.checks._example import Example
from aimass_compiler.diagnostics import Explanation, Finding, Severity
from aimass_compiler.pipeline.override_locations import is_written, written

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.pipeline import Pipeline

NEEDS = ("model", "data", "target", "serving", "environments")
EXPLANATIONS = (
    Explanation(
        "AM454",
        "servers take shorter requests than training did",
        "`serving.context` is how many tokens prompt and answer may have together in a request. With "
        "fewer than its `sequence_length`, requests like the longest training rows are refused or their "
        "answers cut off. Raise the context, or train on shorter rows; where it is meant, accept it in "
        "`waivers`.",
    ),
    Explanation(
        "AM456",
        "a sequence is longer than its base can read",
        "A base was made for positions up to its `context` (`max_position_embeddings` in its config.json). "
        "Beyond, it answers nonsense, and engines refuse to start.",
    ),
)
_MADE_FOR = "model: {language_model: {base: {architecture: {context: %d}}}}"
EXAMPLES = (
    Example("AM454", fails="serving: {context: 512}", passes="serving: {context: 2048}", of="language"),
    Example("AM456", fails=_MADE_FOR % 512, passes=_MADE_FOR % 1024, of="language"),
    Example(
        "AM456",
        fails=_MADE_FOR % 2048 + "\nserving: {context: 4096, concurrent: 1}",
        passes=_MADE_FOR % 4096 + "\nserving: {context: 4096, concurrent: 1}",
        of="language",
    ),
)


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """Contexts that are shorter than what was trained, or longer than what the base knows."""
    conversation = pipeline.task.conversation
    if conversation is None:
        return
    length, base = conversation.sequence_length, conversation.base.architecture
    known = base.context if base else None
    if known is not None and length > known:
        place = ("model", pipeline.first_model.kind, "sequence_length")
        message = f"rows have up to {length:,} tokens, but the base was made for {known:,}"
        yield Finding("AM456", place, message, help=f"write `sequence_length: {known}` or less")
    for path, context in written(pipeline, "serving.context"):
        if context is None or not is_written(pipeline, path):
            continue
        if known is not None and context > known:
            message = f"requests may have {context:,} tokens, but the base was made for {known:,}"
            yield Finding("AM456", path, message, help=f"write `context: {known}` or less")
        elif context < length:
            message = f"requests may have {context:,} tokens, but training rows have up to {length:,}"
            help_ = f"write `context: {length}`, or a shorter `sequence_length`"
            yield Finding("AM454", path, message, help=help_, severity=Severity.WARNING)
