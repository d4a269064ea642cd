"""A spec's file and its model have one name, so that each is found from the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import TYPE_CHECKING

from aimass_compiler.diagnostics import Finding, Related
from aimass_compiler.explanations import Explanation

if TYPE_CHECKING:
    from aimass_compiler.pipeline import Pipeline

EXPLANATIONS = (
    Explanation(
        "AM205",
        "the file is called otherwise than the model",
        "The model's name is that of its folders, stages, images and Kubernetes objects. Its spec is "
        "`specs/<name>.yaml`, so that everybody finds it from any of them.",
    ),
    Explanation(
        "AM208",
        "two specs have one model",
        "What is generated for a model lies in one folder, so it can come from one spec only. Mostly one of "
        "the two is a copy: `churn.yaml` and `churn.yml`, say.",
    ),
)


_NAME = ("metadata", "name")


def findings(pipelines: Mapping[str, Pipeline]) -> Iterator[Finding]:
    """Files, by what people call them, that are called otherwise than their models, or share one."""
    files: dict[str, str] = {}
    for file, pipeline in pipelines.items():
        name, stem = pipeline.name, PurePath(file).stem
        if stem != name:
            message = f"the model is called `{name}`, but its file `{stem}`"
            hint = f"rename the file to `{name}.yaml`, or the model to `{stem}`"
            yield Finding("AM205", _NAME, message, help=hint, file=file)
        first = files.setdefault(name, file)
        if first != file:
            message = f"the model `{name}` has a spec already"
            note = Related(_NAME, f"`{name}` is described here, too", file=first)
            yield Finding("AM208", _NAME, message, help="keep one of them", related=(note,), file=file)
