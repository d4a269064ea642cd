"""A team's specs name images of registries that the team may use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler import conventions
from aimass_compiler.checks._example import Example
from aimass_compiler.diagnostics import Explanation, Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.pipeline import Pipeline

NEEDS = ("settings", "model")
EXPLANATIONS = (
    Explanation(
        "AM316",
        "an image is of a registry that the team may not use",
        "`registries` in `teams/NAME.yaml` says which registries, each with any path, a team's specs may "
        "name images of, such as that of a base. What images hold runs in the team's pods, so it comes from "
        "registries that are scanned and looked after.",
    ),
)
EXAMPLES = (
    Example(
        "AM316",
        "`teams/growth.yaml` has `registries: [registry.example.com/growth]`, and a spec of the team the "
        "base `oci: docker.io/someone/base@sha256:…`.",
        "The base is `oci: registry.example.com/growth/base@sha256:…`.",
        "situation",
    ),
)


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """A base whose image is elsewhere."""
    rules, how = pipeline.settings.team, pipeline.task.conversation
    image = None if how is None else how.base.image
    if rules is None or rules.registries is None or image is None:
        return
    allowed = (*rules.registries, pipeline.settings.images.registry)
    if not any(image.startswith(f"{each}/") for each in allowed):
        path = ("model", pipeline.first_model.kind, "base")
        known = ", ".join(f"`{each}`" for each in allowed)
        file = conventions.TEAM_FILE.format(team=rules.name)
        message = f"team `{rules.name}` may not use `{image.partition('@')[0]}`"
        yield Finding("AM316", path, message, help=f"{file} and aimass.yaml have: {known}")
