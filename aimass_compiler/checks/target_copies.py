"""A feature whose name says that it is the target again."""

from __future__ import annotations

import re
from itertools import product
from typing import TYPE_CHECKING

from aimass_compiler.checks._example import Example
from aimass_compiler.checks._places import declared
from aimass_compiler.diagnostics import Explanation, Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.pipeline import Pipeline

NEEDS = ("data", "target", "features")
EXPLANATIONS = (
    Explanation(
        "AM260",
        "a feature looks like the target again",
        "Apart from words such as `flag`, `label` or `is`, the column is called like the target: "
        "`churned_flag` beside `churned`. If it is the target in another coding, the model learns to copy "
        "it, looks perfect in every test, and has nothing to copy in serving. Leave it out of "
        "`data.columns`, or say `known: after`. If it was known before, accept it: `waivers: [{code: AM260, "
        "at: data.columns.NAME, reason: …}]`.",
    ),
)
EXAMPLES = (
    Example(
        "AM260",
        fails="data: {columns: {churned_flag: number}}",
        passes="data: {columns: {churned_flag: {type: number, known: after}}}",
    ),
)
#: Words that say how a value is written or that it is an outcome, not what it is about.
_CODING = frozenset(
    [
        "actual",
        "bin",
        "binary",
        "bool",
        "class",
        "code",
        "coded",
        "copy",
        "encoded",
        "flag",
        "has",
        "id",
        "ind",
        "index",
        "indicator",
        "int",
        "is",
        "label",
        "labelled",
        "num",
        "number",
        "numeric",
        "outcome",
        "result",
        "str",
        "string",
        "target",
        "text",
        "true",
        "truth",
        "val",
        "value",
        "was",
        "y",
    ]
)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_ENDINGS = re.compile(r"(?<=...)(ing|ed|es|s|e)$")


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """Columns that would reach the model and are called like the target."""
    dropped = {name for step in pipeline.flow.steps if step.transform.only_removes for name in step.writes}
    for target, name in product(pipeline.task.targets, pipeline.flow.sources):
        about = _about(target)
        if about and name not in (target, *dropped) and _about(name) == about:
            message = f"`{name}` looks like the target `{target}` in another coding"
            hint = "leave it out, or write `known: after`; if it is known in time, accept AM260 in `waivers`"
            path = ("data", "columns", name)
            note = (declared(target),)
            yield Finding(
                "AM260", path, message, help=hint, severity=Severity.WARNING, at_key=True, related=note
            )


def _about(name: str) -> frozenset[str]:
    """The stems of the words that say what a column is about."""
    words = [word.lower() for word in _WORD.findall(name)]
    return frozenset(_ENDINGS.sub("", word) for word in words if word not in _CODING)
