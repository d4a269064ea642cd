"""What memory and cost of a language model follow from is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler.checks._example import Example
from aimass_compiler.diagnostics import Explanation, Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.pipeline import Pipeline

NEEDS = ("model", "data", "target")
IS_OF_ALL_MODELS = True
EXPLANATIONS = (
    Explanation(
        "AM450",
        "memory and cost of a language model are not checked",
        "What training and serving take follows from the base's numbers. Of a folder of the project they are "
        "read from its config.json and its weight files; a base that is elsewhere is not fetched while "
        "compiling. Write them down once, as its config.json has them: `base: {hub: org/name, "
        "revision: …, architecture: {parameters: 8030261248, layers: 32, heads: 32, kv_heads: 8, hidden: "
        "4096, intermediate: 14336, vocabulary: 128256, context: 131072}}`. They train nothing again.",
    ),
)
EXAMPLES = (
    Example(
        "AM450",
        fails="model: {language_model: {base: {architecture: null}}}",
        passes="model: {language_model: {base: {architecture: {layers: 30}}}}",
        of="language",
    ),
)


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """A base that is elsewhere, and of which nothing is said."""
    how = pipeline.task.conversation
    if how is not None and how.base.architecture is None and not how.base.dependencies:
        message = f"nothing says how large {how.base.shown} is, so memory and cost are not checked"
        hint = "write its `architecture`, as its config.json has it"
        yield Finding(
            "AM450",
            ("model", pipeline.first_model.kind, "base"),
            message,
            help=hint,
            severity=Severity.WARNING,
        )
