"""What git declares of each model for an environment: objects as kustomize builds them, in order."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aimass_compiler import conventions, model_path
from aimass_compiler.kubernetes.failures import ClusterError
from aimass_compiler.kubernetes.pod_images import images_of, version_of
from aimass_compiler.programs import git
from aimass_compiler.programs.kustomize import Kustomize, KustomizeError, find
from aimass_compiler.releases.release_file import released_models
from aimass_compiler.render.image_volumes import is_entry
from aimass_compiler.render.object_kind import Rank
from aimass_compiler.render.targets import kind_of, kind_of_object

Object = Mapping[str, Any]

_DIGEST_LENGTH = 12
_BUILDS_AT_ONCE = 4
#: Overlays that one run of kustomize builds: more of them take longer than several runs side by side.
_BUILT_TOGETHER = 12
#: In so many of the last parts there is looked for room.
_OPEN = 8
_NAMESPACE = re.compile(r"^namespace: (\S+)$", re.MULTILINE)


@dataclass(frozen=True, order=True)
class ObjectKey:
    """Which object it is, in any version of its API."""

    group: str
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


@dataclass(frozen=True)
class DeclaredModel:
    """What git holds of a model for one environment."""

    model: str
    environment: str
    namespace: str
    objects: tuple[Object, ...]
    """In the order in which they are applied."""

    @property
    def version(self) -> str:
        """What its release calls it, or the digest or tag of its image, or of everything without any."""
        found = (version_of(document) for document in self.objects if _is_released(document))
        return next(filter(None, found), self.digest)

    @property
    def images(self) -> dict[str, str]:
        """The images that run the model, by their place in its pods or in what a shared server follows."""
        found = (images_of(document) for document in self.objects if _is_released(document))
        return next(filter(None, found), {})

    @property
    def digest(self) -> str:
        """A short name for all objects together, which changes with any of them."""
        content = json.dumps(self.objects, sort_keys=True, separators=(",", ":")).encode()
        return hashlib.sha256(content).hexdigest()[:_DIGEST_LENGTH]


def _is_released(document: Object) -> bool:
    return kind_of_object(document).serves or is_entry(document)


Builds = Mapping[tuple[str, str], Future[DeclaredModel]]


@dataclass(frozen=True)
class EnvironmentTarget:
    """One environment, and what it is to be brought to."""

    environment: str
    namespace: str
    models: tuple[str, ...]
    is_whole: bool
    """Whether these are all models, so that what git no longer has is removed."""
    current: tuple[str, ...] = ()
    """Further models that git has for it, which are left alone because nothing of them changed."""


def key_of(document: Object) -> ObjectKey:
    """The key of an object."""
    metadata = document["metadata"]
    group, _ = group_and_version(document)
    return ObjectKey(group, document["kind"], metadata.get("namespace", ""), metadata["name"])


def is_workload(key: ObjectKey) -> bool:
    """Whether an object of this kind gets ready."""
    return kind_of(key.group, key.kind).state is not None


def group_and_version(document: Object) -> tuple[str, str]:
    """The two parts of an `apiVersion`."""
    group, _, version = str(document["apiVersion"]).rpartition("/")
    return group, version


def rank(key: ObjectKey) -> Rank:
    """Where an object stands in the order; one of an unknown kind comes last, as what watches does."""
    return kind_of(key.group, key.kind).rank


def in_ranks(objects: Iterable[Object]) -> Iterator[tuple[Object, ...]]:
    """The objects in groups, each of which needs the ones before it."""
    ranked: dict[int, list[Object]] = {}
    for document in objects:
        ranked.setdefault(rank(key_of(document)), []).append(document)
    for place in sorted(ranked):
        yield tuple(sorted(ranked[place], key=key_of))


def overlay(generated: Path, model: str, environment: str) -> Path:
    """The folder of a model's overlay for an environment."""
    return generated / model / "overlays" / environment


def models_of(generated: Path, environment: str) -> list[str]:
    """The models that have an overlay for an environment, and a release there, sorted."""
    released = released_models(generated.parent, environment)
    return [model for model in released if overlay(generated, model, environment).is_dir()]


def namespaces_in(generated: Path, environment: str) -> dict[str, str]:
    """The namespace that overlays of an environment name, by team; that of models without one is by ""."""
    found: dict[str, str] = {}
    for folder in sorted(generated.glob("*/")):
        is_model = (folder / "overlays").is_dir()
        team = "" if is_model else folder.name
        for model in (folder,) if is_model else sorted(folder.glob("*/")):
            path = model / "overlays" / environment / "kustomization.yaml"
            if team in found or not path.is_file():
                continue
            if named := _NAMESPACE.search(path.read_text(encoding="utf-8")):
                found[team] = named[1]
    return found


