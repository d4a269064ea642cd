"""A spec's file and its model have one name, so that each is found from the other."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import PurePath

from aimass_compiler.diagnostics import Finding, Related
from aimass_compiler.explanations import Explanation
from aimass_compiler.pipeline import MODEL_NAME

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


def findings(models: Mapping[str, str], others: Mapping[str, str]) -> Iterator[Finding]:
    """Files that are called otherwise than their models, or share one.

    Both map what people call a file to its model's name; `others` are known to be in order.
    """
    files = {name: file for file, name in others.items()}
    for file, name in models.items():
        stem = PurePath(file).stem
        if stem != name:
            message = f"the model is called `{name}`, but its file `{stem}`"
            hint = f"rename the file to `{name}.yaml`"
            if re.fullmatch(MODEL_NAME, stem):
                hint += f", or the model to `{stem}`"
            yield Finding("AM205", _NAME, message, help=hint, file=file)
        first = files.setdefault(name, file)
        if first != file:
            message = f"the model `{name}` has a spec already"
            note = Related(_NAME, f"`{name}` is described here, too", file=first)
            yield Finding("AM208", _NAME, message, help="keep one of them", related=(note,), file=file)
