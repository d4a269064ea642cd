"""What Flux applies: for each environment a Kustomization of each model, which follows the repository.

A model has a Kustomization wherever it may be released, and what that builds is empty as long as nothing is
released: so promoting compiles nothing, and deleting a release removes what ran. Each is one model's alone,
because Flux applies nothing of a Kustomization while any part of it cannot be built or gets ready.

Source: https://fluxcd.io/flux/components/kustomize/kustomizations/
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from aimass_compiler import conventions
from aimass_compiler.fleet.engine_namespaces import EngineNamespace, applies_any, kinds_of, namespaces
from aimass_compiler.fleet.part import Fleet, FleetPart
from aimass_compiler.fleet.written_by_others import WRITTEN_IN_CANARIES
from aimass_compiler.model_path import name_of
from aimass_compiler.pipeline.gitops import Engine, FollowedRepository
from aimass_compiler.pipeline.organisation import Organisation
from aimass_compiler.pipeline.settings import Settings
from aimass_compiler.render.emit import block, blocks, header_of
from aimass_compiler.render.facts import Environment
from aimass_compiler.render.names import kustomization
from aimass_compiler.render.release_apart import ADAPTERS, MOUNTED, UNRELEASED
from aimass_compiler.render.rights import account_of

ENGINE: Engine = "flux"
_NAMESPACE = "flux-system"
_KUSTOMIZE, _SOURCE = "kustomize.toolkit.fluxcd.io/v1", "source.toolkit.fluxcd.io/v1"
_ROOT = "aimass-{environment}"
#: How often the repository is looked at, and a model compared with the cluster though nothing was committed.
_POLLED, _COMPARED, _RETRIED = "1m", "10m", "1m"
#: How long a new version may take to get ready before that is reported as a failure.
_READY_WITHIN = "10m"
#: What no Kustomization builds from.
_UNREAD = ("pipeline.json", "resolved.json", "inventory.json", "access.yaml", "dvc.*")
_UNREAD_FOLDERS = ("image", "train")
#: Without the annotation that a release sets, nothing of a model is built. Names in the patch mean nothing.
_NOTHING_UNRELEASED = {
    "target": {"annotationSelector": f"!{conventions.ANNOTATION_VERSION}"},
    "patch": block({"$patch": "delete", "apiVersion": "v1", "kind": "any", "metadata": {"name": "any"}}),
}


def _is_wanted(organisation: Organisation) -> bool:
    return applies_any(organisation, ENGINE)


def _render(fleet: Fleet) -> dict[str, bytes]:
    settings = fleet.organisation.settings
    files: dict[str, list[Mapping[str, Any]]] = {}
    for where in namespaces(fleet, ENGINE):
        files.setdefault(f"{where.environment}/root.yaml", list(_root(settings, where.environment)))
        file = f"teams/{where.team}.yaml" if where.team else "models.yaml"
        files[f"{where.environment}/{file}"] = list(_followed(fleet, where))
    listed: dict[str, list[str]] = {}
    for path in files:
        environment, _, name = path.partition("/")
        listed.setdefault(environment, []).append(name)
    for environment, names in listed.items():
        files[f"{environment}/kustomization.yaml"] = [kustomization((("resources", names),))]
    head = header_of(conventions.SETTINGS_FILE)
    return {path: (head + blocks(each)).encode() for path, each in files.items()}


def _root(settings: Settings, environment: str) -> Iterator[dict[str, Any]]:
    """What keeps all Kustomizations as the repository has them; an administrator applies it once."""
    place = (settings.engine_namespace or _NAMESPACE, _ROOT.format(environment=environment))
    folder = f"{conventions.GENERATED_FOLDER}/{conventions.FLEET_FOLDER}/flux/{environment}"
    yield _source(settings.followed_repository, place, [conventions.FLEET_FOLDER])
    yield {
        "apiVersion": _KUSTOMIZE,
        "kind": "Kustomization",
        "metadata": {"name": place[1], "namespace": place[0]},
        "spec": {
            "interval": _COMPARED,
            "retryInterval": _RETRIED,
            "path": f"./{folder}",
            "prune": True,
            "sourceRef": {"kind": "GitRepository", "name": place[1]},
        },
    }


def _source(
    repository: FollowedRepository, place: tuple[str, str], folders: Iterable[str], unread: Iterable[str] = ()
) -> dict[str, Any]:
    """The repository as Flux keeps it for these folders of generated/: all releases, and nothing else.

    It would not keep to folders of which one is not there, as that of the releases before the first
    (`sparseCheckout`).
    """
    namespace, name = place
    generated = conventions.GENERATED_FOLDER
    only = ("/*", f"!/{generated}", f"/{generated}/*", *(f"!/{generated}/{each}" for each in folders))
    spec: dict[str, Any] = {
        "interval": _POLLED,
        "url": repository.url,
        "ref": {"branch": repository.branch},
        "ignore": "\n".join((*only, f"!/{conventions.RELEASES_FOLDER}", *unread)) + "\n",
    }
    if repository.secret is not None:
        spec["secretRef"] = {"name": repository.secret}
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": _SOURCE, "kind": "GitRepository", "metadata": metadata, "spec": spec}


def _followed(fleet: Fleet, where: EngineNamespace) -> Iterator[dict[str, Any]]:
    """A source and the Kustomizations of one namespace."""
    repository = fleet.organisation.settings.followed_repository
    folders = [where.team] if where.team else list(where.models)
    model = f"/{conventions.GENERATED_FOLDER}/{where.team or '*'}" + ("/*" if where.team else "")
    unread = (*_UNREAD, *(f"{model}/{folder}/" for folder in _UNREAD_FOLDERS))
    yield _source(repository, (where.namespace, _source_name(where)), folders, unread)
    for path, there in where.models.items():
        settings = fleet.organisation.settings_of(path)
        yield _model(path, where, there, account_of(settings, where.environment, where.namespace))


def _source_name(where: EngineNamespace) -> str:
    return f"models-{where.team}" if where.team else "models"


def pausing(
    settings: Settings, model: str, environment: str, namespace: str, is_paused: bool
) -> tuple[str, str, dict[str, Any]]:
    """What keeps Flux from a model, or lets it go on: an object, its namespace, and a part of its spec."""
    del settings, environment  # a Kustomization lies beside its model
    return f"kustomization {name_of(model)}", namespace, {"suspend": is_paused}


def _model(
    path: str, where: EngineNamespace, there: Environment, service_account: str | None
) -> dict[str, Any]:
    name, depth = name_of(path), path.count("/") + 5
    release = f"{conventions.RELEASES_FOLDER}/{where.environment}/{path}"
    spec: dict[str, Any] = {
        "interval": _COMPARED,
        "retryInterval": _RETRIED,
        "timeout": _READY_WITHIN,
        "path": f"./{conventions.GENERATED_FOLDER}/{path}/overlays/{where.environment}/{UNRELEASED}",
        "components": [f"../{ADAPTERS}", "../" * depth + release, f"../{MOUNTED}"],
        "ignoreMissingComponents": True,
        "patches": [_NOTHING_UNRELEASED],
        "prune": True,
        "wait": True,
        "sourceRef": {"kind": "GitRepository", "name": _source_name(where)},
    }
    if service_account is not None:
        spec["serviceAccountName"] = service_account
    if expressions := list(_health_checks(there)):
        spec["healthCheckExprs"] = expressions
    if there.servers.is_canary:
        spec["ignore"] = [
            {"target": {"kind": each.kind}, "paths": list(each.pointers)} for each in WRITTEN_IN_CANARIES
        ]
    labels = {
        conventions.LABEL_MANAGED_BY: conventions.MANAGER,
        conventions.LABEL_MODEL: name,
        conventions.LABEL_ENVIRONMENT: where.environment,
    }
    metadata = {"name": name, "namespace": where.namespace, "labels": labels}
    return {"apiVersion": _KUSTOMIZE, "kind": "Kustomization", "metadata": metadata, "spec": spec}


def _health_checks(there: Environment) -> Iterator[dict[str, Any]]:
    """How far objects are whose kinds Flux does not know."""
    for kind in kinds_of(there):
        if kind.health is None:
            continue
        check = {"apiVersion": kind.health.version, "kind": kind.kind, "current": kind.health.current}
        yield check | ({"failed": kind.health.failed} if kind.health.failed else {})


PART = FleetPart(is_wanted=_is_wanted, render=_render)
