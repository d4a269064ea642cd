"""A spec's file and its model have one name, so that each is found from the other."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
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
        "AM023",
        "a file below specs/ is not read",
        "Specs are directly in `specs/`, and end in `.yaml` or `.yml`. A file in a folder there, or one "
        "that ends in `.YAML`, would be ignored without a word, and its model would not exist. "
        "All models share one list of names, so a folder for each team is not needed to keep them apart; in "
        "CODEOWNERS, `/specs/risk-*.yaml` is a team's. Keep other YAML files outside of `specs/`.",
    ),
    Explanation(
        "AM208",
        "two specs have one model",
        "What is generated for a model lies in one folder, so it can come from one spec only. Mostly one of "
        "the two is a copy: `churn.yaml` and `churn.yml`, say.",
    ),
)


_NAME = ("metadata", "name")


def unread(strays: Iterable[str]) -> Iterator[Finding]:
    """Files below specs/ that are not read, each on its own."""
    for file in strays:
        path = PurePath(file)
        place = f"{path.parts[0]}/{path.stem}{path.suffix.lower()}"
        reason = "it is in a folder" if path.parent.name != path.parts[0] else f"it ends in `{path.suffix}`"
        message = f"`{file}` is not read: {reason}"
        hint = f"move it to `{place}`, or out of `{path.parts[0]}/` if it is not a spec"
        yield Finding("AM023", (), message, help=hint, file=file)


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
