"""What Argo CD applies: a project for each team, and an ApplicationSet for each environment.

The ApplicationSet finds the files of releases, so that there is an Application exactly where something is
released. Argo CD applies it as a whole and waits for nothing in between: while it waited, as between waves,
for a canary or a bad version, it would not take the commit that rolls it back.

Source: https://argo-cd.readthedocs.io/en/stable/operator-manual/applicationset/Generators-Git/
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from aimass_compiler import conventions
from aimass_compiler.fleet.engine_namespaces import EngineNamespace, applies_any, kinds_of, namespaces
from aimass_compiler.fleet.part import Fleet, FleetPart
from aimass_compiler.fleet.written_by_others import WRITTEN_IN_CANARIES, WrittenField
from aimass_compiler.model_path import name_of, team_of
from aimass_compiler.pipeline.gitops import Engine
from aimass_compiler.pipeline.organisation import Organisation
from aimass_compiler.pipeline.settings import Settings
from aimass_compiler.render.emit import blocks, header_of
from aimass_compiler.render.names import kustomization
from aimass_compiler.render.object_kind import ObjectKind

ENGINE: Engine = "argocd"
_NAMESPACE = "argocd"
_VERSION = "argoproj.io/v1alpha1"
#: Where Argo CD itself runs, unless the settings say where a cluster is.
_HERE = "https://kubernetes.default.svc"
_OPTIONS = (
    "ServerSideApply=true",
    "PruneLast=true",
    "RespectIgnoreDifferences=true",
    "ApplyOutOfSyncOnly=true",
)
#: Deleting an Application, as when its release is deleted, deletes what it applied.
_FINALIZER = "resources-finalizer.argocd.argoproj.io"
#: A patch of Argo CD's own settings, which is no object to apply: it would take the place of theirs.
_HEALTH_FILE = "argocd-cm.yaml"
#: What is released is applied by itself, and changes by hand are put back.
_AUTOMATED = {"prune": True, "selfHeal": True}
_RETRY = {"limit": 5, "backoff": {"duration": "10s", "factor": 2, "maxDuration": "3m"}}


def _is_wanted(organisation: Organisation) -> bool:
    return applies_any(organisation, ENGINE)


def _render(fleet: Fleet) -> dict[str, bytes]:
    settings, found = fleet.organisation.settings, list(namespaces(fleet, ENGINE))
    teams: dict[str, list[EngineNamespace]] = {}
    for where in found:
        teams.setdefault(where.team, []).append(where)
    applied: dict[str, list[Mapping[str, Any]]] = {
        "projects.yaml": [_project(settings, team, its) for team, its in sorted(teams.items())]
    }
    for environment in dict.fromkeys(where.environment for where in found):
        here = [where for where in found if where.environment == environment]
        applied[f"{environment}.yaml"] = [_application_set(settings, environment, here)]
    applied["kustomization.yaml"] = [kustomization((("resources", list(applied)),))]
    health = _health_settings(found)
    patches = {_HEALTH_FILE: [{"data": health}]} if health else {}
    head = header_of(conventions.SETTINGS_FILE)
    return {path: (head + blocks(each)).encode() for path, each in (applied | patches).items()}


def _project(settings: Settings, team: str, found: Iterable[EngineNamespace]) -> dict[str, Any]:
    """What a team may apply: from this repository, to its namespaces, of the kinds that its models have."""
    places = [
        {"server": _server(settings, where.environment), "namespace": where.namespace} for where in found
    ]
    kinds = {(kind.group, kind.kind) for where in found for kind in _kinds(where)}
    return {
        "apiVersion": _VERSION,
        "kind": "AppProject",
        "metadata": _metadata(settings, _project_name(team)),
        "spec": {
            "description": f"The models of the team {team}." if team else "The models of no team.",
            "sourceRepos": [_url(settings)],
            "destinations": places,
            "clusterResourceWhitelist": [],
            "namespaceResourceWhitelist": [{"group": group, "kind": kind} for group, kind in sorted(kinds)],
        },
    }


def _application_set(settings: Settings, environment: str, found: list[EngineNamespace]) -> dict[str, Any]:
    return {
        "apiVersion": _VERSION,
        "kind": "ApplicationSet",
        "metadata": _metadata(settings, f"aimass-{environment}"),
        "spec": {
            "goTemplate": True,
            "goTemplateOptions": ["missingkey=error"],
            "generators": [{"git": _released(settings, where, found)} for where in found],
            # Who is on call may stop one Application from being put back to what git says.
            "ignoreApplicationDifferences": [{"jsonPointers": ["/spec/syncPolicy"]}],
            "template": {
                "metadata": {
                    "name": f"{{{{.path.basename}}}}.{{{{.values.suffix}}}}{environment}",
                    "finalizers": [_FINALIZER],
                    "labels": {
                        conventions.LABEL_MANAGED_BY: conventions.MANAGER,
                        conventions.LABEL_MODEL: "{{.path.basename}}",
                        conventions.LABEL_ENVIRONMENT: environment,
                    },
                },
                "spec": _application(settings, environment, found),
            },
        },
    }


def _released(settings: Settings, where: EngineNamespace, found: list[EngineNamespace]) -> dict[str, Any]:
    """The generator of the models that are released from one folder.

    Argo CD's patterns look into folders below, too, unless an option forbids it.
    """
    folder = f"{conventions.RELEASES_FOLDER}/{where.environment}"
    others = [each.team for each in found if each.team] if not where.team else []
    own = f"{folder}/{where.team}" if where.team else folder
    files: list[dict[str, Any]] = [{"path": f"{own}/*/{conventions.RELEASE_FILE}"}]
    files += [{"path": f"{folder}/{team}/*/{conventions.RELEASE_FILE}", "exclude": True} for team in others]
    values = {
        "project": _project_name(where.team),
        "suffix": _suffix(where.team),
        "namespace": where.namespace,
    }
    return {"repoURL": _url(settings), "revision": _branch(settings), "files": files, "values": values}


def _application(settings: Settings, environment: str, found: Iterable[EngineNamespace]) -> dict[str, Any]:
    below = f'{{{{trimPrefix "{conventions.RELEASES_FOLDER}/{environment}/" .path.path}}}}'
    spec: dict[str, Any] = {
        "project": "{{.values.project}}",
        "source": {
            "repoURL": _url(settings),
            "targetRevision": _branch(settings),
            "path": f"{conventions.GENERATED_FOLDER}/{below}/overlays/{environment}",
        },
        "destination": {"server": _server(settings, environment), "namespace": "{{.values.namespace}}"},
        "syncPolicy": {
            "automated": _AUTOMATED,
            "syncOptions": list(_OPTIONS),
            "retry": _RETRY,
        },
    }
    if any(there.servers.is_canary for where in found for there in where.models.values()):
        spec["ignoreDifferences"] = list(map(_ignored, WRITTEN_IN_CANARIES))
    return spec


def _ignored(field: WrittenField) -> dict[str, Any]:
    pointers = {"jsonPointers": [*field.pointers]}
    how = {"jqPathExpressions": [field.expression]} if field.expression else pointers
    return {"group": field.group, "kind": field.kind, **how}


def _kinds(where: EngineNamespace) -> Iterator[ObjectKind]:
    for there in where.models.values():
        yield from kinds_of(there)


def _health_settings(found: Iterable[EngineNamespace]) -> dict[str, str]:
    """What Argo CD must be told of kinds that it does not know, as it stands among its own settings."""
    told = {
        f"resource.customizations.health.{kind.group}_{kind.kind}": kind.health.lua
        for where in found
        for kind in _kinds(where)
        if kind.health and kind.health.lua
    }
    return dict(sorted(told.items()))


def _metadata(settings: Settings, name: str) -> dict[str, Any]:
    return {
        "name": name,
        "namespace": _place(settings),
        "labels": {conventions.LABEL_MANAGED_BY: conventions.MANAGER},
    }


def _place(settings: Settings) -> str:
    """The namespace of Argo CD and of what it reads."""
    return settings.engine_namespace or _NAMESPACE


def pausing(
    settings: Settings, model: str, environment: str, namespace: str, is_paused: bool
) -> tuple[str, str, dict[str, Any]]:
    """What keeps Argo CD from a model, or lets it go on: an object, its namespace, and a part of its spec."""
    del namespace  # Applications lie in that of Argo CD
    automated = None if is_paused else _AUTOMATED
    name = _application_name(model, environment)
    return f"application {name}", _place(settings), {"syncPolicy": {"automated": automated}}


def _application_name(model: str, environment: str) -> str:
    """The Application of a model, by its path: with dots, which no name of a model or a team has."""
    return f"{name_of(model)}.{_suffix(team_of(model))}{environment}"


def _suffix(team: str) -> str:
    return f"{team}." if team else ""


def _project_name(team: str) -> str:
    return f"aimass-{team}" if team else "aimass"


def _server(settings: Settings, environment: str) -> str:
    return settings.environments[environment].server or _HERE


def _url(settings: Settings) -> str:
    return settings.followed_repository.url


def _branch(settings: Settings) -> str:
    return settings.followed_repository.branch


PART = FleetPart(is_wanted=_is_wanted, render=_render, applied="")
