"""What an administrator applies for each team: namespaces with their bounds, rights and alerts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from aimass_compiler.fleet.part import Fleet, FleetPart
from aimass_compiler.fleet.teams import access, alerts, hosts, namespace
from aimass_compiler.fleet.teams.findings import findings
from aimass_compiler.fleet.teams.team_namespace import TeamNamespace, namespaces
from aimass_compiler.pipeline.organisation import Organisation
from aimass_compiler.render.emit import block, header_of
from aimass_compiler.render.names import kustomization


def _is_wanted(organisation: Organisation) -> bool:
    return bool(organisation.teams)


def _render(fleet: Fleet) -> Mapping[str, bytes]:
    return {
        f"{where.name}/{where.environment}/{path}": content
        for where in namespaces(fleet.organisation)
        for path, content in files(where).items()
    }


def files(where: TeamNamespace) -> dict[str, bytes]:
    """The kustomization of one namespace, by its files."""
    parts = {
        "namespace.yaml": _blocks(namespace.objects(where)),
        "access.yaml": access.documents(where),
        "alerts.yaml": _blocks(alerts.objects(where)),
        "hosts.yaml": _blocks(hosts.objects(where)),
    }
    texts = {path: "---\n".join(documents) for path, documents in parts.items()}
    written = {path: text for path, text in texts.items() if text}
    whole = block(kustomization((("resources", [*written]),)))
    return {
        path: (header_of(where.file) + text).encode()
        for path, text in {"kustomization.yaml": whole, **written}.items()
    }


def _blocks(objects: Iterable[dict[str, Any]]) -> Iterator[str]:
    return map(block, objects)


PART = FleetPart(is_wanted=_is_wanted, render=_render, applied="*/{environment}", findings=findings)
