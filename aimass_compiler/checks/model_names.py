"""A spec's file and its model have one name, so that each is found from the other."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Protocol

from aimass_compiler import conventions, model_path
from aimass_compiler.diagnostics import Example, Explanation, Finding, Related
from aimass_compiler.pipeline.model_name import MODEL_NAME
from aimass_compiler.project import team_of_spec

EXPLANATIONS = (
    Explanation(
        "AM205",
        "the file is called otherwise than the model",
        "The model's name is that of its folders, stages, images and Kubernetes objects. Its spec is "
        "`specs/<name>.yaml`, or `specs/<team>/<name>.yaml`, so that everyone finds it from any of them.",
    ),
    Explanation(
        "AM023",
        "a file below specs/ is not read",
        "Specs are in `specs/`, or in a folder there, which is that of a team, and end in `.yaml` or "
        "`.yml`. A file that lies deeper, or one that ends in `.YAML`, would be ignored without a word, and "
        "its model would not exist. Keep other YAML files outside of `specs/`.",
    ),
    Explanation(
        "AM024",
        "a team is called like a model",
        "A folder of `specs/` is a team, and a spec beside it a model of no team. What is generated for "
        "either lies in `generated/` under its name, so no model beside the folders is called like one of "
        "them. Move it into the team's folder, or rename it.",
    ),
    Explanation(
        "AM025",
        "a team cannot be called so",
        "A team is called by the same rule as a model: at most 40 lower-case letters, digits and dashes, "
        "beginning with a letter. Its name is part of paths and of the names of images. "
        f"`{conventions.FLEET_FOLDER}` is kept for what is made once for all models, so neither a team nor a "
        "model beside the teams is called so.",
    ),
    Explanation(
        "AM208",
        "two specs have one model",
        "What is generated for a model lies in one folder, so it can come from one spec only. Mostly one of "
        "the two is a copy: `churn.yaml` and `churn.yml`, say. Models of two teams may have one name.",
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
        "A spec is in `specs/risk/2026/churn.yaml`.",
        "It is in `specs/risk/churn.yaml`.",
        "situation",
    ),
    Example(
        "AM024",
        "There are `specs/growth.yaml` and `specs/growth/churn.yaml`.",
        "The first one is `specs/growth/growth.yaml`.",
        "situation",
    ),
    Example(
        "AM025",
        "There is `specs/fleet/churn.yaml`.",
        "There is `specs/growth/churn.yaml`.",
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
        folders = path.parts[1:-1]
        place = "/".join((path.parts[0], *folders[: model_path.DEEPEST], path.stem + path.suffix.lower()))
        is_deep = len(folders) > model_path.DEEPEST
        reason = "it lies deeper than in the folder of a team" if is_deep else f"it ends in `{path.suffix}`"
        message = f"`{file}` is not read: {reason}"
        hint = f"move it to `{place}`, or out of `{path.parts[0]}/` if it is not a spec"
        yield Finding("AM023", (), message, help=hint, file=file)


class NamedSpec(Protocol):
    """A spec that was read."""

    @property
    def file(self) -> str:
        """What people call its file."""

    @property
    def name(self) -> str:
        """The model's name; empty where the spec does not say it."""


def findings(specs: Iterable[NamedSpec], others: Mapping[str, PurePath]) -> Iterator[Finding]:
    """Files that are named differently from their models, or share one; `others` are not compiled now."""
    listed = [*specs]
    files = {_model_of(file, PurePath(file).stem): file for file in others}
    yield from _teams([each.file for each in listed], [*others])
    for file, name in ((spec.file, spec.name) for spec in listed if spec.name):
        stem, model = PurePath(file).stem, _model_of(file, name)
        if stem != name:
            message = f"the model is called `{name}`, but its file `{stem}`"
            hint = f"rename the file to `{name}.yaml`"
            if re.fullmatch(MODEL_NAME, stem):
                hint += f", or the model to `{stem}`"
            yield Finding("AM205", _NAME, message, help=hint, file=file)
        if name in _OF_ALL and not model_path.team_of(model):
            message = f"`{name}` is what {_OF_ALL[name]} is called"
            yield Finding("AM292", _NAME, message, help="give the model another name", file=file)
        first = files.setdefault(model, file)
        if first != file:
            message = f"the model `{model}` has a spec already"
            note = Related(_NAME, f"`{model}` is described here, too", file=first)
            yield Finding("AM208", _NAME, message, help="keep one of them", related=(note,), file=file)
        yield from _clashes(model, files)


def _model_of(file: str, name: str) -> str:
    return model_path.path_of(team_of_spec(file), name)


def _teams(files: Sequence[str], others: Sequence[str]) -> Iterator[Finding]:
    """Folders that cannot be those of teams, and models that are called like one: each at its first spec."""
    teams: dict[str, str] = {}
    models: dict[str, str] = {}
    for file in (*files, *others):
        team = team_of_spec(file)
        (teams if team else models).setdefault(team or PurePath(file).stem, file)
    for name, file in (*teams.items(), *models.items()):
        if (name in teams or name == conventions.FLEET_FOLDER) and file in files:
            yield from _badly_called(name, file, is_team=teams.get(name) == file)
    for name in sorted(teams.keys() & models.keys()):
        file, other = sorted((teams[name], models[name]), key=lambda each: each not in files)
        if file in files:
            message = f"`{name}` is a team, which has `{teams[name]}`, and a model, `{models[name]}`"
            note = Related((), "the other one", file=other)
            way = f"move `{models[name]}` to `{conventions.SPECS_FOLDER}/{name}/`, or rename one of the two"
            yield Finding("AM024", (), message, help=way, related=(note,), file=file)


def _badly_called(name: str, file: str, *, is_team: bool) -> Iterator[Finding]:
    if name == conventions.FLEET_FOLDER:
        message = f"`{name}` is kept for what is made once for all models"
        hint = f"rename the {'folder' if is_team else 'model and its file'}"
        yield Finding("AM025", (), message, help=hint, file=file)
    elif is_team and not re.fullmatch(MODEL_NAME, name):
        message = f"`{PurePath(file).parent.as_posix()}` is no folder of a team: none is called `{name}`"
        hint = "rename it: up to 40 lower-case letters, digits and dashes, beginning with a letter"
        yield Finding("AM025", (), message, help=hint, file=file)


def _clashes(model: str, files: Mapping[str, str]) -> Iterator[Finding]:
    """What this model is called after one of its team so far, or one of them after it."""
    team, name = model_path.team_of(model), model_path.name_of(model)
    for template, meaning in conventions.CALLED_AFTER_MODEL.items():
        owner = name.removesuffix(template.format(model=""))
        for whole, part in ((owner, name), (name, template.format(model=name))):
            paths = {each: model_path.path_of(team, each) for each in (whole, part)}
            if whole == part or not all(path in files for path in paths.values()):
                continue
            other = part if whole == name else whole
            message = f"`{part}` is what {meaning} is called in `{whole}`"
            note = Related(_NAME, f"`{other}` is described here", file=files[paths[other]])
            hint = f"give the model `{part}` another name"
            yield Finding("AM293", _NAME, message, help=hint, related=(note,), file=files[model])
