"""A spec's file and its model have one name, so that each is found from the other."""

from __future__ import annotations

from aimass_compiler.diagnostics import Finding
from aimass_compiler.explanations import Explanation

EXPLANATIONS = (
    Explanation(
        "AM205",
        "the file is called otherwise than the model",
        "The model's name is that of its folders, stages, images and Kubernetes objects. Its spec is "
        "`specs/<name>.yaml`, so that everybody finds it from any of them, and no two can have one name.",
    ),
)


def unlike(stem: str, name: str, file: str) -> list[Finding]:
    """One finding where a file's name without its suffix is not the model's."""
    if stem == name:
        return []
    message = f"the model is called `{name}`, but its file `{stem}`"
    hint = f"rename the file to `{name}.yaml`, or the model to `{stem}`"
    return [Finding("AM205", ("metadata", "name"), message, help=hint, file=file)]
