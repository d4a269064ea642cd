"""A spec's file and its model have one name, so that each is found from the other."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePath
from typing import Protocol

from aimass_compiler import conventions
from aimass_compiler.diagnostics import Example, Explanation, Finding, Related
from aimass_compiler.pipeline.model_name import MODEL_NAME

EXPLANATIONS = (
    Explanation(
        "AM205",
        "the file is called otherwise than the model",
        "The model's name is that of its folders, stages, images and Kubernetes objects. Its spec is "
        "`specs/<name>.yaml`, so that everyone finds it from any of them.",
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
    Explanation(
        "AM292",
        "a model is called like an image that all models share",
        f"`{conventions.SERVER_IMAGE}` is the image of the server without a model, in the registry and in "
        f"releases, and `{conventions.TRAINING_IMAGE}` the image that trains. A model of that name would "
        "have the same repository, and each would replace the other.",
    ),
    Explanation(
        "AM293",
        "a model is called like a part of another model",
        "What belongs to a model is called after it: `churn-training` is the ServiceAccount of churn's "
        "training job, `churn-package` the image of its package, and `churn-canary`, `churn-stable` and "
        "`churn-verdict` belong to its canaries. A model of such a name would have an object of the same "
        "kind and name, and each would replace the other, if not now, then once churn gets a canary.",
    ),
)
EXAMPLES = (
    Example(
        "AM293",
        "`specs/churn.yaml` and `specs/churn-canary.yaml` describe a model each.",
        "The second one is `specs/churn-weekly.yaml`.",
        "situation",
    ),
    Example(
        "AM292",
        "`specs/aimass-server.yaml` describes a model of that name.",
        "`specs/churn.yaml` describes the model `churn`.",
        "situation",
    ),
    Example("AM205", "metadata: {name: churn-eu} # in specs/churn.yaml", "metadata: {name: churn}"),
    Example(
        "AM208",
        "`specs/churn.yaml` was copied to `specs/churn.yml`.",
        "One of the two was deleted.",
        "situation",
    ),
    Example(
        "AM023",
        "A spec is in `specs/risk/churn.yaml`.",
        "It is in `specs/churn.yaml`.",
        "situation",
    ),
)

_NAME = ("metadata", "name")
_OF_ALL = {
    conventions.SERVER_IMAGE: "the image of the server",
    conventions.TRAINING_IMAGE: "the image that trains",
}


def unread(strays: Iterable[str]) -> Iterator[Finding]:
    """Files below specs/ that are not read, each on its own."""
    for file in strays:
        path = PurePath(file)
        place = f"{path.parts[0]}/{path.stem}{path.suffix.lower()}"
        reason = "it is in a folder" if path.parent.name != path.parts[0] else f"it ends in `{path.suffix}`"
        message = f"`{file}` is not read: {reason}"
        hint = f"move it to `{place}`, or out of `{path.parts[0]}/` if it is not a spec"
        yield Finding("AM023", (), message, help=hint, file=file)


class Named(Protocol):
    """A spec that was read."""

    @property
    def file(self) -> str:
        """What people call its file."""

    @property
    def name(self) -> str:
        """The model's name; empty where the spec does not say it."""


def findings(specs: Iterable[Named], others: Mapping[str, PurePath]) -> Iterator[Finding]:
    """Files that are named differently from their models, or share one; `others` are not compiled now."""
    files = {path.stem: file for file, path in others.items()}
    for file, name in ((spec.file, spec.name) for spec in specs if spec.name):
        stem = PurePath(file).stem
        if stem != name:
            message = f"the model is called `{name}`, but its file `{stem}`"
            hint = f"rename the file to `{name}.yaml`"
            if re.fullmatch(MODEL_NAME, stem):
                hint += f", or the model to `{stem}`"
            yield Finding("AM205", _NAME, message, help=hint, file=file)
        if name in _OF_ALL:
            message = f"`{name}` is what {_OF_ALL[name]} is called"
            yield Finding("AM292", _NAME, message, help="give the model another name", file=file)
        first = files.setdefault(name, file)
        if first != file:
            message = f"the model `{name}` has a spec already"
            note = Related(_NAME, f"`{name}` is described here, too", file=first)
            yield Finding("AM208", _NAME, message, help="keep one of them", related=(note,), file=file)
        yield from _clashes(name, files)


def _clashes(name: str, files: Mapping[str, str]) -> Iterator[Finding]:
    """What this model is called after one of those so far, or one of them after it."""
    for template, meaning in conventions.CALLED_AFTER_MODEL.items():
        owner = name.removesuffix(template.format(model=""))
        for model, part in ((owner, name), (name, template.format(model=name))):
            if model == part or model not in files or part not in files:
                continue
            other = part if model == name else model
            message = f"`{part}` is what {meaning} is called in `{model}`"
            note = Related(_NAME, f"`{other}` is described here", file=files[other])
            hint = f"give the model `{part}` another name"
            yield Finding("AM293", _NAME, message, help=hint, related=(note,), file=files[name])