def namespaces_of(generated: Path, model: str, environment: str) -> set[str]:
    """Every namespace that a model's overlay has named on the way to HEAD. Raises git.GitError."""
    path = overlay(generated, model, environment) / "kustomization.yaml"
    root = generated.parent
    contents = (each.content or b"" for each in git.revisions(root, [str(path.relative_to(root))]))
    named = (_NAMESPACE.search(content.decode(errors="replace")) for content in contents)
    return {found[1] for found in named if found}


def declared(kustomize: Kustomize, generated: Path, model: str, environment: str) -> DeclaredModel:
    """What a model's overlay stands for.

    Raises KustomizeError, and ClusterError where its objects lie in no namespace, or in several.
    """
    return _declared(model, environment, kustomize.build(overlay(generated, model, environment)))


def declared_together(
    kustomize: Kustomize, generated: Path, overlays: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], DeclaredModel]:
    """What several overlays stand for, each a model and an environment, which kustomize builds at once.

    Their objects are told apart by their labels. Raises as `declared` does, and ClusterError where an object
    carries others: nobody could tell which overlay it is from.
    """
    found: dict[tuple[str, str], list[Object]] = {pair: [] for pair in overlays}
    labelled = {_labels_of(*pair): objects for pair, objects in found.items()}
    for document in kustomize.build_all([overlay(generated, *pair) for pair in found]):
        if owner_of(document) not in labelled:
            raise ClusterError(f"{key_of(document)} does not carry the labels of its overlay")
        labelled[owner_of(document)].append(document)
    return {pair: _declared(*pair, objects) for pair, objects in found.items()}


def _labels_of(model: str, environment: str) -> tuple[str, str]:
    """What the objects of an overlay name as `owner_of` has it."""
    return model_path.name_of(model), environment


def _shares(pairs: Iterable[tuple[str, str]]) -> list[list[tuple[str, str]]]:
    """The overlays in parts that are built together; of two with the same labels, one comes into another."""
    shares: list[dict[tuple[str, str], tuple[str, str]]] = []
    for pair in pairs:
        labels = _labels_of(*pair)
        open_ones = (each for each in shares[-_OPEN:] if len(each) < _BUILT_TOGETHER and labels not in each)
        share = next(open_ones, None)
        if share is None:
            shares.append(share := {})
        share[labels] = pair
    return [[*share.values()] for share in shares]


def _declared(model: str, environment: str, objects: Sequence[Object]) -> DeclaredModel:
    namespaces = sorted({str(each["metadata"].get("namespace", "")) for each in objects} - {""})
    if len(namespaces) != 1:
        message = "no namespace" if not namespaces else f"several namespaces: {', '.join(namespaces)}"
        raise ClusterError(
            f"the objects of {model} for {environment} lie in {message}", "compile it again: `aimass compile`"
        )
    ranked = tuple(document for group in in_ranks(objects) for document in group)
    return DeclaredModel(model, environment, namespaces[0], ranked)


@contextmanager
def building(generated: Path, targets: Iterable[EnvironmentTarget]) -> Iterator[Builds]:
    """The overlays of all targets, while kustomize builds them in the background. Raises KustomizeError."""
    kustomize = find()
    pairs = [(model, target.environment) for target in targets for model in target.models]
    with ThreadPoolExecutor(_BUILDS_AT_ONCE) as pool:
        shares = _shares(pairs)
        # All of them come before what waits for them, so that no two wait for each other.
        started = [pool.submit(declared_together, kustomize, generated, share) for share in shares]
        yield {
            pair: pool.submit(_built, together, kustomize, generated, pair)
            for share, together in zip(shares, started, strict=True)
            for pair in share
        }


def _built(
    together: Future[dict[tuple[str, str], DeclaredModel]],
    kustomize: Kustomize,
    generated: Path,
    pair: tuple[str, str],
) -> DeclaredModel:
    """One of the overlays that are built together; alone where that failed, to tell its own failure."""
    try:
        return together.result()[pair]
    except (KustomizeError, ClusterError):
        return declared(kustomize, generated, *pair)


def belongs_to(document: Object, model: str, environment: str) -> bool:
    """Whether an object carries our labels for this model in this environment."""
    return owner_of(document) == _labels_of(model, environment)


def owner_of(document: Object) -> tuple[str, str]:
    """The model and the environment that an object's labels name; empty where they name none."""
    labels = document["metadata"].get("labels") or {}
    return labels.get(conventions.LABEL_MODEL, ""), labels.get(conventions.LABEL_ENVIRONMENT, "")
