"""Servers that several small models share: one kustomization for each, environment and team."""

from __future__ import annotations

from collections.abc import Mapping

from aimass_compiler import conventions
from aimass_compiler.catalog import servers
from aimass_compiler.fleet.part import Fleet, FleetPart
from aimass_compiler.fleet.servers.findings import findings
from aimass_compiler.fleet.servers.objects import objects
from aimass_compiler.fleet.servers.place import ServerPlace, places
from aimass_compiler.pipeline.organisation import Organisation
from aimass_compiler.render.emit import block, blocks, header_of
from aimass_compiler.render.image.server_image import context, server_tag
from aimass_compiler.render.names import kustomization, served_labels

_OBJECTS_FILE = "server.yaml"


def _is_wanted(organisation: Organisation) -> bool:
    return bool(organisation.settings.servers)


def _render(fleet: Fleet) -> Mapping[str, bytes]:
    return {
        f"{place.folder}/{path}": content for place in places(fleet) for path, content in files(place).items()
    }


def files(place: ServerPlace) -> dict[str, bytes]:
    """The kustomization of one server; which models it has is not in it."""
    images = place.settings.images
    image = {
        "name": conventions.SERVER_IMAGE,
        "newName": f"{images.registry}/{conventions.SERVER_IMAGE}",
        "newTag": server_tag(context(images.python, servers.ROWS)),
    }
    labels = served_labels(place.name, tuple(sorted(place.settings.labels.items())))
    del labels[conventions.LABEL_MODEL]
    labels |= {conventions.LABEL_ENVIRONMENT: place.environment}
    labels |= {conventions.LABEL_TEAM: place.team} if place.team else {}
    parts = (
        ("namespace", place.namespace),
        ("resources", [_OBJECTS_FILE]),
        ("labels", [{"pairs": labels, "includeTemplates": True}]),
        ("images", [image]),
    )
    head = header_of(conventions.SETTINGS_FILE)
    return {
        "kustomization.yaml": (head + block(kustomization(parts))).encode(),
        _OBJECTS_FILE: (head + blocks(objects(place))).encode(),
    }


PART = FleetPart(is_wanted=_is_wanted, render=_render, applied="{environment}/*/*", findings=findings)
